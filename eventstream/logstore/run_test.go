package logstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/memfs"
)

// running calls body with a store that runs, in a bubble of time.
func running(t *testing.T, options *logstore.Options, body func(t *testing.T, fs *memfs.FS, store *logstore.Store)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fs := memfs.New()
		store := openMemory(t, fs, options)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- store.Run(ctx) }()
		body(t, fs, store)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		mustClose(t, store)
	})
}

func TestWhatWasAcknowledgedIsPromisedWithinASecond(t *testing.T) {
	running(t, nil, func(t *testing.T, fs *memfs.FS, store *logstore.Store) {
		for range 3 {
			must[[]eventstream.Commit](t)(store.Append(t.Context(), user("")))
			time.Sleep(time.Second)
			synctest.Wait()
			if health := store.Health(); health.Promised != health.End {
				t.Errorf("promised %d of %d", health.Promised, health.End)
			}
		}
		writes := 0
		fs.Before(func(op memfs.Op, _ string) *memfs.Fault {
			if op == memfs.OpWrite {
				writes++
			}
			return nil
		})
		time.Sleep(time.Hour)
		if writes > 0 {
			t.Errorf("an idle store wrote %d times", writes)
		}
	})
}

func TestARefusalEndsWithoutAnAppend(t *testing.T) {
	running(t, nil, func(t *testing.T, fs *memfs.FS, store *logstore.Store) {
		failing(fs, syscall.ENOSPC, 9, memfs.OpWrite, memfs.OpAllocate)
		_, err := store.Append(t.Context(), user(""))
		expect(t, "append", err, refused)
		time.Sleep(10 * time.Second)
		if store.Health().Err == nil {
			t.Error("healthy while nothing can be written")
		}
		fs.Before(nil)
		time.Sleep(2 * time.Second)
		if err := store.Health().Err; err != nil {
			t.Errorf("health: %v", err)
		}
	})
}

func TestScrubbingIsRegularAndSlow(t *testing.T) {
	options := &logstore.Options{ScrubRate: 1000, ScrubEvery: time.Hour}
	running(t, options, func(t *testing.T, fs *memfs.FS, store *logstore.Store) {
		data := strings.Repeat("d", 900)
		for range 5000 {
			must[[]eventstream.Commit](t)(store.Append(t.Context(), transaction(anyway("a", data), empty(eventstream.StreamID(time.Now().String()), ""))))
			time.Sleep(time.Nanosecond)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		middle := store.Health()
		if middle.Scrubbed == 0 || middle.Scrubbed == middle.End || middle.Damage != nil {
			t.Errorf("after two hours at 1 kB/s: %+v", middle)
		}
		first := logFiles(fs)[0]
		fs.Flip(first, 200, 3)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if damage := store.Health().Damage; !errors.Is(damage, eventstream.ErrCorrupt) || !strings.Contains(damage.Error(), first) {
			t.Errorf("damage: %v", damage)
		}
		fs.Flip(first, 200, 3)
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		if damage := store.Health().Damage; damage != nil {
			t.Errorf("damage that is no more: %v", damage)
		}
	})
}

func TestRunEndsWithTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openMemory(t, memfs.New(), nil)
		ended := make(chan error, 1)
		go func() { ended <- store.Run(t.Context()) }()
		synctest.Wait()
		mustClose(t, store)
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := store.Run(t.Context()); err != nil {
			t.Errorf("run after close: %v", err)
		}
	})
}

// TestSnapshotsComeByThemselves has a store on a real disk write one after many
// commits, and one when it is idle after fewer.
func TestSnapshotsComeByThemselves(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		store := must[*logstore.Store](t)(logstore.Open(dir, &logstore.Options{SnapshotEvery: 12_000, ScrubRate: -1}))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- store.Run(ctx) }()
		write := func(commits int) {
			for ; commits > 0; commits -= 100 {
				entries := []eventstream.Entry{empty(eventstream.UserStream([16]byte{byte(commits), byte(commits >> 8), byte(store.End()), byte(store.End() >> 8)}), "")}
				for i := range 99 {
					entries = append(entries, anyway(eventstream.UsersStream(i), ""))
				}
				must[[]eventstream.Commit](t)(store.Append(t.Context(), transaction(entries...)))
			}
		}
		write(12_000)
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if health := store.Health(); health.Snapshot != 120 {
			t.Errorf("after many commits: %+v", health)
		}
		write(10_000)
		time.Sleep(time.Second)
		synctest.Wait()
		if health := store.Health(); health.Snapshot != 120 {
			t.Errorf("too early: %+v", health)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if health := store.Health(); health.Snapshot != 220 {
			t.Errorf("when idle: %+v", health)
		}
		cancel()
		<-ended
		mustClose(t, store)
	})
}

// TestClosingWithoutASnapshot has something in the way of the snapshot, as a full
// disk would be.
func TestClosingWithoutASnapshot(t *testing.T) {
	dir := t.TempDir()
	var said strings.Builder
	store := must[*logstore.Store](t)(logstore.Open(dir, &logstore.Options{Logger: slog.New(slog.NewTextHandler(&said, nil)), ScrubRate: -1}))
	must[[]eventstream.Commit](t)(store.Append(t.Context(), user("")))
	if err := os.MkdirAll(filepath.Join(dir, fmt.Sprintf("heads-%020d.snapshot", store.End()), "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(said.String(), "snapshot of the heads not written") {
		t.Errorf("it said %q", said.String())
	}
}
