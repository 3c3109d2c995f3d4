package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries"
)

// rebuilder builds generations of an engine's views, one at a time, and knows the
// one that is kept. It is httpapi.Views.
type rebuilder struct {
	b *embedded
	// grace is how long a generation that answered must go on being kept up to date:
	// longer than a reader who has it may wait.
	grace time.Duration
	// succession bounds how long writers wait for an index at the moment of a switch.
	succession time.Duration

	// changing is held by whoever builds, switches or lets go.
	changing chan struct{}

	mu       sync.Mutex
	kept     *generation // nil if none is
	building *generation // what there is of it by now
	last     *progress   // of the rebuild that is under way, or was the last one
	job      *task       // of the one under way
	switched time.Time
	builds   uint64
}

func (r *rebuilder) init(b *embedded) {
	r.b, r.grace, r.succession, r.changing = b, queries.MaxWait+time.Second, time.Second, make(chan struct{}, 1)
	if b.settings.registry != nil {
		b.settings.registry.MustRegister(&rebuildCollector{r.shown})
	}
}

// views implements engine.
func (b *embedded) views() httpapi.Views { return &b.rebuilder }

// Rebuild implements httpapi.Views. What was kept is let go of first: there are
// never more than two generations in memory.
func (r *rebuilder) Rebuild(_ context.Context, order httpapi.RebuildOrder) error {
	now := r.b.answering.Load()
	for _, view := range order.Views {
		if view != httpapi.RowsView && view != httpapi.ClosureView && (view != httpapi.SearchView || now.search == nil) {
			return httpapi.ErrNoSuchView
		}
	}
	select {
	case r.changing <- struct{}{}:
	default:
		return httpapi.ErrRebuilding
	}
	order.Views = slices.Clone(order.Views)
	if slices.Contains(order.Views, httpapi.RowsView) && now.search != nil && !slices.Contains(order.Views, httpapi.SearchView) {
		order.Views = append(order.Views, httpapi.SearchView) // it is made of the rows
	}
	slices.SortFunc(order.Views, func(a, b string) int { return cmp.Compare(a, b) })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.builds++
	r.last = newProgress(r.builds, order.Views)
	build := &build{rebuilder: r, order: order, progress: r.last}
	r.job = r.b.host.start(func(ctx context.Context) error {
		defer func() { <-r.changing }()
		build.run(ctx)
		return nil // a rebuild that fails is no reason not to serve
	})
	return nil
}

// Back implements httpapi.Views.
func (r *rebuilder) Back(ctx context.Context) error {
	select {
	case r.changing <- struct{}{}:
		defer func() { <-r.changing }()
	default:
		return httpapi.ErrRebuilding
	}
	r.mu.Lock()
	to := r.kept
	r.mu.Unlock()
	if to == nil {
		return httpapi.ErrNothingKept
	}
	return r.turn(ctx, to)
}

// Drop implements httpapi.Views.
func (r *rebuilder) Drop(ctx context.Context) error {
	r.mu.Lock()
	job := r.job
	r.mu.Unlock()
	if job != nil {
		job.stop() // which waits until nothing is left of it
	}
	select {
	case r.changing <- struct{}{}:
		defer func() { <-r.changing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return r.dropKept(ctx)
}

// dropKept lets go of the generation that is kept, once nobody can be reading it.
func (r *rebuilder) dropKept(ctx context.Context) error {
	r.mu.Lock()
	kept, until := r.kept, r.switched.Add(r.grace)
	r.mu.Unlock()
	if kept == nil {
		return nil
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	r.mu.Lock()
	r.kept = nil
	r.mu.Unlock()
	return r.b.discard(ctx, kept, r.b.answering.Load())
}

// turn has a generation answer that is up to date, and keeps the one that did.
// What is on record is changed first: after a kill in between, the start makes of
// it what answers.
func (r *rebuilder) turn(ctx context.Context, to *generation) error {
	b := r.b
	if err := r.level(ctx, to); err != nil {
		return err
	}
	answers, err := b.answers(to)
	if err != nil {
		return err
	}
	b.snapshotting.Lock()
	defer b.snapshotting.Unlock()
	position, err := b.save(to)
	if err != nil {
		return err
	}
	if err := b.writeRecord(to); err != nil {
		return err
	}
	from := b.answering.Load()
	if err := r.level(ctx, to); err != nil { // so that little is left for the moment at which writers wait
		return errors.Join(err, b.writeRecord(from))
	}
	err = b.synchroniser.Succeed(ctx, from.rows.view, to.rows.view, func() error {
		if to.search != nil {
			ctx, cancel := context.WithTimeout(ctx, r.succession)
			defer cancel()
			if err := to.search.forwarder.Flush(ctx); err != nil {
				return err
			}
		}
		b.answering.Store(to)
		return b.reader.Switch(answers)
	})
	if err != nil {
		b.answering.Store(from)
		return errors.Join(err, b.writeRecord(from))
	}
	b.snapshotted = position
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept, r.switched = from, time.Now()
	return nil
}

// level brings a generation to where the one that answers is.
func (r *rebuilder) level(ctx context.Context, to *generation) error {
	position := r.b.answering.Load().applied()
	if err := r.b.bring(ctx, to, position.rows); err != nil {
		return err
	}
	if to.search == nil {
		return nil
	}
	return to.search.forwarder.Wait(ctx, position.search)
}

// positions are where the parts of a generation are.
type positions struct{ rows, search uint64 }

func (g *generation) applied() positions {
	p := positions{rows: g.rows.view.Applied()}
	if g.search != nil {
		p.search = g.search.forwarder.Applied()
	}
	return p
}
