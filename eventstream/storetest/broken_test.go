package storetest_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

func selfPath(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// keepsSlices gives back, for the first commit it has written, the slice that it
// was given.
func keepsSlices() sabotage {
	var mu sync.Mutex
	kept := map[uuid.UUID][]byte{}
	return sabotage{
		topic: "append",
		append: func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
			mu.Lock()
			kept[tx.Command] = tx.Entries[0].Data
			mu.Unlock()
			return s.Append(ctx, tx)
		},
		commit: func(c *eventstream.Commit) {
			mu.Lock()
			defer mu.Unlock()
			if data := kept[c.Command]; len(data) == len(c.Data) {
				c.Data = data
			}
		},
	}
}

// collides answers a conflict where two append anything at once.
func collides() appendFunc {
	var inside atomic.Int32
	return func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
		n := inside.Add(1)
		defer inside.Add(-1)
		runtime.Gosched()
		if n > 1 && tx.Entries[len(tx.Entries)-1].Expect == eventstream.Any() {
			return nil, &eventstream.ConflictError{}
		}
		return s.Append(ctx, tx)
	}
}

// hidden is a read that shows a commit from the second time on that it is asked
// for.
func hidden() func(*session, context.Context, eventstream.StreamID, eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	var seen sync.Map
	return func(s *session, ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
		return picked(s.Read(ctx, stream, after), func(_ int, c eventstream.Commit) bool {
			_, shown := seen.LoadOrStore(c.Hash, true)
			return shown
		})
	}
}

// stale is a read that shows what there was when it was last asked, now and then.
func stale() func(*session, context.Context, eventstream.StreamID, eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	var asked atomic.Int32
	return func(s *session, ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
		last, err := s.Last(ctx, stream)
		late := err == nil && asked.Add(1)%2 == 0
		return picked(s.Read(ctx, stream, after), func(_ int, c eventstream.Commit) bool { return !late || c.Seq < last.Seq })
	}
}

// blocked lets Last wait for the append under way, and with it for the observer.
var blocked = &oneAtATime{}

type oneAtATime struct{ mu sync.Mutex }

func (o *oneAtATime) append(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return s.Append(ctx, tx)
}

func (o *oneAtATime) last(s *session, ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return s.Last(ctx, stream)
}

func closesOnce() func(*session) error {
	return func(s *session) error {
		if s.isClosed() {
			return errors.New("closed already")
		}
		return s.Close()
	}
}

// copied makes the reopened disk by appending again, through the observer, the
// transactions that are kept.
func copied(keep func(end, log uint64) bool) func(*disk) *disk {
	return func(old *disk) *disk {
		fresh := newDisk()
		fresh.options = old.options
		for commits := range old.Tail(context.Background(), 0) {
			if !keep(old.End(), commits[0].Log) {
				continue
			}
			tx := eventstream.Transaction{Command: commits[0].Command, Actor: commits[0].Actor, Correlation: commits[0].Correlation}
			for _, c := range commits {
				tx.Entries = append(tx.Entries, eventstream.Entry{Stream: c.Stream, Expect: eventstream.Exactly(c.Seq - 1), Data: c.Data})
			}
			fresh.Append(context.Background(), tx)
		}
		return fresh
	}
}

// outOfOrder enqueues every second transaction after the one that follows it.
func outOfOrder() func(*session, context.Context, eventstream.Transaction) (eventstream.Appending, error) {
	var held func()
	return func(s *session, ctx context.Context, tx eventstream.Transaction) (eventstream.Appending, error) {
		if held == nil {
			var appending eventstream.Appending
			var err error
			held = func() { appending, err = s.Enqueue(context.WithoutCancel(ctx), tx) }
			return waiting(func(ctx context.Context) ([]eventstream.Commit, error) {
				if appending == nil && err == nil {
					held()
				}
				if err != nil {
					return nil, err
				}
				return appending.Wait(ctx)
			}), nil
		}
		now, err := s.Enqueue(ctx, tx)
		held()
		held = nil
		return now, err
	}
}
