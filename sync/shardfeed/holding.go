package shardfeed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// errSilent ends a holding whose lease others may take to be given up.
var errSilent = errors.New("the lease could not be renewed in time")

// holding is a shard that this worker reads, and its lease.
type holding struct {
	*Feed
	shard    string
	stop     context.CancelCauseFunc
	finished chan struct{} // closed when it is over
	closed   atomic.Bool   // the source lists the shard as closed
	ended    atomic.Bool   // the shard was handled to its end

	turn    chan struct{} // of one element, held by who reads or changes the next two
	lease   Lease
	renewed time.Time // when the last change that was made was asked for

	mu       sync.Mutex
	since    time.Time     // as in Lease, but newer
	behind   time.Duration // what the source said last
	handling time.Time     // since when a page is being handled, or nothing can be read; zero if neither
}

func newHolding(f *Feed, lease Lease, renewed time.Time) *holding {
	return &holding{
		Feed: f, shard: lease.Shard, finished: make(chan struct{}), turn: make(chan struct{}, 1),
		lease: lease, renewed: renewed, since: lease.Since,
	}
}

// run reads the shard until it has ended, the lease is lost, or ctx ends, when it
// gives the lease back.
func (h *holding) run(ctx context.Context) {
	defer close(h.finished)
	within, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	h.stop = stop
	var keeper sync.WaitGroup
	keeper.Go(func() { h.keep(within) })
	r := reader{holding: h}
	ended := r.run(within)
	cause := context.Cause(within)
	stop(nil)
	keeper.Wait()
	switch {
	case ended:
		h.ended.Store(true)
		h.options.Logger.Info("shard ended", "shard", h.shard)
	case errors.Is(cause, ErrLost), errors.Is(cause, errSilent):
		h.metrics.lost.Inc()
		h.options.Logger.Info("shard lost to another worker", "shard", h.shard, "why", cause)
	default:
		if err := h.change(context.WithoutCancel(ctx), func(l *Lease) { l.Owner = "" }); err != nil {
			h.options.Logger.Warn("a shard was not given back: others wait until its lease expires", "shard", h.shard, "error", err)
		}
	}
}

// keep renews the lease until ctx ends.
func (h *holding) keep(ctx context.Context) {
	ticker := time.NewTicker(h.beatEvery())
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := h.change(ctx, func(*Lease) {}); err != nil {
			h.failed(ctx, "lease", h.shard, err)
		}
	}
}

// change writes the lease anew. If it is lost, or others may take it to be, the
// holding ends.
func (h *holding) change(ctx context.Context, change func(*Lease)) error {
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	next := h.lease
	h.mu.Lock()
	next.Since = h.since
	h.mu.Unlock()
	change(&next)
	asked := time.Now()
	stored, err := h.update(ctx, h.lease, next)
	switch {
	case err == nil:
		h.lease, h.renewed = stored, asked
		return nil
	case errors.Is(err, ErrLost):
		h.stop(ErrLost)
	case time.Since(h.renewed) >= h.options.Expiry:
		h.stop(errSilent)
	}
	return fmt.Errorf("write the lease of a shard: %w", err)
}

// checkpoint is what was handled last; the beginning if empty.
func (h *holding) checkpoint(ctx context.Context) (string, error) {
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
		return h.lease.Checkpoint, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// handledUntil notes that what was written before an instant was handled.
func (h *holding) handledUntil(until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if until.After(h.since) {
		h.since = until
	}
}

// unhandledSince is the instant before which everything was handled.
func (h *holding) unhandledSince() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.since
}

// observe notes how far behind the latest record a page is. It is being handled
// from now on, unless that is over.
func (h *holding) observe(behind time.Duration, begins bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.behind, h.handling = behind, time.Time{}
	if begins {
		h.handling = time.Now()
	}
}

// stall notes that nothing could be read.
func (h *holding) stall() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.handling.IsZero() {
		h.handling = time.Now()
	}
}

// lag is how far behind the latest record the shard is, the time that
// a page takes to be handled or read included.
func (h *holding) lag() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.handling.IsZero() {
		return h.behind
	}
	return h.behind + time.Since(h.handling)
}
