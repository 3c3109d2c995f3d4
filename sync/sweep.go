package querysync

import (
	"context"
	"fmt"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// nudgeEvery is how often Run looks whether a view has stalled.
const nudgeEvery = time.Second

// Run keeps the views whole until ctx ends: every Options.SweepEvery it sweeps
// over the streams that moved lately, and a view that stalled because the
// storage failed goes on once it can.
func (s *Synchroniser) Run(ctx context.Context) error {
	sweep := time.NewTicker(s.options.SweepEvery)
	defer sweep.Stop()
	nudge := time.NewTicker(min(nudgeEvery, s.options.SweepEvery))
	defer nudge.Stop()
	swept := s.options.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-nudge.C:
			s.goOn(ctx)
		case <-sweep.C:
			began := s.options.Now()
			if err := s.Sweep(ctx, swept.Add(-s.options.SweepEvery)); err == nil {
				swept = began
			} else if ctx.Err() == nil { // the next one begins as early
				s.options.Logger.Warn("sweep failed", "error", err)
			}
		}
	}
}

// goOn brings stalled views to the end of the log.
func (s *Synchroniser) goOn(ctx context.Context) {
	for _, f := range s.all() {
		if !f.stall.under() || !f.stall.mayTry(s.options.Now()) {
			continue
		}
		if err := f.catchLog(ctx); err != nil {
			f.stalled(err)
		}
	}
}

// catchLog brings a view that knows positions to the end of the log.
func (f *follower) catchLog(ctx context.Context) error {
	log := f.s.streams.Log()
	if f.positioned == nil || log == nil || f.catchingUp.Load() {
		return nil
	}
	end := log.End()
	if f.positioned.Applied() >= end {
		return nil
	}
	return f.reach(ctx, end)
}

// Sweep compares the streams that have moved since an instant with every view,
// and brings rows that are behind to where they should be; rows that are not
// announced are. It goes over all streams for a view whose list of parked streams
// was lost.
//
// What indexes refused is pushed to them again. No view waits for an index that is
// away: the next sweep tries that again.
func (s *Synchroniser) Sweep(ctx context.Context, since time.Time) error {
	err := s.whole(ctx, func(bands []*band) error {
		for _, b := range bands {
			if err := b.sweep(ctx, since); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, x := range s.allIndexers() {
		if err := x.sweep(ctx); err != nil && ctx.Err() == nil {
			s.options.Logger.Warn("what is parked was not pushed again", "index", x.options.Name, "error", err)
		}
	}
	return nil
}

func (b *band) sweep(ctx context.Context, since time.Time) error {
	for _, f := range b.members {
		if f.catchingUp.Load() { // which is alone, and at it
			return nil
		}
		err := f.catchLog(ctx)
		if err == nil {
			err = f.retryShared(ctx)
		}
		if err != nil {
			return fmt.Errorf("sweep view %s: %w", f.view.Name(), err)
		}
		if !f.parked.complete.Load() {
			since = time.Time{}
		}
	}
	healed, err := b.sweepRecent(ctx, since)
	if err != nil {
		return fmt.Errorf("sweep view %s: %w", b.members[0].view.Name(), err)
	}
	for i, f := range b.members {
		if healed[i] > 0 {
			f.metrics.healed.Add(float64(healed[i]))
			f.s.options.Logger.Info("view healed by a sweep", "view", f.view.Name(), "commits", healed[i])
		}
		if err := f.parked.sweptAll(); err != nil {
			return err
		}
	}
	return nil
}

// retryShared hears of what other processes parked, and tries all of it again:
// one of them may know an event by now that it did not. Lists that only this
// process has are retried when it starts.
func (f *follower) retryShared(ctx context.Context) error {
	if f.parked.store == nil {
		return nil
	}
	if err := f.parked.reload(ctx); err != nil {
		return err
	}
	var parked []eventstream.Position
	for _, p := range f.parked.list(f.view.Name()) {
		parked = append(parked, eventstream.Position{Stream: p.Stream, Seq: p.Seq})
	}
	if err := f.retryAll(ctx); err != nil {
		return err
	}
	return f.handle(ctx, parked, named) // which announces what is no longer parked
}

// sweptAtOnce is how many positions are compared at a time.
const sweptAtOnce = 256

// sweepRecent handles whatever moved since an instant, and tells how many commits
// each view lacked.
func (b *band) sweepRecent(ctx context.Context, since time.Time) (healed []int, err error) {
	healed = make([]int, len(b.members))
	batch := make([]eventstream.Position, 0, sweptAtOnce)
	flush := func() error {
		lacked, err := b.handle(ctx, batch, named)
		for i := range lacked {
			healed[i] += lacked[i]
		}
		batch = batch[:0]
		return err
	}
	for position, err := range b.s.streams.Recent(ctx, since) {
		if err != nil {
			return healed, fmt.Errorf("read which streams moved: %w", err)
		}
		if batch = append(batch, position); len(batch) < sweptAtOnce {
			continue
		}
		if err := flush(); err != nil {
			return healed, err
		}
	}
	return healed, flush()
}
