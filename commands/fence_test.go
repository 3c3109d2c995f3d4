package commands_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
)

func TestAClosedStoreTakesNoCommand(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.do(commands.CreateUser{Username: username("anna")})
	for range 2 {
		if err := commands.CloseStore(t.Context(), w.streams); err != nil {
			t.Fatal(err)
		}
	}
	closed := w.store.End()
	if _, err := w.handler.Do(t.Context(), actor, commands.CreateUser{Username: username("bert")}); !errors.Is(err, commands.ErrStoreClosed) {
		t.Errorf("a command on a closed store: %v", err)
	}
	begun, err := commands.BeginEpoch(t.Context(), w.streams, secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.handler.Do(t.Context(), actor, commands.CreateUser{Username: username("bert")}); !errors.Is(err, commands.ErrStoreClosed) {
		t.Errorf("a command of the life before: %v", err)
	}
	if end := w.store.End(); end != closed+1 {
		t.Errorf("%d transactions came after the store was closed", end-closed)
	}
	if _, err := commands.New(w.streams, begun, nil).Do(t.Context(), actor, commands.CreateUser{Username: username("bert")}); err != nil {
		t.Errorf("a command of the new life: %v", err)
	}
}

func TestAnEmptyStoreIsNotClosed(t *testing.T) {
	if err := commands.CloseStore(t.Context(), eventstream.New(memstore.New(nil), nil)); err == nil {
		t.Error("a store that holds no directory was closed")
	}
}

func TestAFollowerTakesNoCommand(t *testing.T) {
	w := newWorld(t, commands.Options{Follower: true})
	if _, err := w.handler.Do(t.Context(), actor, commands.CreateUser{Username: username("anna")}); !errors.Is(err, commands.ErrFollower) {
		t.Errorf("error is %v", err)
	}
	if end := w.store.End(); end != 1 {
		t.Error("a follower wrote")
	}
}

// Commands and the closing of the store are in one order: no command is written
// after SetClosed where heads are known.
func TestNothingIsWrittenBehindTheClosing(t *testing.T) {
	w := newWorld(t, commands.Options{})
	var writers sync.WaitGroup
	for i := range 8 {
		handler := commands.New(w.streams, w.directory, nil)
		writers.Go(func() {
			for n := 0; ; n++ {
				_, err := handler.Do(t.Context(), actor, commands.CreateUser{Username: username(fmt.Sprint("user", i, "x", n))})
				if errors.Is(err, commands.ErrStoreClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for w.store.End() < 200 {
		if _, err := w.streams.Head(t.Context(), eventstream.StoreStream); err != nil {
			t.Fatal(err)
		}
	}
	if err := commands.CloseStore(t.Context(), w.streams); err != nil {
		t.Fatal(err)
	}
	closed, err := w.streams.Last(t.Context(), eventstream.StoreStream)
	if err != nil {
		t.Fatal(err)
	}
	writers.Wait()
	if end := w.store.End(); end != closed.Log {
		t.Errorf("%d transactions came after the store was closed", end-closed.Log)
	}
}

// slowStore knows no heads, like one that other processes write to, and takes its
// time.
type slowStore struct {
	eventstream.Store
	before, after func() time.Duration
}

func (s *slowStore) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	time.Sleep(s.before())
	defer func() { time.Sleep(s.after()) }()
	return s.Store.Append(ctx, tx)
}

// Whatever writers were in the middle of, and however long it took: what is
// acknowledged, at any time, was there when CloseStore returned.
func TestWhatIsAcknowledgedWasThereWhenTheStoreWasClosed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		delay := rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Second, 2900 * time.Millisecond, 3100 * time.Millisecond, 5 * time.Second, time.Minute})
		delays := make([]struct{ before, after, pause time.Duration }, 24)
		for i := range delays {
			delays[i].before, delays[i].after, delays[i].pause = delay.Draw(rt, "before"), delay.Draw(rt, "after"), delay.Draw(rt, "pause")
		}
		closing := time.Duration(rapid.IntRange(0, 20_000).Draw(rt, "closing")) * time.Millisecond
		synctest.Test(t, func(t *testing.T) {
			memory := memstore.New(nil)
			plain := eventstream.New(struct{ eventstream.Store }{memory}, nil)
			directory, err := commands.OpenDirectory(t.Context(), plain, secret, 1)
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			var acknowledged uint64
			var writers sync.WaitGroup
			for i := range 4 {
				mine := delays[i*6 : i*6+6]
				step := 0
				store := &slowStore{Store: memory, before: func() time.Duration { return mine[step].before }, after: func() time.Duration { return mine[step].after }}
				handler := commands.New(eventstream.New(struct{ eventstream.Store }{store}, nil), directory, nil)
				writers.Go(func() {
					for step = range mine {
						time.Sleep(mine[step].pause)
						result, err := handler.Do(t.Context(), actor, commands.CreateUser{Username: username(fmt.Sprint("user", i, "x", step))})
						if err != nil {
							return
						}
						last, err := memory.Last(t.Context(), result.Entity[0].Stream)
						if err != nil {
							t.Error(err)
						}
						mu.Lock()
						acknowledged = max(acknowledged, last.Log)
						mu.Unlock()
					}
				})
			}
			time.Sleep(closing)
			if err := commands.CloseStore(t.Context(), plain); err != nil {
				t.Fatal(err)
			}
			there := memory.End()
			writers.Wait()
			if acknowledged > there {
				rt.Errorf("transaction %d was acknowledged, and %d were there when the store was closed", acknowledged, there)
			}
		})
	})
}
