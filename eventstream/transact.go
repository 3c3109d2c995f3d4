package eventstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// Attribution says on whose behalf a transaction is made.
type Attribution struct{ Actor, Correlation string }

// Transact decides and appends until an append holds: decide is told the command
// id that the commits will carry, a new one each time, reads what it needs and
// answers the entries to write, none for nothing to do, or an error, which is
// final. After a conflict, or when the storage asks to slow down, it is called
// again, after a pause with full jitter, as often as Options.Attempts says and
// within ctx; then the last error is returned. An unknown outcome is resolved by
// appending the same transaction again, as often; if that fails too, the error is
// ErrUnknownOutcome.
func (s *Streams) Transact(ctx context.Context, by Attribution, decide func(ctx context.Context, command uuid.UUID) ([]Entry, error)) ([]Commit, error) {
	for attempt := 1; ; attempt++ {
		command := uuid.Must(uuid.NewV7())
		entries, err := decide(ctx, command)
		if err != nil || len(entries) == 0 {
			return nil, err
		}
		commits, err := s.settle(ctx, Transaction{
			Command: command, Actor: by.Actor, Correlation: by.Correlation, Entries: entries,
		})
		if err == nil || attempt >= s.options.Attempts || !mayPass(err) {
			return commits, err
		}
		if err := s.pause(ctx, attempt, err); err != nil {
			return nil, err
		}
	}
}

// mayPass tells whether deciding again can help: nothing was written, and only
// because others were first or many.
func mayPass(err error) bool {
	return !errors.Is(err, ErrUnknownOutcome) && (errors.Is(err, ErrConflict) || errors.Is(err, ErrThrottled))
}

// settle appends a transaction until it is known whether it was written. Once
// that is unknown, only a success or a conflict tells: a later attempt that wrote
// nothing says nothing of the first one.
func (s *Streams) settle(ctx context.Context, tx Transaction) ([]Commit, error) {
	commits, err := s.Append(ctx, tx)
	for attempt := 1; errors.Is(err, ErrUnknownOutcome) && attempt < s.options.Attempts; attempt++ {
		if err := s.pause(ctx, attempt, err); err != nil {
			return nil, err
		}
		commits, err = s.Append(ctx, tx)
		if err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnknownOutcome) {
			err = fmt.Errorf("%w: asked again: %w", ErrUnknownOutcome, err)
		}
	}
	return commits, err
}

// pause waits before another attempt. If ctx ends first, the error is both ctx's
// and the attempt's.
func (s *Streams) pause(ctx context.Context, attempt int, cause error) error {
	longest := s.options.Backoff << min(attempt-1, 10)
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
