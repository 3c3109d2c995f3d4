package querysync_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

// index is what follows the view in these tests: how far each row was when it
// was last pushed.
type index struct {
	view *feedtest.Model
	// before, if set, may hold up a push, or fail it.
	before func(changed []eventstream.StreamID) error

	mu     sync.Mutex
	rows   map[eventstream.StreamID]eventstream.Seq
	pushed int
}

func (x *index) push(ctx context.Context, changed []eventstream.StreamID) error {
	if x.before != nil {
		if err := x.before(changed); err != nil {
			return err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, stream := range changed {
		seq, err := x.view.Seq(ctx, stream)
		if err != nil {
			return err
		}
		x.rows[stream] = max(x.rows[stream], seq)
		x.pushed++
	}
	return nil
}

func (x *index) at(stream eventstream.StreamID) eventstream.Seq {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.rows[stream]
}

// touches lets an edge touch its member, and keys nothing.
func touches(_ context.Context, stream eventstream.StreamID) ([]eventstream.StreamID, error) {
	switch ids := stream.UUIDs(); stream.Kind() {
	case eventstream.UserKind, eventstream.GroupKind:
		return []eventstream.StreamID{stream}, nil
	case eventstream.MemberKind:
		return []eventstream.StreamID{eventstream.UserStream(ids[1])}, nil
	}
	return nil, nil
}

type forwarding struct {
	*directory
	view  *feedtest.Model
	from  *querysync.Synchroniser
	index *index
	to    *querysync.Forwarder[eventstream.StreamID]
}

func newForwarding(t *testing.T, options querysync.ForwarderOptions[eventstream.StreamID]) *forwarding {
	t.Helper()
	f := &forwarding{directory: newDirectory(t), view: &feedtest.Model{}}
	f.index = &index{view: f.view, rows: map[eventstream.StreamID]eventstream.Seq{}}
	f.from = follow(t, f.directory, nil, f.view)
	f.observe = f.from.Observe
	options.Name, options.Push, options.Touches = "index", f.index.push, touches
	var err error
	if f.to, err = querysync.NewForwarder(f.from, f.view, options); err != nil {
		t.Fatal(err)
	}
	f.view.Changed = func(stream eventstream.StreamID) {
		entities, _ := touches(context.Background(), stream)
		f.to.Changed(entities)
	}
	return f
}

// start runs the forwarder until the test ends or stop is called.
func (f *forwarding) start(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var group errgroup.Group
	group.Go(func() error { return f.to.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		if err := group.Wait(); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (f *forwarding) catchUp(t *testing.T, after uint64) {
	t.Helper()
	isErr(t, "catch up", f.to.CatchUp(t.Context(), f.directory, after, nil), nil)
}

func (f *forwarding) passed(t *testing.T, want uint64) {
	t.Helper()
	if got := f.to.Applied(); got != want {
		t.Errorf("the forwarder is at %d of the log, not %d", got, want)
	}
}

func (f *forwarding) indexed(t *testing.T, stream eventstream.StreamID, want eventstream.Seq) {
	t.Helper()
	if got := f.index.at(stream); got != want {
		t.Errorf("the index has %s at %d, not %d", stream, got, want)
	}
}

func TestWhatChangesIsPushed(t *testing.T) {
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{})
	f.catchUp(t, 0)
	f.start(t)
	f.write(ada, users)
	isErr(t, "wait", f.to.Wait(t.Context(), 1), nil)
	f.indexed(t, ada, 1)
	f.write("nesting")
	isErr(t, "wait for what the view does not show", f.to.Wait(t.Context(), 2), nil)
	f.passed(t, 2)
	isErr(t, "wait for the future", f.to.Wait(t.Context(), 3), querysync.ErrUnknownPosition)
}

func TestAnEntityIsPushedOnceForManyChanges(t *testing.T) {
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{})
	f.catchUp(t, 0)
	for range 100 {
		f.write(ada)
		f.write(bob)
	}
	f.start(t)
	isErr(t, "flush", f.to.Flush(t.Context()), nil)
	f.indexed(t, ada, 100)
	f.indexed(t, bob, 100)
	if f.index.pushed != 2 {
		t.Errorf("%d entities were pushed", f.index.pushed)
	}
}

func TestAnEntityThatChangesWhileItIsPushedIsPushedAgain(t *testing.T) {
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{})
	f.catchUp(t, 0)
	pushing, written := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	f.index.before = func([]eventstream.StreamID) error {
		if !once.Swap(true) {
			close(pushing)
			<-written
			// As if the index had read the row before it was written.
			f.index.mu.Lock()
			defer f.index.mu.Unlock()
			f.index.rows[ada] = 1
			return nil
		}
		return nil
	}
	f.start(t)
	f.write(ada)
	<-pushing
	f.write(ada)
	f.passed(t, 0)
	close(written)
	isErr(t, "wait", f.to.Wait(t.Context(), 2), nil)
	f.indexed(t, ada, 2)
	if f.index.pushed != 2 {
		t.Errorf("%d entities were pushed", f.index.pushed)
	}
}

func TestThePositionPassesOnlyWhatWasPushed(t *testing.T) {
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{Batch: 1})
	f.catchUp(t, 0)
	turn := make(chan struct{})
	f.index.before = func([]eventstream.StreamID) error { <-turn; return nil }
	f.write(ada)
	f.write(bob)
	f.start(t)
	f.passed(t, 0)
	isErr(t, "a reader who cannot wait", f.to.Wait(ended(t), 1), querysync.ErrBehind)
	turn <- struct{}{}
	f.write(ada) // ada waits again behind bob, and position 2 is passed before her
	turn <- struct{}{}
	turn <- struct{}{}
	isErr(t, "flush", f.to.Flush(t.Context()), nil)
	f.passed(t, 3)
}

func TestAPushThatFailsLosesNothingAndStallsNoWriter(t *testing.T) {
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{Limit: 3, Batch: 2})
	f.catchUp(t, 0)
	var broken atomic.Bool
	failed := make(chan struct{}, 1)
	broken.Store(true)
	f.index.before = func([]eventstream.StreamID) error {
		if !broken.Load() {
			return nil
		}
		select {
		case failed <- struct{}{}:
		default:
		}
		return errBroken
	}
	f.start(t)
	f.write(ada)
	<-failed
	<-failed
	streams := []eventstream.StreamID{ada}
	for i := range byte(20) { // far more than the limit
		stream := eventstream.UserStream(uuid.UUID{9, i})
		f.write(stream)
		streams = append(streams, stream)
	}
	isErr(t, "a reader meanwhile", f.to.Wait(ended(t), 1), querysync.ErrBehind)
	f.passed(t, 0)
	broken.Store(false)
	isErr(t, "flush", f.to.Flush(t.Context()), nil)
	for _, stream := range streams {
		f.indexed(t, stream, 1)
	}
	f.passed(t, 21)
}

func TestWritersWaitForAnIndexThatIsFarBehind(t *testing.T) {
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{Limit: 2, Batch: 1})
	f.catchUp(t, 0)
	turn, entered := make(chan struct{}), make(chan struct{}, 100)
	var pushes atomic.Int64
	f.index.before = func([]eventstream.StreamID) error {
		pushes.Add(1)
		entered <- struct{}{}
		<-turn
		return nil
	}
	f.start(t)
	f.write(ada)
	<-entered
	f.write(bob)
	f.write(eventstream.UserStream(uuid.UUID{3}))
	about := make(chan struct{})
	var group errgroup.Group
	group.Go(func() error {
		close(about)
		f.write(eventstream.UserStream(uuid.UUID{4}))
		if pushes.Load() < 2 {
			return errors.New("the writer of a third entity that waits was not made to wait")
		}
		return nil
	})
	<-about
	close(turn)
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	isErr(t, "flush", f.to.Flush(t.Context()), nil)
	f.passed(t, 4)
}

func TestNoWriterWaitsForAForwarderThatDoesNotRun(t *testing.T) {
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{Limit: 1, Batch: 1})
	f.catchUp(t, 0)
	stop := f.start(t)
	f.write(ada)
	isErr(t, "flush", f.to.Flush(t.Context()), nil)
	f.passed(t, 1)
	stop()
	for i := range byte(5) {
		f.write(eventstream.UserStream(uuid.UUID{9, i}))
	}
	f.passed(t, 1)
	f.start(t)
	isErr(t, "flush", f.to.Flush(t.Context()), nil)
	f.passed(t, 6)
}

func TestWhatAStoppedForwarderWasPushingIsNotLost(t *testing.T) {
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{})
	f.catchUp(t, 0)
	pushing := make(chan struct{})
	f.index.before = func([]eventstream.StreamID) error {
		select {
		case pushing <- struct{}{}:
		default:
		}
		return errBroken
	}
	stop := f.start(t)
	f.write(ada)
	<-pushing
	f.write(ada)
	stop()
	f.index.before = nil
	f.passed(t, 0)
	f.start(t)
	isErr(t, "flush", f.to.Flush(t.Context()), nil)
	f.indexed(t, ada, 2)
	f.passed(t, 2)
}

func TestAReaderOfOneEntityDoesNotWaitForTheOthers(t *testing.T) {
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{}) // does not run
	f.catchUp(t, 0)
	f.write(ada)
	edge := eventstream.MemberStream(uuid.UUID{5}, bob.UUIDs()[0])
	f.write(bob, edge)
	isErr(t, "ada", f.to.Ensure(t.Context(), ada, 1), nil)
	f.indexed(t, ada, 1)
	f.indexed(t, bob, 0)
	isErr(t, "bob by an edge", f.to.Ensure(t.Context(), edge, 1), nil)
	f.indexed(t, bob, 1)
	isErr(t, "a key, which the index does not hold", f.to.Ensure(t.Context(), eventstream.KeyStream(uuid.UUID{1}), 0), nil)
	isErr(t, "the future", f.to.Ensure(t.Context(), ada, 2), querysync.ErrUnknownPosition)
	isErr(t, "what the view does not show", f.to.Ensure(t.Context(), eventstream.NestingStream, 2), nil)
	f.index.before = func([]eventstream.StreamID) error { return errBroken }
	isErr(t, "ada, when pushing fails", f.to.Ensure(t.Context(), ada, 1), querysync.ErrBehind)
}

func TestAReaderOfAShardOrThePositionWaitsForAllBefore(t *testing.T) {
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{})
	f.catchUp(t, 0)
	f.write(ada, users)
	isErr(t, "users/0@1", f.to.Ensure(ended(t), users, 1), querysync.ErrBehind)
	isErr(t, "log@1", f.to.Ensure(ended(t), eventstream.LogStream, 1), querysync.ErrBehind)
	f.start(t)
	isErr(t, "users/0@1", f.to.Ensure(t.Context(), users, 1), nil)
	f.indexed(t, ada, 1)
	isErr(t, "users/0@2", f.to.Ensure(t.Context(), users, 2), querysync.ErrUnknownPosition)
	isErr(t, "log@1", f.to.Ensure(t.Context(), eventstream.LogStream, 1), nil)
}

func TestAnIndexThatHasItsOwnStateIsCaughtUp(t *testing.T) {
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{})
	f.view.Changed = nil // an earlier process
	carol := eventstream.UserStream(uuid.UUID{3})
	f.write(ada)
	f.write(bob, carol)
	f.write("nesting")
	f.write(bob)
	f.view.Changed = func(stream eventstream.StreamID) { f.to.Changed([]eventstream.StreamID{stream}) }
	f.start(t)
	f.write(carol)
	f.passed(t, 0)
	isErr(t, "before the catch-up", f.to.Wait(ended(t), 1), querysync.ErrBehind)
	var group errgroup.Group
	about := make(chan struct{})
	group.Go(func() error {
		close(about)
		if err := f.to.Flush(t.Context()); err != nil {
			return err
		}
		f.indexed(t, bob, 2)
		return nil
	})
	<-about
	f.write(carol)
	var told []uint64
	isErr(t, "catch up", f.to.CatchUp(t.Context(), f.directory, 2, func(queued, end uint64) { told = append(told, queued, end) }), nil)
	isErr(t, "the reader who waited for it", group.Wait(), nil)
	isErr(t, "flush", f.to.Flush(t.Context()), nil)
	f.indexed(t, ada, 0)
	f.indexed(t, bob, 2)
	f.indexed(t, carol, 3)
	f.passed(t, 6)
	if len(told) < 2 || told[len(told)-2] != 6 || told[len(told)-1] != 6 {
		t.Errorf("progress: %v", told)
	}
	isErr(t, "catch up, cancelled", f.to.CatchUp(ended(t), f.directory, 0, nil), context.Canceled)
}

func TestAReaderFindsWhatItWaitedFor(t *testing.T) {
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{Limit: 4, Batch: 2})
	f.catchUp(t, 0)
	f.start(t)
	var writing sync.Mutex
	var group errgroup.Group
	for worker := range byte(4) {
		group.Go(func() error {
			for i := range 200 {
				stream := eventstream.UserStream(uuid.UUID{worker, byte(i % 7)})
				writing.Lock()
				f.write(stream, users)
				position := f.End()
				writing.Unlock()
				last, err := f.Last(t.Context(), stream)
				if err != nil {
					return err
				}
				switch i % 3 {
				case 0:
					err = f.to.Wait(t.Context(), position)
				case 1:
					err = f.to.Ensure(t.Context(), stream, last.Seq)
				case 2:
					err = f.to.Flush(t.Context())
				}
				if err != nil {
					return err
				}
				if at := f.index.at(stream); at < last.Seq {
					t.Errorf("the index has %s at %d, not %d", stream, at, last.Seq)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	isErr(t, "flush", f.to.Flush(t.Context()), nil)
	f.passed(t, 800)
}

func TestWhatIsMeasuredOfAForwarder(t *testing.T) {
	registry := prometheus.NewRegistry()
	f := newForwarding(t, querysync.ForwarderOptions[eventstream.StreamID]{Metrics: registry})
	f.catchUp(t, 0)
	f.write(ada)
	f.write(bob)
	wantValues(t, registry, map[string]float64{"forward_waiting{index}": 2, "forward_lag_positions{index}": 2})
	var failures atomic.Int64
	f.index.before = func([]eventstream.StreamID) error {
		if failures.Add(1) < 3 {
			return errBroken
		}
		return nil
	}
	f.start(t)
	isErr(t, "flush", f.to.Flush(t.Context()), nil)
	wantValues(t, registry, map[string]float64{
		"forward_waiting{index}": 0, "forward_lag_positions{index}": 0,
		"forward_entities_total{index}": 2, "forward_failures_total{index}": 2,
	})
}

func TestAForwarderThatLacksSomethingIsRefused(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	s := follow(t, d, nil, view)
	push := func(context.Context, []eventstream.StreamID) error { return nil }
	for name, options := range map[string]querysync.ForwarderOptions[eventstream.StreamID]{
		"a name": {Push: push, Touches: touches}, "what to push to": {Name: "index", Touches: touches}, "what is touched": {Name: "index", Push: push},
	} {
		if _, err := querysync.NewForwarder(s, view, options); err == nil {
			t.Errorf("one without %s was made", name)
		}
	}
	if _, err := querysync.NewForwarder(s, &feedtest.Model{}, querysync.ForwarderOptions[eventstream.StreamID]{Name: "index", Push: push, Touches: touches}); err == nil {
		t.Error("one of a view that nobody follows was made")
	}
}
