package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries/closure"
	"github.com/seed5b6a70b4/identity/queries/memview"
)

// build is one rebuild: from the order to the switch.
type build struct {
	*rebuilder
	order    httpapi.RebuildOrder
	progress *progress
}

// errDiffers is why a new generation is not switched to.
var errDiffers = errors.New("the new generation differs from the one that answers; --force switches all the same")

// run builds and switches, or leaves everything as it was.
func (u *build) run(ctx context.Context) {
	log := u.b.settings.log
	log.Info("rebuild begun", "views", u.order.Views)
	err := u.attempt(ctx)
	u.mu.Lock()
	left := u.building
	u.building, u.job = nil, nil
	u.mu.Unlock()
	if err != nil && left != nil {
		err = errors.Join(err, u.b.discard(context.WithoutCancel(ctx), left, u.b.answering.Load()))
	}
	if ctx.Err() != nil && err != nil {
		err = errors.New("stopped")
	}
	u.progress.end(err)
	if err != nil {
		log.Error("rebuild failed", "views", u.order.Views, "error", err)
		return
	}
	log.Info("rebuild done", "views", u.order.Views)
}

func (u *build) attempt(ctx context.Context) error {
	if slices.Contains(u.order.Views, httpapi.ClosureView) {
		if err := u.renewClosure(ctx); err != nil || len(u.order.Views) == 1 {
			return err
		}
	}
	if err := u.dropKept(ctx); err != nil {
		return fmt.Errorf("let go of the generation that was kept: %w", err)
	}
	next, err := u.make(ctx)
	if err != nil {
		return err
	}
	if err := u.compare(ctx, next); err != nil {
		return err
	}
	if u.progress.differing() > 0 && !u.order.Force {
		return errDiffers
	}
	u.progress.stage("switch", 1)
	if err := u.turn(ctx, next); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	return nil
}

// make fills a generation beside the one that answers.
func (u *build) make(ctx context.Context) (*generation, error) {
	now := u.b.answering.Load()
	next := &generation{rows: now.rows}
	if slices.Contains(u.order.Views, httpapi.RowsView) {
		next.rows = u.b.newRows(now.rows.number + 1)
		if err := u.b.synchroniser.Follow(next.rows.view); err != nil {
			return nil, err
		}
		u.has(next)
		if err := u.fold(ctx, next.rows); err != nil {
			return nil, err
		}
		u.b.startRows(next.rows)
	}
	if now.search == nil {
		return next, nil
	}
	return u.index(ctx, next, now.search.number+1)
}

// renewClosure folds the closure anew. It is small, and in a place of its own: it
// answers as soon as it is there, whatever becomes of the other views.
func (u *build) renewClosure(ctx context.Context) error {
	u.progress.stage("closure", uint64(u.b.closure.Seq()))
	made, err := u.b.closure.Rebuild(ctx, closure.RebuildOptions{
		Force: u.order.Force, Progress: func(uint64) { u.progress.add(1) },
	})
	if err != nil && !errors.Is(err, closure.ErrDiffers) {
		return fmt.Errorf("fold the closure: %w", err)
	}
	found := memview.Comparison{Compared: uint64(made.Compared)}
	for _, group := range made.Differing {
		found.Add(eventstream.GroupStream(group.UUID), made.Seq, "nesting")
	}
	c := comparison(httpapi.ClosureView, &found)
	c.Buckets = 1
	u.progress.compared(c)
	if err != nil {
		return errDiffers
	}
	return nil
}

// has notes what there is of the generation, to be shown and let go of.
func (u *build) has(g *generation) {
	u.mu.Lock()
	u.building = &generation{rows: g.rows, search: g.search}
	u.mu.Unlock()
}

// fold makes rows of the log.
func (u *build) fold(ctx context.Context, r *rows) error {
	u.progress.stage("rows", u.b.store.End())
	pace, hold, last := u.newPace(ctx), pacer(u.order.Rate), uint64(0)
	workers := rebuildWorkers * runtime.GOMAXPROCS(0)
	return u.b.synchroniser.CatchUp(ctx, u.b.store, r.view, workers, func(applied, end uint64) {
		u.progress.at(applied, end)
		if end-min(applied, end) > paceUntil {
			_ = hold(ctx, int(applied-last)) // when ctx ends so does CatchUp
			pace.rest()
		}
		last = applied
	})
}

// rebuildWorkers are for each processor: their shares of the log are uneven.
const rebuildWorkers = 4

// index fills an index of the generation's rows.
func (u *build) index(ctx context.Context, next *generation, number uint64) (*generation, error) {
	s, err := u.b.newSearcher(next.rows, number, u.b.measured())
	if err != nil {
		return nil, err
	}
	next.search = s
	u.has(next)
	stats := next.rows.view.Stats()
	u.progress.stage("search", uint64(stats.Users+stats.Groups))
	pace, hold := u.newPace(ctx), pacer(u.order.Rate)
	s.filled = func(documents int) {
		u.progress.add(uint64(documents))
		_ = hold(ctx, documents)
		pace.rest()
	}
	next.rows.tell(s.forwarder)
	if err := u.b.bring(ctx, next, u.b.store.End()); err != nil {
		return nil, err
	}
	if err := s.catchUp(ctx, u.b.store, nil); err != nil {
		return nil, err
	}
	u.b.startSearch(s)
	return next, s.forwarder.Flush(ctx)
}

// bring brings a generation's rows to a position of the log.
func (b *embedded) bring(ctx context.Context, g *generation, position uint64) error {
	return b.synchroniser.Ensure(ctx, g.rows.view, eventstream.LogStream, eventstream.Seq(position))
}

// compare compares what was built with what answers.
func (u *build) compare(ctx context.Context, next *generation) error {
	now := u.b.answering.Load()
	if next.rows != now.rows {
		if err := u.compareRows(ctx, now, next); err != nil {
			return fmt.Errorf("compare the rows: %w", err)
		}
	}
	if next.search != nil {
		if err := u.compareSearch(ctx, next); err != nil {
			return fmt.Errorf("compare the index with the rows: %w", err)
		}
	}
	return nil
}

func (u *build) compareRows(ctx context.Context, now, next *generation) error {
	u.progress.stage("compare rows", 1)
	pace := u.newPace(ctx)
	found, err := memview.Compare(ctx, now.rows.view, next.rows.view, memview.CompareOptions{
		End:      u.b.store.End,
		Progress: func(done, total uint64) { u.progress.at(done, total) },
		Pause: func(ctx context.Context) error {
			pace.rest()
			return ctx.Err()
		},
		Settle: func(ctx context.Context, stream eventstream.StreamID, seq eventstream.Seq) error {
			return errors.Join(
				u.b.synchroniser.Ensure(ctx, now.rows.view, stream, seq),
				u.b.synchroniser.Ensure(ctx, next.rows.view, stream, seq),
			)
		},
	})
	if err != nil {
		return err
	}
	u.progress.compared(comparison(httpapi.RowsView, &found))
	return nil
}

func comparison(view string, found *memview.Comparison) httpapi.Comparison {
	c := httpapi.Comparison{View: view, Compared: found.Compared, Buckets: memview.Buckets, Sampled: found.Sampled, Differing: found.Differing}
	for _, d := range found.Differences {
		c.Differences = append(c.Differences, httpapi.Difference{Stream: string(d.Stream), Seq: uint64(d.Seq), Fields: d.Fields})
	}
	return c
}
