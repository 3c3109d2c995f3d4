package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed5b6a70b4/identity/sync/generations"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// leavingTime is for how long a generation is followed that nobody who has heard
// answers from, removedTime for how long its table stays after that.
const (
	leavingTime = heardWithin + 4*time.Second
	removedTime = 3 * hearEvery
)

type leaving struct {
	view    string
	number  int
	removed bool
}

// rid returns once nothing is left of what was let go of and is not needed, which
// this process sees to if nobody else does.
func (c *cloud) rid(ctx context.Context) error {
	for {
		roll := c.followed.known()
		left := len(roll.Search.Leaving) + len(roll.Search.Removed) + len(roll.Rows.Removed)
		if c.index == nil {
			left = len(roll.Rows.Removed)
		}
		for _, number := range roll.Rows.Leaving {
			if !roll.Needed(number) {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(hearEvery):
		}
	}
}

// clean lets go of what leaves, and deletes what was let go of.
func (b *builder) clean(ctx context.Context, roll *generations.Roll) error {
	for _, view := range []string{generations.Search, generations.Rows} {
		if view == generations.Search && b.index == nil {
			continue
		}
		line := roll.Line(view)
		for _, number := range line.Removed {
			if b.waited(leaving{view, number, true}, removedTime) {
				if err := b.remove(ctx, view, number); err != nil {
					return fmt.Errorf("remove %s %d: %w", view, number, err)
				}
			}
		}
		for _, number := range line.Leaving {
			if view == generations.Rows && roll.Needed(number) || !b.waited(leaving{view, number, false}, leavingTime) {
				continue
			}
			_, err := generations.Change(ctx, b.state, func(roll *generations.Roll) error { return roll.Remove(view, number) })
			if err != nil && !errors.Is(err, generations.ErrMoved) && !errors.Is(err, generations.ErrNeeded) {
				return fmt.Errorf("let go of %s %d: %w", view, number, err)
			}
		}
	}
	return nil
}

// waited tells whether something has been so for a time, as far as is known here.
func (b *builder) waited(what leaving, long time.Duration) bool {
	if b.leaves[what].IsZero() {
		b.leaves[what] = time.Now()
	}
	return time.Since(b.leaves[what]) >= long
}

func (b *builder) remove(ctx context.Context, view string, number int) error {
	var err error
	if view == generations.Rows {
		err = b.followed.newRows(number).Remove(ctx)
	} else if err = b.index.At(number).Remove(ctx); err == nil {
		err = forgetAll(ctx, b.followed.searchLeases(number))
	}
	if err != nil {
		return err
	}
	_, err = generations.Change(ctx, b.state, func(roll *generations.Roll) error { return roll.Gone(view, number) })
	if errors.Is(err, generations.ErrMoved) {
		return nil
	}
	return err
}

// forgetAll removes all leases of a group that nobody uses any more.
func forgetAll(ctx context.Context, leases shardfeed.Leases) error {
	all, err := leases.List(ctx)
	if err != nil {
		return err
	}
	for _, lease := range all {
		if err := leases.Delete(ctx, lease); err != nil && !errors.Is(err, shardfeed.ErrLost) {
			return err
		}
	}
	return nil
}
