package querysync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Synchroniser brings views to where the streams are. All methods may be called
// concurrently.
type Synchroniser struct {
	streams   *eventstream.Streams
	options   Options
	metrics   *metrics
	followers atomic.Pointer[[]*follower] // replaced under mu

	mu       sync.Mutex
	indexers []*Indexer
}

// Options adjust a Synchroniser. The zero value is good.
type Options struct {
	// Directory is where the list of each view's parked streams is kept, in a file
	// parked-{view}.json. Empty keeps it in memory only; then the first sweep after
	// a start goes over every stream to find them again.
	Directory string
	// Parked keeps the lists instead, where every process finds them. A process hears
	// of what others parked when it sweeps.
	Parked ParkedStore
	// Changes are written for views that announce; required by those.
	Changes *Changes
	// Confirm makes sure, where others may add views that have to be followed too, that
	// all those are followed which were to be when it was called; nil where nobody
	// does. It is called for every batch.
	Confirm func(ctx context.Context) error
	// SweepEvery is how often Run sweeps; 3 minutes if zero.
	SweepEvery time.Duration
	// Reason names the kind of an error that parked a stream, in one word for
	// operators; nil tells what eventstream knows.
	Reason func(error) string
	// Logger is told of what is parked, healed and stalled. Nil tells nobody.
	Logger *slog.Logger
	// Metrics registers what is measured. Nil measures for nobody.
	Metrics prometheus.Registerer
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// New makes a Synchroniser of views, which have different names. Nil options are
// the zero Options.
func New(streams *eventstream.Streams, views []View, options *Options) (*Synchroniser, error) {
	s := &Synchroniser{streams: streams}
	if options != nil {
		s.options = *options
	}
	s.options.fill()
	s.metrics = newMetrics()
	for _, view := range views {
		if err := s.add(view, false); err != nil {
			return nil, err
		}
	}
	if s.options.Metrics == nil {
		return s, nil
	}
	if err := s.metrics.register(s.options.Metrics, s); err != nil {
		return nil, fmt.Errorf("register the synchroniser's metrics: %w", err)
	}
	return s, nil
}

func (o *Options) fill() {
	if o.SweepEvery == 0 {
		o.SweepEvery = 3 * time.Minute
	}
	if o.Reason == nil {
		o.Reason = func(error) string { return "refused" }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// allIndexers are those that carry on what views show.
func (s *Synchroniser) allIndexers() []*Indexer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.indexers)
}

// follower is what the synchroniser keeps of one view.
type follower struct {
	s    *Synchroniser
	view View
	// positioned is the view, if it knows positions; else nil.
	positioned Positioned
	// announcing and marking are the view too, if it does that; else nil.
	announcing Announcing
	marking    Marking
	turns      turns
	parked     *parkedStreams
	shards     shards
	metrics    followerMetrics

	// feeding has room for the one who hands over transactions in order.
	feeding chan struct{}
	// catchingUp tells that CatchUp does that, and that nobody else need.
	catchingUp atomic.Bool
	// left tells that the view was let go of.
	left     atomic.Bool
	progress signal
	stall    stall
}

func newFollower(s *Synchroniser, view View, metrics *metrics) *follower {
	f := &follower{s: s, view: view, feeding: make(chan struct{}, 1)}
	f.positioned, _ = view.(Positioned)
	f.announcing, _ = view.(Announcing)
	f.marking, _ = view.(Marking)
	f.turns.held = map[eventstream.StreamID]chan struct{}{}
	f.parked = loadParked(&s.options, view.Name())
	f.metrics = metrics.of(view.Name())
	return f
}

func (s *Synchroniser) named(view string) *follower {
	for _, f := range s.all() {
		if f.view.Name() == view {
			return f
		}
	}
	return nil
}

// ErrNotFollowed is why nothing is done in a view that the synchroniser does not
// have.
var ErrNotFollowed = errors.New("not a view of this synchroniser")

func (s *Synchroniser) following(view View) (*follower, error) {
	for _, f := range s.all() {
		if f.view == view {
			return f, nil
		}
	}
	return nil, ErrNotFollowed
}

// Waiter brings one view to where a reader needs it; queries.Waiter is what it
// looks like from there.
type Waiter struct{ follower *follower }

// Waiter gives the waiter of a view.
func (s *Synchroniser) Waiter(view View) (Waiter, error) {
	f, err := s.following(view)
	return Waiter{f}, err
}

// Ensure is Synchroniser.Ensure for the waiter's view.
func (w Waiter) Ensure(ctx context.Context, stream eventstream.StreamID, minSeq eventstream.Seq) error {
	return w.follower.ensure(ctx, stream, minSeq)
}

// Complete fails with ErrParked while any stream is parked in the waiter's view.
func (w Waiter) Complete() error { return w.follower.complete() }

func (f *follower) complete() error {
	if f.parked.any() {
		return fmt.Errorf("view %s: %w", f.view.Name(), ErrParked)
	}
	return nil
}

// turns lets one at a time work on a stream.
type turns struct {
	mu   sync.Mutex
	held map[eventstream.StreamID]chan struct{}
}

// take waits for the stream's turn, within ctx, and tells whether it had to;
// release ends the turn.
func (t *turns) take(ctx context.Context, stream eventstream.StreamID) (release func(), waited bool, err error) {
	for {
		t.mu.Lock()
		ended, busy := t.held[stream]
		if !busy {
			ended = make(chan struct{})
			t.held[stream] = ended
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.held, stream)
				t.mu.Unlock()
				close(ended)
			}, waited, nil
		}
		t.mu.Unlock()
		waited = true
		select {
		case <-ended:
		case <-ctx.Done():
			return nil, waited, ctx.Err()
		}
	}
}

// signal wakes everybody who waits.
type signal struct {
	mu    sync.Mutex
	fired chan struct{}
}

// next is closed at the next fire.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fired == nil {
		s.fired = make(chan struct{})
	}
	return s.fired
}

func (s *signal) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fired != nil {
		close(s.fired)
		s.fired = nil
	}
}
