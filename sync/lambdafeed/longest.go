package lambdafeed

import (
	"context"
	"fmt"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// A try has half of the time that is left until the deadline but for some that is
// kept for the answer; with less than enough for a try, there is none.
const (
	keptForAnswer   = 2 * time.Second
	enoughForOneTry = 500 * time.Millisecond
)

// longest handles positions from the first on, as many as can be, and tells how
// many those are; if it is not all, why the next cannot be.
//
// All are handed over at once. If that fails, the first alone: where nothing works
// at all, that was it. Otherwise each further try is of twice as many, until one
// fails again.
func (f *Feed) longest(ctx context.Context, positions []eventstream.Position) (handled int, err error) {
	for size := len(positions); handled < len(positions); {
		size = min(size, len(positions)-handled)
		if err = f.try(ctx, positions[handled:handled+size]); err == nil {
			handled, size = handled+size, size*2
			continue
		}
		if size == 1 {
			return handled, err
		}
		size = 1
	}
	return handled, nil
}

// try hands positions over.
func (f *Feed) try(ctx context.Context, positions []eventstream.Position) error {
	ctx, cancel := half(ctx)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("hand over %d commits: %w", len(positions), err)
	}
	return f.handle(ctx, positions)
}

// half bounds a try; with too little time for one, it has ended already.
func half(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, there := ctx.Deadline()
	if !there {
		return ctx, func() {}
	}
	left := time.Until(deadline) - keptForAnswer
	if left < enoughForOneTry {
		left = 0
	}
	return context.WithTimeout(ctx, left/2)
}
