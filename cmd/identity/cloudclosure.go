package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries/closure"
	"github.com/seed5b6a70b4/identity/sync/generations"
)

// fold folds the closure of this process anew, and then has all others do the same:
// each has one in its memory.
func (b *builder) fold(ctx context.Context, build *generations.Build) error {
	b.beginStage("closure", 0, uint64(b.closure.Seq()))
	made, err := b.closure.Rebuild(ctx, closure.RebuildOptions{Force: build.Force, Progress: func(uint64) { b.did(1) }})
	if err != nil && !errors.Is(err, closure.ErrDiffers) {
		return err
	}
	compared := generations.Comparison{View: generations.Closure, Compared: uint64(made.Compared), Buckets: 1, Differing: uint64(len(made.Differing))}
	for i, group := range made.Differing {
		if i == mostDifferences {
			break
		}
		compared.Differences = append(compared.Differences, generations.Difference{Stream: string(eventstream.GroupStream(group.UUID)), Seq: uint64(made.Seq), Fields: []string{"nesting"}})
	}
	if err != nil {
		return b.fail(ctx, build, fmt.Sprintf("%d of %d differ", compared.Differing, compared.Compared), &compared)
	}
	b.followed.folded.Store(int64(build.Number))
	_, err = b.change(ctx, build, func(roll *generations.Roll) error { return roll.Folded(build.Number, compared, time.Now().UTC()) })
	return err
}

// renewClosure folds the closure anew whenever the roll says so, until ctx ends.
func (f *followed) renewClosure(ctx context.Context) error {
	const again = 5 * time.Second
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.refold:
		}
		number := int64(f.known().Closure.Answers)
		for f.folded.Load() < number {
			same, err := f.closure.Refold(ctx)
			switch {
			case err == nil:
				f.folded.Store(number)
				f.settings.log.Info("the closure was folded anew", "generation", number, "same", same)
				continue
			case ctx.Err() == nil:
				f.settings.log.Warn("the closure is folded anew later", "error", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(again):
			}
		}
	}
}

// foldIfDue wakes renewClosure when a roll says that there is something to do. At the
// start there is not: the closure has yet to be folded.
func (f *followed) foldIfDue(roll *generations.Roll) {
	number := int64(roll.Closure.Answers)
	if f.roll == nil {
		f.folded.Store(number)
	}
	if f.folded.Load() >= number {
		return
	}
	select {
	case f.refold <- struct{}{}:
	default:
	}
}
