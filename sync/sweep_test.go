package querysync_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

func TestASweepFindsWhatNobodyTold(t *testing.T) {
	d, model := newDirectory(t), &feedtest.Model{}
	view := unplaced{model}
	s := follow(t, d, nil, view)
	d.write(ada, users)
	d.write(ada)
	d.writeUnknown(bob)
	isErr(t, "sweep", s.Sweep(t.Context(), time.Time{}), nil)
	row(t, view, ada, 2)
	if parked := s.Parked(); len(parked) != 1 || parked[0].Stream != bob {
		t.Errorf("parked: %v", parked)
	}
}

func TestASweepOfWhatMovedLately(t *testing.T) {
	d, model := newDirectory(t), &feedtest.Model{}
	view := unplaced{model}
	s := follow(t, d, nil, view)
	isErr(t, "first sweep", s.Sweep(t.Context(), time.Time{}), nil)
	d.write(ada)
	isErr(t, "sweep of the future", s.Sweep(t.Context(), time.Now().Add(time.Hour)), nil)
	row(t, view, ada, 0)
	isErr(t, "sweep", s.Sweep(t.Context(), time.Now().Add(-time.Hour)), nil)
	row(t, view, ada, 1)
}

func TestASweepThatTheStorageFails(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{Fail: func([]eventstream.Commit) error { return errBroken }}
	s := follow(t, d, nil, view)
	d.write(ada)
	isErr(t, "sweep", s.Sweep(t.Context(), time.Time{}), eventstream.ErrUnavailable)
	if len(s.Parked()) != 0 {
		t.Error("a storage that fails parks nothing")
	}
}

func TestRunHealsByItself(t *testing.T) {
	d := newDirectory(t)
	healed := make(chan struct{})
	view := &feedtest.Model{Changed: func(eventstream.StreamID) { close(healed) }}
	s := follow(t, d, &querysync.Options{SweepEvery: time.Millisecond}, view)
	d.write(ada)
	ctx, cancel := context.WithCancel(t.Context())
	var group errgroup.Group
	group.Go(func() error { return s.Run(ctx) })
	<-healed
	cancel()
	isErr(t, "run", group.Wait(), nil)
	row(t, view, ada, 1)
}

// since is a store that remembers from when on it was asked what moved.
type since struct {
	*directory
	failures int
	asked    chan time.Time
}

func (s *since) Recent(ctx context.Context, from time.Time) iter.Seq2[eventstream.Position, error] {
	s.asked <- from
	if s.failures--; s.failures >= 0 {
		return func(yield func(eventstream.Position, error) bool) { yield(eventstream.Position{}, errBroken) }
	}
	return s.directory.Recent(ctx, from)
}

// What moved while no sweep worked is swept once one does.
func TestASweepGoesBackToTheLastOneThatWorked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &since{newDirectory(t), 5, make(chan time.Time, 10)}
		s, _ := announcing(t, store, querysync.Options{SweepEvery: time.Minute, Parked: &shelf{}})
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		var group errgroup.Group
		group.Go(func() error { return s.Run(ctx) })
		time.Sleep(7*time.Minute + time.Second)
		cancel()
		isErr(t, "run", group.Wait(), nil)
		close(store.asked)
		var asked []time.Duration
		for from := range store.asked {
			asked = append(asked, from.Sub(began))
		}
		if want := []time.Duration{-1, -1, -1, -1, -1, -1, 5}; !slices.EqualFunc(asked, want, func(a, b time.Duration) bool { return a == b*time.Minute }) {
			t.Errorf("asked since %v", asked)
		}
	})
}

func TestCatchUpGoesOnFromThePosition(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	first := follow(t, d, nil, view)
	for range 2500 {
		d.write(ada, bob, users)
	}
	isErr(t, "log@1000", first.Ensure(t.Context(), view, eventstream.LogStream, 1000), nil)
	calls := 0
	view.Fail = func([]eventstream.Commit) error { calls++; return nil }
	s := follow(t, d, nil, view)
	var told []uint64
	isErr(t, "catch up", s.CatchUp(t.Context(), d, view, 1, func(applied, end uint64) {
		told = append(told, applied)
		if end != 2500 {
			t.Errorf("the log is said to end at %d", end)
		}
	}), nil)
	row(t, view, ada, 2500)
	row(t, view, bob, 2500)
	applied(t, view, 2500)
	if calls != 3000 {
		t.Errorf("%d commits were applied", calls)
	}
	if len(told) < 3 || told[len(told)-1] != 2500 {
		t.Errorf("progress: %v", told)
	}
}

func TestCatchUpThatTheStorageFails(t *testing.T) {
	for _, workers := range []int{1, 2} {
		d, view := newDirectory(t), &feedtest.Model{}
		s := follow(t, d, nil, view)
		for range 1500 {
			d.write(ada, bob)
		}
		view.Fail = func(commits []eventstream.Commit) error {
			if commits[0].Seq == 1400 {
				return errBroken
			}
			return nil
		}
		isErr(t, "catch up", s.CatchUp(t.Context(), d, view, workers, nil), eventstream.ErrUnavailable)
		if position := view.Applied(); position >= 1400 {
			t.Errorf("the view says that it is at %d", position)
		}
		isErr(t, "catch up, cancelled", s.CatchUp(ended(t), d, view, workers, nil), context.Canceled)
		view.Fail = nil
		isErr(t, "catch up again", s.CatchUp(t.Context(), d, view, workers, nil), nil)
		applied(t, view, 1500)
		row(t, view, bob, 1500)
	}
}
