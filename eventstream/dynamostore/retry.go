package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// pause waits before another attempt, with full jitter. If ctx ends first, the
// error is both ctx's and the cause.
func (s *Store) pause(ctx context.Context, attempt int, cause error) error {
	longest := min(s.options.Backoff<<min(attempt-1, 16), time.Second)
	timer := time.NewTimer(rand.N(longest + 1))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w while waiting after: %w", why(ctx), cause)
	case <-timer.C:
		if s.options.OnRetry != nil {
			s.options.OnRetry(cause)
		}
		return nil
	}
}

// rereads is how often a read is sent again after the way to the storage, or the
// storage itself, failed.
const rereads = 3

// patiently reads, again while the storage throttles, and up to rereads times
// after a failure that says nothing of the request: a read may be sent twice at no
// harm. What was attempted is for the error.
func patiently[T any](ctx context.Context, s *Store, attempted string, read func() (T, error)) (T, error) {
	for attempt, failures := 1, 0; ; attempt++ {
		output, err := read()
		if err == nil {
			return output, nil
		}
		if ctx.Err() != nil {
			return output, fmt.Errorf("%s: %w", attempted, ended(ctx))
		}
		kind, cause := classify(err)
		err = fmt.Errorf("%s: %w", attempted, cause)
		switch {
		case kind == passing:
			err = fmt.Errorf("%w: %w", eventstream.ErrThrottled, err)
		case kind == unknown || isDial(cause):
			failures++
		default:
			return output, err
		}
		if failures > rereads || attempt >= s.options.Attempts {
			return output, err
		}
		if err := s.pause(ctx, attempt, err); err != nil {
			return output, err
		}
	}
}

// ended is why a context ended while a read was on its way. That the storage did
// not answer before a deadline is the storage's fault.
func ended(ctx context.Context) error {
	cause := why(ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", eventstream.ErrUnavailable, cause)
	}
	return cause
}

// why is the error of a context that ended. Its cause is only told: that may be
// anything, such as what another who works within the same context met, and says
// nothing of what was asked here.
func why(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return fmt.Errorf("%w: %s", ctx.Err(), cause.Error())
}
