package main

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries/closure"
	"github.com/seed5b6a70b4/identity/sync/generations"
)

// A process folds the closure anew when the roll says so, not because it has just
// begun, and again until it can.
func TestTheClosureIsFoldedAnewWhereTheRollSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := eventstream.New(memstore.New(nil), nil)
		c := &cloud{core: core{settings: settings{log: slog.New(slog.DiscardHandler)}, closure: closure.New(streams, nil)}}
		f := newFollowed(c)
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- f.renewClosure(ctx) }()
		hear := func(number int) {
			roll := generations.New()
			roll.Closure.Answers = number
			f.mu.Lock()
			defer f.mu.Unlock()
			f.foldIfDue(roll)
			f.roll = roll
		}
		hear(3)
		synctest.Wait()
		if at := f.folded.Load(); at != 3 || len(f.refold) > 0 {
			t.Errorf("at its begin it is at %d", at)
		}
		broken := func(data string) {
			_, err := streams.Transact(ctx, eventstream.Attribution{Actor: "test"}, func(ctx context.Context, _ uuid.UUID) ([]eventstream.Entry, error) {
				head, err := streams.Head(ctx, eventstream.NestingStream)
				return []eventstream.Entry{{Stream: eventstream.NestingStream, Expect: eventstream.Exactly(head), Data: []byte(data)}}, err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		broken("[]")
		hear(4)
		synctest.Wait()
		if at, seq := f.folded.Load(), f.closure.Seq(); at != 4 || seq != 1 {
			t.Errorf("it is at %d, with %d commits", at, seq)
		}
		broken(`[{"type":"SetWhatNobodyKnows","v":1,"data":{}}]`)
		hear(5)
		time.Sleep(time.Minute)
		if at, seq := f.folded.Load(), f.closure.Seq(); at != 4 || seq != 1 {
			t.Errorf("what cannot be folded is taken for folded: %d, with %d commits", at, seq)
		}
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
}

// A pace lets as much be done in a second as it was told, also of more at once.
func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace, began := pacer(10), time.Now()
		for _, count := range []int{10, 25, 5} { // the first second's at once
			if err := pace(t.Context(), count); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 3*time.Second || took > 3*time.Second+time.Millisecond {
			t.Errorf("40 took %v", took)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if err := pace(ended, 1); err == nil {
			t.Error("it waits for nobody")
		}
		if err := pacer(0)(ended, 1<<30); err != nil {
			t.Errorf("without a rate: %v", err)
		}
	})
}
