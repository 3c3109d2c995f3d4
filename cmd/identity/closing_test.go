package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// A closing that takes longer than those who ask for it wait goes on without them, and
// is not begun again by who asks later; one that failed is.
func TestClosingOutlivesWhoAsksForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		var calls atomic.Int64
		c := newClosing(func(context.Context) error {
			time.Sleep(time.Minute)
			if calls.Add(1) == 1 {
				return broken
			}
			return nil
		})
		ctx, stop := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- c.run(ctx) }()
		within := func(limit time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			return c.order(ctx)
		}
		for _, want := range []struct {
			limit time.Duration
			err   error
			calls int64
		}{
			{40 * time.Second, eventstream.ErrUnavailable, 0},
			{40 * time.Second, broken, 1},
			{40 * time.Second, eventstream.ErrUnavailable, 1},
			{40 * time.Second, nil, 2},
			{0, nil, 2},
		} {
			if err := within(want.limit); !errors.Is(err, want.err) || calls.Load() != want.calls {
				t.Errorf("within %v: %v, and %d were made, not %v and %d", want.limit, err, calls.Load(), want.err, want.calls)
			}
		}
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
}
