package shardfeed

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Feed reads its share of a source's shards.
type Feed struct {
	source  Source
	leases  Leases
	handle  func(context.Context, []eventstream.Position) error
	options Options
	metrics *metrics
	// retention is how long the source keeps records, in nanoseconds; zero until it
	// was listed.
	retention atomic.Int64
}

// Options adjust a Feed. The zero value is good.
type Options struct {
	// Name tells feeds apart in logs and metrics.
	Name string
	// Worker names this process among those of the group; a random name if empty.
	Worker string
	// Poll is the pause between two reads of a shard when there is nothing more to
	// read; a second if zero. Kinesis allows 5 reads a second of a shard, for all who
	// read it together.
	Poll time.Duration
	// Expiry is after how long without a sign of life a worker's shards are taken by
	// others; 10 seconds if zero. Leases are renewed and looked at five times as
	// often. All workers of a group should say the same.
	Expiry time.Duration
	// ListEvery is how often the shards are listed; 30 seconds if zero. They are
	// also listed when one ends.
	ListEvery time.Duration
	// OnLoss is told that commits since an instant may not have been handed over,
	// and never will be. Nil says that they will be handled all the same, by a sweep
	// for instance; after an error it is told again. Nobody else reads the shard
	// meanwhile. The zero time stands for all commits. It may be called
	// concurrently.
	OnLoss func(ctx context.Context, since time.Time) error
	// Logger is told of shards that come, go and fail. Nil tells nobody.
	Logger *slog.Logger
	// Metrics registers what is measured. Nil measures for nobody.
	Metrics prometheus.Registerer
	// Now is the clock on the wall; time.Now if nil. What leases say of time is
	// used only to tell OnLoss how far back to look, and to notice that nobody read
	// for longer than records are kept.
	Now func() time.Time
}

// What cannot be chosen.
const (
	// callTimeout ends a call of the source that hangs.
	callTimeout = 30 * time.Second
	// leaseTimeout ends a call for a lease that hangs.
	leaseTimeout = 5 * time.Second
	// skew is how far clocks of two machines may be apart.
	skew = 5 * time.Minute
	// awaitChildren is how many times the shards are listed in a row at most when one
	// ended and its successors are not listed yet.
	awaitChildren = 15
)

// New makes a feed that hands positions to handle: a batch may repeat and hold
// what is old, and batches of different shards come concurrently. An error keeps
// the checkpoint where it is, and has the same batch handed over again after a
// pause. Nil options are the zero Options.
func New(source Source, leases Leases, handle func(context.Context, []eventstream.Position) error, options *Options) (*Feed, error) {
	f := &Feed{source: source, leases: leases, handle: handle}
	if options != nil {
		f.options = *options
	}
	f.options.fill()
	f.metrics = newMetrics(f.options.Name)
	if f.options.Metrics == nil {
		return f, nil
	}
	if err := f.metrics.register(f.options.Metrics); err != nil {
		return nil, fmt.Errorf("register the metrics of feed %s: %w", f.options.Name, err)
	}
	return f, nil
}

// Lag is how far the shard that is behind most, of those that this process reads,
// is behind its latest record; known tells whether it reads any.
func (f *Feed) Lag() (lag time.Duration, known bool) {
	return time.Duration(f.metrics.longestLag() * float64(time.Second)), f.metrics.countHeld() > 0
}

func (o *Options) fill() {
	if o.Worker == "" {
		o.Worker = uuid.NewString()
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Expiry == 0 {
		o.Expiry = 10 * time.Second
	}
	if o.ListEvery == 0 {
		o.ListEvery = 30 * time.Second
	}
	if o.OnLoss == nil {
		o.OnLoss = func(context.Context, time.Time) error { return nil }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Logger = o.Logger.With("feed", o.Name)
	if o.Now == nil {
		o.Now = time.Now
	}
}

// beatEvery is how often leases are renewed and looked at.
func (f *Feed) beatEvery() time.Duration { return f.options.Expiry / 5 }

// update writes a lease anew. It is not cut off with ctx: a change that nobody
// knows the outcome of could not be followed by another.
func (f *Feed) update(ctx context.Context, was, next Lease) (Lease, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTimeout)
	defer cancel()
	return f.leases.Update(ctx, was, next)
}

// lose tells of commits that are lost to the feed.
func (f *Feed) lose(ctx context.Context, shard, why string, since time.Time) error {
	if !since.IsZero() {
		since = since.Add(-skew)
	}
	f.options.Logger.Error("records were lost before they were read: all streams that moved since have to be looked at",
		"shard", shard, "why", why, "since", since)
	if err := f.options.OnLoss(ctx, since); err != nil {
		f.metrics.failure("loss")
		return fmt.Errorf("tell of lost records: %w", err)
	}
	f.metrics.losses.Inc()
	return nil
}

// failed logs and counts what went wrong and is tried again.
func (f *Feed) failed(ctx context.Context, what, shard string, err error) {
	if ctx.Err() != nil {
		return
	}
	f.metrics.failure(what)
	f.options.Logger.Warn("a feed has to try again", "what", what, "shard", shard, "error", err)
}
