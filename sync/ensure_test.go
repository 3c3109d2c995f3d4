package querysync_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

func TestEnsureReadsFromWhereTheRowStands(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, view)
	for range 600 {
		d.write(ada)
	}
	for _, seq := range []eventstream.Seq{3, 600, 600, 1} {
		if err := s.Ensure(t.Context(), view, ada, seq); err != nil {
			t.Fatal(err)
		}
	}
	row(t, view, ada, 600)
	applied(t, view, 0)
}

func TestEnsureOfAStreamThatIsNotShownIsSatisfied(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, view)
	for _, stream := range []eventstream.StreamID{eventstream.NestingStream, eventstream.ClaimStream("email", "00"), "changes/1"} {
		isErr(t, string(stream), s.Ensure(t.Context(), view, stream, 99), nil)
	}
	if d.reads.Load() != 0 {
		t.Error("the store was read for it")
	}
}

func TestEnsureOfThePositionThatTheStoreHasNot(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, view)
	d.write(ada, users)
	d.writeUnknown(bob)
	isErr(t, "bob", s.Ensure(t.Context(), view, bob, 1), querysync.ErrParked)
	for stream, seq := range map[eventstream.StreamID]eventstream.Seq{
		ada: 2, bob: 2, users: 2, eventstream.GroupsStream(0): 1, eventstream.LogStream: 3, eventstream.KeyStream(uuid.UUID{1}): 1,
	} {
		isErr(t, string(stream), s.Ensure(t.Context(), view, stream, seq), querysync.ErrUnknownPosition)
	}
}

func TestEnsureOfALogPositionWhereThereIsNoLog(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, unplaced{view})
	d.write(ada)
	isErr(t, "log", s.Ensure(t.Context(), unplaced{view}, eventstream.LogStream, 1), querysync.ErrUnknownPosition)
}

func TestEnsureIsBoundedByItsContext(t *testing.T) {
	d := newDirectory(t)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	view := &feedtest.Model{Fail: func([]eventstream.Commit) error {
		if calls++; calls == 3 {
			cancel()
		}
		return errBroken
	}}
	s := follow(t, d, nil, view)
	d.write(ada, users)
	isErr(t, "ada", s.Ensure(ctx, view, ada, 1), querysync.ErrBehind)
	isErr(t, "log", s.Ensure(ctx, view, eventstream.LogStream, 1), querysync.ErrBehind)
	isErr(t, "users", s.Ensure(ctx, view, users, 1), querysync.ErrBehind)
	if len(s.Parked()) != 0 {
		t.Error("a storage that fails parks nothing")
	}
}

func TestEnsureWaitsForAStorageThatRecovers(t *testing.T) {
	d, calls := newDirectory(t), 0
	view := &feedtest.Model{Fail: func([]eventstream.Commit) error {
		if calls++; calls < 3 {
			return errBroken
		}
		return nil
	}}
	s := follow(t, d, nil, view)
	d.write(ada)
	isErr(t, "ada", s.Ensure(t.Context(), view, ada, 1), nil)
	row(t, view, ada, 1)
}

func TestEnsureGoesOnWhenTheRowHasMoved(t *testing.T) {
	d := newDirectory(t)
	d.write(ada)
	d.write(ada)
	var view *feedtest.Model
	raced := false
	view = &feedtest.Model{Fail: func(commits []eventstream.Commit) error {
		if !raced {
			raced = true
			return view.Apply(context.Background(), commits[:1])
		}
		return nil
	}}
	s := follow(t, d, nil, view)
	isErr(t, "ada", s.Ensure(t.Context(), view, ada, 2), nil)
	row(t, view, ada, 2)
}

func TestManyReadersOfOneStreamReadTheStoreOnce(t *testing.T) {
	d := newDirectory(t)
	d.write(ada)
	entered, others := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	view := &feedtest.Model{Fail: func([]eventstream.Commit) error {
		if !once.Swap(true) {
			close(entered)
			<-others
		}
		return nil
	}}
	s := follow(t, d, nil, view)
	var group errgroup.Group
	group.Go(func() error { return s.Ensure(t.Context(), view, ada, 1) })
	<-entered
	for range 8 {
		group.Go(func() error { return s.Ensure(t.Context(), view, ada, 1) })
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	isErr(t, "a reader who cannot wait", s.Ensure(ended, view, ada, 1), querysync.ErrBehind)
	close(others)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if reads := d.reads.Load(); reads != 1 {
		t.Errorf("the store was read %d times", reads)
	}
}

func TestAShardStandsForEveryEntityThatItNames(t *testing.T) {
	for name, hide := range map[string]func(*feedtest.Model) querysync.View{
		"with positions":    func(view *feedtest.Model) querysync.View { return view },
		"without positions": func(view *feedtest.Model) querysync.View { return unplaced{view} },
	} {
		t.Run(name, func(t *testing.T) {
			d, model := newDirectory(t), &feedtest.Model{}
			view := hide(model)
			s := follow(t, d, nil, view)
			d.write(ada, users, eventstream.ClaimStream("email", "00"))
			d.write(bob, users)
			d.write(ada, users)
			isErr(t, "users/0@2", s.Ensure(t.Context(), view, users, 2), nil)
			rowAtLeast(t, view, ada, 1)
			rowAtLeast(t, view, bob, 1)
			isErr(t, "users/0@3", s.Ensure(t.Context(), view, users, 3), nil)
			row(t, view, ada, 2)
			d.reads.Store(0)
			isErr(t, "users/0@3", s.Ensure(t.Context(), view, users, 3), nil)
			if d.reads.Load() != 0 {
				t.Error("what was ensured is looked for again")
			}
		})
	}
}

func TestAShardThatWasObservedNeedsNoStore(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, view)
	d.observe = s.Observe
	d.write(ada, users)
	d.failing.Store(true)
	isErr(t, "users/0@1", s.Ensure(t.Context(), view, users, 1), nil)
}

func TestAShardIsHeldUpByWhatIsParkedOfIt(t *testing.T) {
	for name, hide := range map[string]func(*feedtest.Model) querysync.View{
		"with positions":    func(view *feedtest.Model) querysync.View { return view },
		"without positions": func(view *feedtest.Model) querysync.View { return unplaced{view} },
	} {
		t.Run(name, func(t *testing.T) {
			d, model := newDirectory(t), &feedtest.Model{}
			view := hide(model)
			s := follow(t, d, nil, view)
			d.observe = s.Observe
			d.write(ada, users) // users/0@1
			d.writeUnknown(ada) // no directory fact
			d.write(bob, users) // users/0@2
			d.write(ada, users) // users/0@3, and ada is parked before it
			d.write(bob, users) // users/0@4
			for seq, want := range map[eventstream.Seq]error{1: nil, 2: nil, 3: querysync.ErrParked, 4: querysync.ErrParked} {
				isErr(t, fmt.Sprintf("users/0@%d", seq), s.Ensure(t.Context(), view, users, seq), want)
			}
		})
	}
}

func TestAReaderOfAPositionHandsOverWhatIsMissing(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, view)
	d.write(ada)
	d.write(bob)
	isErr(t, "log@1", s.Ensure(t.Context(), view, eventstream.LogStream, 1), nil)
	row(t, view, ada, 1)
	row(t, view, bob, 0)
	applied(t, view, 1)
	d.write("nesting")
	isErr(t, "log@3", s.Ensure(t.Context(), view, eventstream.LogStream, 3), nil)
	row(t, view, bob, 1)
	applied(t, view, 3)
}

func TestAWaiterIsForItsView(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, view)
	d.write(ada)
	waiter, err := s.Waiter(view)
	if err != nil {
		t.Fatal(err)
	}
	isErr(t, "ada", waiter.Ensure(t.Context(), ada, 1), nil)
	row(t, view, ada, 1)
	if _, err := s.Waiter(&feedtest.Model{}); err == nil {
		t.Error("a waiter of a view that nobody follows")
	}
	if err := s.Ensure(t.Context(), &feedtest.Model{}, ada, 1); err == nil {
		t.Error("a view that nobody follows was ensured")
	}
}

func TestTwoViewsOfOneNameAreRefused(t *testing.T) {
	d := newDirectory(t)
	if _, err := querysync.New(d.streams, []querysync.View{&feedtest.Model{}, &feedtest.Model{}}, nil); err == nil {
		t.Error("they were accepted")
	}
}

func TestAReaderWaitsWhileTheViewCatchesUp(t *testing.T) {
	for name, transactions := range map[string]int{"in the first round": 2500, "in the last round": 1} {
		t.Run(name, func(t *testing.T) {
			d, view := newDirectory(t), &feedtest.Model{}
			s := follow(t, d, nil, view)
			for range transactions {
				d.write(ada)
			}
			var group errgroup.Group
			waiting := make(chan struct{})
			view.Fail = func(commits []eventstream.Commit) error {
				if commits[0].Seq > 1 {
					return nil
				}
				view.Fail = nil
				group.Go(func() error {
					close(waiting)
					return s.Ensure(t.Context(), view, eventstream.LogStream, 1)
				})
				<-waiting
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				isErr(t, "a reader who cannot wait", s.Ensure(ctx, view, eventstream.LogStream, 1), querysync.ErrBehind)
				return nil
			}
			isErr(t, "catch up", s.CatchUp(t.Context(), d, view, 1, nil), nil)
			isErr(t, "the reader who waited", group.Wait(), nil)
		})
	}
}
