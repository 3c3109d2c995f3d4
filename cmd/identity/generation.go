package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/seed5b6a70b4/identity/internal/snapshot"
	"github.com/seed5b6a70b4/identity/queries/memview"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// generation is what answers at a time: rows, and the index that is made of
// them. Two generations may share their rows.
type generation struct {
	rows   *rows
	search *searcher // nil when search is off
}

// rows are one generation of the rows.
type rows struct {
	number uint64
	view   *memview.View
	tasks  []*task
	// forwarders carry what changes on to indexes; the slice is replaced.
	forwarders atomic.Pointer[[]*entityForwarder]
}

type entityForwarder = querysync.Forwarder[memview.Entity]

// The views by their names in metrics, logs and files. Those of a generation after
// the first have its number behind.
const (
	rowsName   = "memview"
	searchName = "memsearch"
	searchFile = "search"
)

func generationName(name string, number uint64) string {
	if number <= 1 {
		return name
	}
	return name + "-" + strconv.FormatUint(number, 10)
}

func (b *embedded) newRows(number uint64) *rows {
	r := &rows{number: number}
	r.view = memview.New(&memview.Options{
		Name: generationName(rowsName, number), Logger: b.settings.log, Source: b.directory.Epoch.String(), OnChange: r.changed,
	})
	return r
}

// changed forwards what changes in the view to what follows it: until something
// does, it catches up, and what follows it will too.
func (r *rows) changed(entities []memview.Entity) {
	if all := r.forwarders.Load(); all != nil {
		for _, f := range *all {
			f.Changed(entities)
		}
	}
}

func (r *rows) told() []*entityForwarder {
	if all := r.forwarders.Load(); all != nil {
		return *all
	}
	return nil
}

// tell has a forwarder told of what changes from now on. One goroutine at a time
// may call it, or hush.
func (r *rows) tell(f *entityForwarder) {
	all := append(slices.Clone(r.told()), f)
	r.forwarders.Store(&all)
}

func (r *rows) hush(f *entityForwarder) {
	all := slices.DeleteFunc(slices.Clone(r.told()), func(other *entityForwarder) bool { return other == f })
	r.forwarders.Store(&all)
}

// start runs what a generation does in the background.
func (b *embedded) start(g *generation) {
	b.startRows(g.rows)
	if g.search != nil {
		b.startSearch(g.search)
	}
}

func (b *embedded) startRows(r *rows) { r.tasks = append(r.tasks, b.host.start(r.view.Run)) }

func (b *embedded) startSearch(s *searcher) {
	s.tasks = append(s.tasks, b.host.start(s.forwarder.Run), b.host.start(s.index.Run))
}

// discard lets go of what one generation has and another one has not: nothing
// follows the log for it any more, and its files go.
func (b *embedded) discard(ctx context.Context, g, but *generation) error {
	var err error
	if s := g.search; s != nil && s != but.search {
		g.rows.hush(s.forwarder)
		stopAll(s.tasks)
		s.forwarder.Forget()
		err = snapshot.Remove(b.data.snapshots(), generationName(searchFile, s.number))
	}
	if r := g.rows; r != but.rows {
		err = errors.Join(err, b.synchroniser.Unfollow(ctx, r.view))
		stopAll(r.tasks)
		err = errors.Join(err, snapshot.Remove(b.data.snapshots(), r.view.Name()))
	}
	return err
}

func stopAll(tasks []*task) {
	for _, t := range tasks {
		t.stop()
	}
}

// record says, durably, which generation answers. Without one it is the first.
type record struct {
	Rows   uint64 `json:"rows"`
	Search uint64 `json:"search"`
}

const recordFile = "generations.json"

// readRecord reads which generation answers, and removes the files of others: of
// one that was being built when the process ended, or that was kept.
func (b *embedded) readRecord() (record, error) {
	r := record{1, 1}
	text, absent, err := b.data.readSecret(recordFile)
	if err != nil {
		return r, fmt.Errorf("read which generation answers: %w", err)
	}
	if !absent {
		if err := json.Unmarshal([]byte(text), &r); err != nil || r.Rows == 0 || r.Search == 0 {
			// What is derived is made again; the record is not worth a start.
			b.settings.log.Warn("which generation answers is not known; the views are made anew", "file", recordFile, "error", err)
			r = record{1, 1}
		}
	}
	return r, b.removeOthers(r)
}

// writeRecord says which generation answers from now on.
func (b *embedded) writeRecord(g *generation) error {
	r := record{Rows: g.rows.number, Search: b.searchNumber}
	if g.search != nil {
		r.Search = g.search.number
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return b.data.replace(recordFile, string(raw), secretMode)
}

// generationFile is what a file of a generation is called: whose it is, and of
// which number unless it is the first.
var generationFile = regexp.MustCompile(`^(?:parked-)?(memview|search)(?:-(\d{1,10}))?(?:-\d{20}\.snapshot|-\d+\.tmp|\.json(?:-\d+\.tmp)?)$`)

func (b *embedded) removeOthers(keep record) error {
	files, err := os.ReadDir(b.data.snapshots())
	if err != nil {
		return fmt.Errorf("look for files of other generations: %w", err)
	}
	for _, file := range files {
		parts := generationFile.FindStringSubmatch(file.Name())
		if parts == nil {
			continue
		}
		number, wanted := uint64(1), keep.Rows
		if parts[1] == searchFile {
			wanted = keep.Search
		}
		if parts[2] != "" {
			number, _ = strconv.ParseUint(parts[2], 10, 64)
		}
		if number == wanted {
			continue
		}
		if err := os.Remove(filepath.Join(b.data.snapshots(), file.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a file of another generation: %w", err)
		}
	}
	return nil
}
