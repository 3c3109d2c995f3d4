package querysync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Forwarder carries what changes in a view on to what follows the view, such as a
// search index, which has a pace and a position of its own. It holds entities,
// not changes: an entity that changes again before it was carried is carried
// once, as it is then.
//
// Its parts are called so: Changed by the view for each change of a row, CatchUp
// once at the start, Run for as long as there are changes. Readers wait with
// Ensure.
type Forwarder[E comparable] struct {
	follows *follower
	view    PositionedView
	options ForwarderOptions[E]
	metrics forwarderMetrics

	mu    sync.Mutex
	queue queue[E]
	// issued counts what was ever queued, done what was pushed, in the same order.
	issued, done uint64
	// marks are positions that are reached when as much is done.
	marks   []mark
	passed  uint64
	caught  bool // CatchUp is over: positions may move
	running bool
	failing bool
	waiters []waiter
	room    signal // fired when writers may go on
	work    signal // fired when something was queued
}

// PositionedView is a View of a store that numbers its transactions.
type PositionedView interface {
	View
	Positioned
}

// ForwarderOptions adjust a Forwarder. Name, Push and Touches are required.
type ForwarderOptions[E comparable] struct {
	// Name is the follower's in metrics, logs and errors.
	Name string
	// Push brings the follower to where the view shows the entities now. It may be
	// called concurrently, and with what the follower has already. An error says
	// that nothing is known of any of them.
	Push func(ctx context.Context, changed []E) error
	// Touches tells which entities a change of the stream may concern.
	Touches func(ctx context.Context, stream eventstream.StreamID) ([]E, error)
	// Limit is how many entities may wait before Changed makes its caller wait too,
	// as long as pushing works; 16384 if zero. While pushing fails there may be
	// more, and nobody is made to wait.
	Limit int
	// Batch is the most entities pushed at a time; 256 if zero.
	Batch int
	// Logger is told when pushing begins and ceases to fail. Nil tells nobody.
	Logger *slog.Logger
	// Metrics registers what is measured. Nil measures for nobody.
	Metrics prometheus.Registerer
}

// mark is a position of the view, and what was issued when the view was there.
type mark struct{ position, ticket uint64 }

// waiter waits until as much is done.
type waiter struct {
	ticket uint64
	ready  chan struct{}
}

// afterCatchUp is the ticket of those who wait for whatever CatchUp will queue.
const afterCatchUp = math.MaxUint64

// NewForwarder makes a Forwarder of a view that the synchroniser follows.
func NewForwarder[E comparable](s *Synchroniser, view PositionedView, options ForwarderOptions[E]) (*Forwarder[E], error) {
	follower, err := s.following(view)
	if err != nil {
		return nil, fmt.Errorf("forward to %s: %w", options.Name, err)
	}
	if options.Name == "" || options.Push == nil || options.Touches == nil {
		return nil, errors.New("a forwarder needs a name, what to push to, and what a stream touches")
	}
	if options.Limit == 0 {
		options.Limit = 16384
	}
	if options.Batch == 0 {
		options.Batch = 256
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Forwarder[E]{follows: follower, view: view, options: options, metrics: newForwarderMetrics(options.Name)}
	f.queue.waiting = map[E]struct{}{}
	if options.Metrics == nil {
		return f, nil
	}
	if err := f.metrics.register(options.Metrics, f.state); err != nil {
		return nil, fmt.Errorf("register the metrics of %s: %w", options.Name, err)
	}
	return f, nil
}

// Forget drops what was measured, so that another Forwarder may have the name.
func (f *Forwarder[E]) Forget() {
	if f.options.Metrics != nil {
		f.metrics.unregister(f.options.Metrics, f.state)
	}
}

// Changed says that the view shows the entities otherwise than before. It must
// be called after the rows have changed and before the view's position moves
// over the change. It returns at once, unless Options.Limit entities wait while
// Run pushes them: then, once they have become fewer. The slice is not kept.
func (f *Forwarder[E]) Changed(entities []E) {
	f.mu.Lock()
	for _, entity := range entities {
		if f.queue.push(entity) {
			f.issued++
		}
	}
	full := f.mustWait()
	f.work.fire()
	f.mu.Unlock()
	if full {
		f.awaitRoom()
	}
}

func (f *Forwarder[E]) mustWait() bool {
	return f.running && !f.failing && f.queue.len() > f.options.Limit
}

func (f *Forwarder[E]) awaitRoom() {
	began := time.Now()
	for {
		room := f.room.next()
		f.mu.Lock()
		full := f.mustWait()
		f.mu.Unlock()
		if !full {
			f.metrics.slowed.Add(time.Since(began).Seconds())
			return
		}
		<-room
	}
}

// Applied is the position up to which everything that the view shows was
// pushed. It never goes back.
func (f *Forwarder[E]) Applied() uint64 {
	position := f.view.Applied()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.caught && f.done == f.issued {
		f.passed = max(f.passed, position)
	}
	return f.passed
}

// Flush waits until everything that has changed so far was pushed; at the end of
// ctx it is ErrBehind.
func (f *Forwarder[E]) Flush(ctx context.Context) error {
	f.mu.Lock()
	if f.caught && f.done == f.issued {
		f.mu.Unlock()
		return nil
	}
	ready := make(chan struct{})
	ticket := f.issued
	if !f.caught {
		ticket = afterCatchUp
	}
	f.waiters = append(f.waiters, waiter{ticket, ready})
	f.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		f.forget(ready)
		return fmt.Errorf("%w: %s: %w", ErrBehind, f.options.Name, ctx.Err())
	}
}

func (f *Forwarder[E]) forget(ready chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiters = slices.DeleteFunc(f.waiters, func(w waiter) bool { return w.ready == ready })
}

// Wait waits until everything up to a position of the log was pushed; at the end
// of ctx it is ErrBehind, and ErrUnknownPosition if the log does not have it.
func (f *Forwarder[E]) Wait(ctx context.Context, position uint64) error {
	if f.Applied() >= position {
		return nil
	}
	if err := f.follows.ensure(ctx, eventstream.LogStream, eventstream.Seq(position)); err != nil {
		return err
	}
	return f.Flush(ctx)
}

// Complete fails with ErrParked while any stream is parked in the view.
func (f *Forwarder[E]) Complete() error {
	return f.follows.complete()
}

// Ensure brings the view to where it must be, as Synchroniser.Ensure does, and
// what follows it too: a stream that the view shows is pushed at once, before
// what waits; for positions and shards, everything that changed before is waited
// for.
func (f *Forwarder[E]) Ensure(ctx context.Context, stream eventstream.StreamID, minSeq eventstream.Seq) error {
	switch {
	case stream == eventstream.LogStream:
		return f.Wait(ctx, uint64(minSeq))
	case isShard(stream):
		if err := f.follows.ensure(ctx, stream, minSeq); err != nil {
			return err
		}
		return f.Flush(ctx)
	case !f.view.Shows(stream):
		return nil
	}
	if err := f.follows.ensure(ctx, stream, minSeq); err != nil {
		return err
	}
	entities, err := f.options.Touches(ctx, stream)
	if err == nil && len(entities) > 0 {
		err = f.options.Push(ctx, entities)
	}
	if err != nil {
		return fmt.Errorf("%w: push to %s: %w", ErrBehind, f.options.Name, err)
	}
	return nil
}
