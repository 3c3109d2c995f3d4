package dynamostore

import (
	"context"
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
		return fmt.Errorf("%w while waiting after: %w", context.Cause(ctx), cause)
	case <-timer.C:
		if s.options.OnRetry != nil {
			s.options.OnRetry(cause)
		}
		return nil
	}
}

// patiently reads, again while the storage throttles. What was attempted is for
// the error.
func patiently[T any](ctx context.Context, s *Store, attempted string, read func() (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		output, err := read()
		if err == nil {
			return output, nil
		}
		if ctx.Err() != nil {
			return output, fmt.Errorf("%s: %w", attempted, context.Cause(ctx))
		}
		kind, cause := classify(err)
		err = fmt.Errorf("%s: %w", attempted, cause)
		if kind != passing {
			return output, err
		}
		err = fmt.Errorf("%w: %w", eventstream.ErrThrottled, err)
		if attempt >= s.options.Attempts {
			return output, err
		}
		if err := s.pause(ctx, attempt, err); err != nil {
			return output, err
		}
	}
}
