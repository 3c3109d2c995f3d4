package querysync_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

func TestObserveAppliesWhatIsInHand(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, view)
	d.observe = s.Observe
	d.write(ada, users)
	d.write(ada, bob)
	d.write(eventstream.NestingStream)
	row(t, view, ada, 2)
	row(t, view, bob, 1)
	applied(t, view, 3)
	if d.reads.Load() != 0 {
		t.Error("the store was read for it")
	}
}

func TestObserveOutOfOrderReadsTheStore(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, view)
	for range 3 {
		d.write(ada)
	}
	s.Observe(unnumbered(d.told[2]))
	row(t, view, ada, 3)
	s.Observe(unnumbered(d.told[0]))
	s.Observe(unnumbered(d.told[1]))
	row(t, view, ada, 3)
	applied(t, view, 0)
}

func TestObserveReadsAGapFromTheLog(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, view)
	d.write(ada)
	d.write(bob)
	d.write(ada, bob)
	s.Observe(d.told[2:])
	row(t, view, ada, 2)
	row(t, view, bob, 2)
	applied(t, view, 3)
}

func TestObserveKeepsViewsApart(t *testing.T) {
	d := newDirectory(t)
	good := &feedtest.Model{Called: "good"}
	bad := &feedtest.Model{Called: "bad", Fail: func(commits []eventstream.Commit) error {
		if commits[0].Stream == bob {
			return errNotKnown
		}
		return nil
	}}
	s := follow(t, d, nil, bad, good)
	d.observe = s.Observe
	d.write(bob)
	d.write(ada)
	row(t, good, bob, 1)
	row(t, bad, bob, 0)
	row(t, bad, ada, 1)
	applied(t, good, 2)
	applied(t, bad, 2)
	isErr(t, "good", s.Ensure(t.Context(), good, bob, 1), nil)
	isErr(t, "bad", s.Ensure(t.Context(), bad, bob, 1), querysync.ErrParked)
}

func TestWhatIsParkedStopsOnlyItsStream(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, &querysync.Options{Reason: func(error) string { return "unknown_event" }, Now: func() time.Time { return time.Unix(7, 0) }}, view)
	d.observe = s.Observe
	d.write(ada)
	d.writeUnknown(ada)
	d.write(ada, bob)
	d.write(bob)
	row(t, view, ada, 1)
	row(t, view, bob, 2)
	applied(t, view, 4)
	want := []querysync.Parked{{View: "model", Stream: ada, Seq: 2, Reason: "unknown_event", Since: time.Unix(7, 0).UTC(), Attempts: 1}}
	if got := s.Parked(); !slices.Equal(got, want) {
		t.Errorf("parked: %v, not %v", got, want)
	}
	isErr(t, "ada@1", s.Ensure(t.Context(), view, ada, 1), nil)
	isErr(t, "ada@2", s.Ensure(t.Context(), view, ada, 2), querysync.ErrParked)
	isErr(t, "the log", s.Ensure(t.Context(), view, eventstream.LogStream, 4), nil)
}

func TestEnsureAppliesWhatComesBeforeACommitThatCannotBe(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, view)
	d.write(ada)
	d.write(ada)
	d.writeUnknown(ada)
	isErr(t, "ada", s.Ensure(t.Context(), view, ada, 3), querysync.ErrParked)
	row(t, view, ada, 2)
	if parked := s.Parked(); len(parked) != 1 || parked[0].Seq != 3 {
		t.Errorf("parked: %v", parked)
	}
}

func TestAStorageThatFailsStopsThePositionAndIsGoneOnFrom(t *testing.T) {
	d := newDirectory(t)
	broken := true
	view := &feedtest.Model{Fail: func(commits []eventstream.Commit) error {
		if broken && commits[0].Stream == ada {
			return errBroken
		}
		return nil
	}}
	clock := time.Unix(0, 0)
	s := follow(t, d, &querysync.Options{Now: func() time.Time { return clock }}, view)
	d.observe = s.Observe
	d.write(bob)
	d.write(ada, users)
	d.write(bob)
	row(t, view, bob, 2)
	applied(t, view, 1)
	isErr(t, "users/0@1", s.Ensure(ended(t), view, users, 1), querysync.ErrBehind)
	if len(s.Parked()) != 0 {
		t.Error("a storage that fails parks nothing")
	}
	broken = false
	d.write(bob)
	applied(t, view, 1) // it is too early to try again
	clock = clock.Add(time.Minute)
	d.write(bob)
	row(t, view, ada, 1)
	applied(t, view, 5)
}

func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestAnObserverThatIsToldWhileAViewCatchesUpIsNotForgotten(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, view)
	d.write(ada)
	told, written := make(chan struct{}), make(chan struct{})
	d.observe = func(transactions [][]eventstream.Commit) {
		close(told)
		s.Observe(transactions)
	}
	view.Fail = func([]eventstream.Commit) error {
		view.Fail = nil
		// The last round has begun, and does not see the next commit.
		go func() {
			defer close(written)
			d.write(bob)
		}()
		<-told
		return nil
	}
	isErr(t, "catch up", s.CatchUp(t.Context(), d, view, 1, nil), nil)
	<-written
	row(t, view, bob, 1)
	applied(t, view, 2)
}
