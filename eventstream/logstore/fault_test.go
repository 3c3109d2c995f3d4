package logstore_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/memfs"
)

// failing makes all operations of a kind on segments fail, as long as it is set.
func failing(fs *memfs.FS, err error, written int, ops ...memfs.Op) {
	fs.Before(func(op memfs.Op, name string) *memfs.Fault {
		for _, each := range ops {
			if op == each && !isMark(name) {
				return &memfs.Fault{Err: err, Written: written}
			}
		}
		return nil
	})
}

// isMark goes by the name under which a file was opened.
func isMark(name string) bool { return strings.HasPrefix(name, markFile) }

// answer is how an append or a read may be answered.
type answer int

const (
	refused answer = iota // nothing was written
	unknown               // it cannot be told
	dead                  // for ever
)

func expect(t *testing.T, what string, err error, want answer) {
	t.Helper()
	if !errors.Is(err, eventstream.ErrUnavailable) || errors.Is(err, eventstream.ErrUnknownOutcome) != (want == unknown) {
		t.Errorf("%s: %v", what, err)
	}
}

func TestAFailedSyncEndsTheStore(t *testing.T) {
	fs, fatal := memfs.New(), []error{}
	store := openMemory(t, fs, &logstore.Options{Fatal: func(err error) { fatal = append(fatal, err) }})
	tx := user("before")
	must[[]eventstream.Commit](t)(store.Append(t.Context(), tx))
	failing(fs, syscall.EIO, 0, memfs.OpSync)
	_, err := store.Append(t.Context(), user("meanwhile"))
	expect(t, "the append whose sync fails", err, unknown)
	fs.Before(nil)
	for range 2 {
		_, err = store.Append(t.Context(), user("after"))
		expect(t, "an append afterwards", err, dead)
	}
	_, err = store.Last(t.Context(), tx.Entries[0].Stream)
	expect(t, "last", err, dead)
	_, err = contents(store)
	expect(t, "tail", err, dead)
	if len(fatal) != 1 || !errors.Is(fatal[0], syscall.EIO) {
		t.Errorf("fatal was told %v", fatal)
	}
	if store.Health().Err == nil {
		t.Error("a dead store is healthy")
	}
	mustClose(t, store)
	store = openMemory(t, fs, nil)
	defer store.Close()
	if commit := must[eventstream.Commit](t)(store.Last(t.Context(), tx.Entries[0].Stream)); commit.Seq != 1 {
		t.Error("what was acknowledged before is gone")
	}
}

// TestWhatAFailedSyncForgotIsWrittenAgain starts after a sync has failed: what
// can be read then must also be there after a crash.
func TestWhatAFailedSyncForgotIsWrittenAgain(t *testing.T) {
	fs := memfs.New()
	store := openMemory(t, fs, nil)
	must[[]eventstream.Commit](t)(store.Append(t.Context(), user("before")))
	failing(fs, syscall.EIO, 0, memfs.OpSync)
	_, err := store.Append(t.Context(), user("meanwhile"))
	expect(t, "the append whose sync fails", err, unknown)
	fs.Before(nil)
	left := fs.Kill()
	mustClose(t, store)
	store = openMemory(t, left, nil)
	log := must[[][]eventstream.Commit](t)(contents(store))
	if len(log) != 2 {
		t.Fatalf("%d transactions can be read, not 2", len(log))
	}
	for seed := range uint64(8) {
		again := openMemory(t, left.Crash(rand.New(rand.NewPCG(seed, 3))), nil)
		if err := same(must[[][]eventstream.Commit](t)(contents(again)), log); err != nil {
			t.Error(err)
		}
		mustClose(t, again)
	}
	mustClose(t, store)
}

func TestAFailedSyncOfTheMarkEndsTheStore(t *testing.T) {
	fs, fatal := memfs.New(), 0
	store := openMemory(t, fs, &logstore.Options{Fatal: func(error) { fatal++ }})
	defer store.Close()
	must[[]eventstream.Commit](t)(store.Append(t.Context(), user("")))
	fs.Before(func(op memfs.Op, name string) *memfs.Fault {
		if op == memfs.OpSync && isMark(name) {
			return &memfs.Fault{Err: syscall.EIO}
		}
		return nil
	})
	if err := store.Promise(); err == nil {
		t.Error("the mark was written")
	}
	_, err := store.Append(t.Context(), user(""))
	expect(t, "append", err, dead)
	if fatal != 1 {
		t.Errorf("fatal was told %d times", fatal)
	}
}

// TestAFailedWriteIsRefusedAndPasses fails writes in the middle of a segment and
// where one begins; reads go on, and so do appends once writes work.
func TestAFailedWriteIsRefusedAndPasses(t *testing.T) {
	cases := map[string]struct {
		ops     []memfs.Op
		written int
		fills   bool // the segment, first
		want    answer
	}{
		"nothing is written":           {ops: []memfs.Op{memfs.OpWrite}},
		"a part is written":            {ops: []memfs.Op{memfs.OpWrite}, written: 100},
		"all is written":               {ops: []memfs.Op{memfs.OpWrite}, written: 1 << 20},
		"and no room is reserved":      {ops: []memfs.Op{memfs.OpWrite, memfs.OpAllocate}, written: 100},
		"and it cannot be cut off":     {ops: []memfs.Op{memfs.OpWrite, memfs.OpTruncate}, written: 1 << 20, want: unknown},
		"no segment can be made":       {ops: []memfs.Op{memfs.OpCreate}, fills: true},
		"no segment can be reserved":   {ops: []memfs.Op{memfs.OpAllocate}, fills: true},
		"no segment can be written":    {ops: []memfs.Op{memfs.OpWrite}, fills: true},
		"no segment can be renamed":    {ops: []memfs.Op{memfs.OpRename}, fills: true},
		"no segment can be taken away": {ops: []memfs.Op{memfs.OpRename, memfs.OpRemove}, fills: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			fs := memfs.New()
			store := openMemory(t, fs, nil)
			defer store.Close()
			must[[]eventstream.Commit](t)(store.Append(t.Context(), user("before")))
			if c.fills {
				must[[]eventstream.Commit](t)(store.Append(t.Context(), user(strings.Repeat("f", 1200))))
			}
			before := must[[][]eventstream.Commit](t)(contents(store))
			failing(fs, syscall.ENOSPC, c.written, c.ops...)
			want := c.want
			for range 3 {
				_, err := store.Append(t.Context(), user(strings.Repeat("x", 1000)))
				expect(t, "append", err, want)
				want = refused // what was left is still there, and nothing new is written
				if err := same(must[[][]eventstream.Commit](t)(contents(store)), before); err != nil {
					t.Errorf("reads meanwhile: %v", err)
				}
			}
			if store.Health().Err == nil {
				t.Error("a store that refuses is healthy")
			}
			fs.Before(nil)
			must[[]eventstream.Commit](t)(store.Append(t.Context(), user("after")))
			if err := store.Health().Err; err != nil {
				t.Errorf("health: %v", err)
			}
			log := must[[][]eventstream.Commit](t)(contents(store))
			if len(log) != len(before)+1 {
				t.Errorf("%d transactions, not %d", len(log), len(before)+1)
			}
			mustClose(t, store)
			store = openMemory(t, fs, nil)
			if err := same(must[[][]eventstream.Commit](t)(contents(store)), log); err != nil {
				t.Errorf("opened again: %v", err)
			}
		})
	}
}

func TestAMarkThatCannotBeWrittenStopsNobody(t *testing.T) {
	fs := memfs.New()
	store := openMemory(t, fs, nil)
	defer store.Close()
	fs.Before(func(op memfs.Op, name string) *memfs.Fault {
		if op == memfs.OpWrite && isMark(name) {
			return &memfs.Fault{Err: syscall.EIO, Written: 20}
		}
		return nil
	})
	for range 20 { // several segments
		must[[]eventstream.Commit](t)(store.Append(t.Context(), user(strings.Repeat("d", 300))))
	}
	if store.Health().Promised != 0 || store.Promise() == nil {
		t.Error("the mark was written")
	}
	fs.Before(nil)
	if err := store.Promise(); err != nil || store.Health().Promised != 20 {
		t.Errorf("promised %d: %v", store.Health().Promised, err)
	}
}

func TestAFullDiskIsRefusedBeforeItIsFull(t *testing.T) {
	fs := memfs.New()
	store := openMemory(t, fs, &logstore.Options{LowWater: 1000})
	defer store.Close()
	must[[]eventstream.Commit](t)(store.Append(t.Context(), transaction(empty("x", ""))))
	fs.SetFree(999)
	writes := 0
	fs.Before(func(op memfs.Op, _ string) *memfs.Fault {
		if op == memfs.OpWrite {
			writes++
		}
		return nil
	})
	_, err := store.Append(t.Context(), user(""))
	expect(t, "append", err, refused)
	if writes > 0 {
		t.Error("it wrote all the same")
	}
	if commit := must[eventstream.Commit](t)(store.Last(t.Context(), "x")); commit.Seq != 1 {
		t.Error("reads do not go on")
	}
	fs.SetFree(1000)
	must[[]eventstream.Commit](t)(store.Append(t.Context(), user("")))
	if err := store.Health().Err; err != nil {
		t.Errorf("health: %v", err)
	}
}

func TestReadsTellThatTheDiskFails(t *testing.T) {
	fs := memfs.New()
	store := openMemory(t, fs, nil)
	defer store.Close()
	must[[]eventstream.Commit](t)(store.Append(t.Context(), transaction(empty("x", ""))))
	failing(fs, syscall.EIO, 0, memfs.OpRead)
	_, err := store.Last(t.Context(), "x")
	expect(t, "last", err, refused)
	for _, err = range store.Recent(t.Context(), time.Time{}) {
		break
	}
	expect(t, "recent", err, refused)
	_, err = contents(store)
	expect(t, "tail", err, refused)
}

// TestNobodySeesWhatIsNotDurable looks around while the sync of a batch is under
// way.
func TestNobodySeesWhatIsNotDurable(t *testing.T) {
	fs := memfs.New()
	store := openMemory(t, fs, nil)
	defer store.Close()
	looked := 0
	fs.Before(func(op memfs.Op, _ string) *memfs.Fault {
		if op == memfs.OpSync {
			looked++
			if commit := must[eventstream.Commit](t)(store.Last(t.Context(), "x")); commit.Seq != 0 {
				t.Error("last shows it")
			}
			if log := must[[][]eventstream.Commit](t)(contents(store)); len(log) != 0 || store.End() != 0 {
				t.Error("tail or end show it")
			}
			for range store.Recent(t.Context(), time.Time{}) {
				t.Error("recent shows it")
			}
		}
		return nil
	})
	must[[]eventstream.Commit](t)(store.Append(t.Context(), transaction(empty("x", ""))))
	fs.Before(nil)
	if looked != 1 {
		t.Errorf("looked %d times", looked)
	}
}

// rivals appends two transactions that want the same stream, in one batch, and
// calls during before each operation of that batch. It gives both answers.
func rivals(t *testing.T, fs *memfs.FS, store *logstore.Store, during func(memfs.Op) *memfs.Fault) (first, second error) {
	t.Helper()
	waiting, writing := make(chan struct{}), make(chan struct{})
	synced := false
	fs.Before(func(op memfs.Op, _ string) *memfs.Fault {
		switch {
		case synced:
			return during(op)
		case op == memfs.OpSync:
			synced = true
			close(writing)
			<-waiting // until both are queued
		}
		return nil
	})
	answers := make(chan error, 3)
	go func() { _, err := store.Append(t.Context(), user("")); answers <- err }()
	<-writing
	one, two := make(chan error, 1), make(chan error, 1)
	go func() { _, err := store.Append(t.Context(), transaction(empty("x", "1"))); one <- err }()
	store.AwaitQueued(1)
	go func() { _, err := store.Append(t.Context(), transaction(empty("x", "2"))); two <- err }()
	store.AwaitQueued(2)
	close(waiting)
	if err := <-answers; err != nil {
		t.Fatal(err)
	}
	return <-one, <-two
}

func TestAConflictIsAnsweredWhenWhatWonIsDurable(t *testing.T) {
	fs := memfs.New()
	store := openMemory(t, fs, nil)
	defer store.Close()
	var synced atomic.Bool
	first, second := rivals(t, fs, store, func(op memfs.Op) *memfs.Fault {
		synced.Store(synced.Load() || op == memfs.OpSync)
		return nil
	})
	var conflict *eventstream.ConflictError
	if first != nil || !errors.As(second, &conflict) || !synced.Load() {
		t.Fatalf("first: %v, second: %v", first, second)
	}
	if winners := conflict.Conflicts[0].Winners; len(winners) != 1 || string(winners[0].Data) != "1" {
		t.Errorf("the winners are %v", winners)
	}
}

func TestAConflictWithWhatFailedToBecomeDurableIsNone(t *testing.T) {
	fs := memfs.New()
	store := openMemory(t, fs, nil)
	defer store.Close()
	first, second := rivals(t, fs, store, func(op memfs.Op) *memfs.Fault {
		if op == memfs.OpWrite {
			return &memfs.Fault{Err: syscall.ENOSPC}
		}
		return nil
	})
	expect(t, "the first", first, refused)
	expect(t, "the second", second, refused)
}
