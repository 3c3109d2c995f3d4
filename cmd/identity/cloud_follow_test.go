package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/sync/dynamostate"
)

// mirror is what somebody has who follows /changes and keeps what each entry says. It
// is for one goroutine, until stopped.
type mirror struct {
	w       *world
	p       *process
	at      string
	names   map[string]string
	entries int
}

// read asks for one page, and tells whether it brought anything.
func (m *mirror) read(wait string) bool {
	m.w.t.Helper()
	path := fmt.Sprintf("/changes?limit=%d%s", 1+rand.N(20), wait)
	if m.at == "" {
		path += "&kind=user"
	} else {
		path += "&after=" + m.at
	}
	r := m.p.ask(m.w.t, http.MethodGet, path, nil)
	if r.unheard() {
		return false // for now
	}
	var page struct {
		Next  string
		Items []struct {
			ID      string
			Removed bool
			User    struct{ Name string }
		}
	}
	if err := json.Unmarshal(r.body, &page); err != nil || r.status != http.StatusOK {
		m.w.t.Errorf("GET %s is answered %d: %s", path, r.status, r.body)
		return false
	}
	for _, item := range page.Items {
		if m.names[item.ID] = item.User.Name; item.Removed {
			delete(m.names, item.ID)
		}
	}
	m.at = page.Next
	m.entries += len(page.Items)
	return len(page.Items) > 0
}

// shows tells how the mirror differs from those who were written.
func (m *mirror) shows(all []*person) error {
	present := 0
	for _, who := range all {
		name, there := m.names[who.ID]
		if there == who.gone || there && name != who.DisplayName {
			return fmt.Errorf("%s is %q, there %t, and is to be %q, gone %t", who.ID, name, there, who.DisplayName, who.gone)
		}
		if there {
			present++
		}
	}
	if present != len(m.names) {
		return fmt.Errorf("%d are there of %d", len(m.names), present)
	}
	return nil
}

// While rows are built anew, switched and switched back, under writes, whoever follows
// /changes ends with what there is, and whoever follows /events with a copy of it.
func TestFollowersMissNothingOfARebuild(t *testing.T) {
	w := newWorld(t, 0)
	p := w.start(w.direct, "serve")
	writing := w.keepWriting(p, "Grace", 1)
	m := &mirror{w: w, p: p, names: map[string]string{}}
	file := filepath.Join(w.dir, "copy.ndjson")
	stop := make(chan struct{})
	var following sync.WaitGroup
	halt := sync.OnceFunc(func() { close(stop); following.Wait() })
	t.Cleanup(halt)
	until := func(every time.Duration, do func()) {
		following.Go(func() {
			pace := time.NewTicker(every) // or the servers would be busy with nothing else
			defer pace.Stop()
			for {
				select {
				case <-stop:
					return
				case <-pace.C:
					do()
				}
			}
		})
	}
	until(100*time.Millisecond, func() { m.read("&wait=1s") })
	until(3*time.Second, func() { _ = w.exports(p, file) })
	for range 2 {
		w.order(p, "/views:rebuild", map[string]any{"views": []string{httpapi.RowsView}}, http.StatusAccepted)
		w.rebuilt(p)
		w.order(p, "/views:back", nil, http.StatusOK)
	}
	all := writing.end()
	halt()
	eventually(t, serversTime, "the follower has what there is", func() error {
		for m.read("") {
		}
		return m.shows(all)
	})
	t.Logf("%d users were written, %d entries read", len(all), m.entries)
	eventually(t, serversTime, "the file has what there is", func() error { return w.exports(p, file) })
	w.copiedWhole(file, all)
}

// exports brings a file up to date, and tells if that cannot be done for now.
func (w *world) exports(p *process, file string) error {
	w.t.Helper()
	code, out, errs := w.command(w.t.Context(), "export", "--url", p.url, "--out", file)
	if code == exitDone {
		return nil
	}
	if !strings.Contains(errs, unheard503) {
		w.t.Errorf("export ends with %d: %s%s", code, out, errs)
		return nil
	}
	return errors.New(errs)
}

// copiedWhole imports what was exported, and compares the streams of users with those
// that it was made of.
func (w *world) copiedWhole(file string, all []*person) {
	w.t.Helper()
	secret, err := dynamostate.New(w.tables, w.names.State).Secret(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	data := filepath.Join(w.dir, "copied")
	here := &world{t: w.t, direct: append(slices.Clone(w.direct), "IDENTITY_STORE=embedded", claimVar+"="+hex.EncodeToString(secret))}
	here.done("import", "--data", data, file)
	here.done("verify", "--data", data)
	copied := hashesOf(logOf(w.t, data))
	store := dynamostore.New(w.tables, w.names.Events, nil)
	defer store.Close()
	for _, who := range all {
		for commit, err := range store.Read(w.t.Context(), eventstream.UserStream(uuid.MustParse(who.ID)), 0) {
			if err != nil {
				w.t.Fatal(err)
			}
			if _, there := copied[commit.Hash]; !there {
				w.t.Errorf("commit %d of %s is not in the copy", commit.Seq, commit.Stream)
			}
		}
	}
}
