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

// Decide reads what it needs and answers the entries that a command writes, none
// for nothing to do, or an error, which is final. It is told the command id that
// the commits will carry.
type Decide func(ctx context.Context, command uuid.UUID) ([]Entry, error)

// Transact decides and appends until an append holds: after a conflict, or when the
// storage asks to slow down, decide is called again, with another id, after a pause
// with full jitter, as often as Options.Attempts says and within ctx; then the last
// error is returned. An unknown outcome is resolved by appending the same
// transaction again, as often; if that fails too, the error is ErrUnknownOutcome.
// The commits are not the caller's to change, and the entries not decide's, once it
// has answered them.
func (s *Streams) Transact(ctx context.Context, by Attribution, decide Decide) ([]Commit, error) {
	u := s.Begin(ctx, by, decide)
	return u.End(ctx)
}

// Begin is the first part of Transact, which it does without waiting if the store is
// a Queue: it decides, and hands over what was decided.
func (s *Streams) Begin(ctx context.Context, by Attribution, decide Decide) Underway {
	u := Underway{streams: s, decide: decide, tx: Transaction{Actor: by.Actor, Correlation: by.Correlation}}
	u.begin(ctx)
	return u
}

// Underway is a Transact that was begun and must be ended. It is for one goroutine
// at a time.
type Underway struct {
	streams *Streams
	decide  Decide
	tx      Transaction

	appending Appending // until what was handed over is waited for
	commits   []Commit
	err       error
	// over tells that nothing is left to be done, whatever came of it.
	over bool
}

// begin is one attempt, up to where the store has to be waited for.
func (u *Underway) begin(ctx context.Context) {
	u.appending, u.commits, u.err = nil, nil, nil
	u.tx.Command = uuid.Must(uuid.NewV7())
	if u.tx.Entries, u.err = u.decide(ctx, u.tx.Command); u.err != nil || len(u.tx.Entries) == 0 {
		u.over = true
		return
	}
	if u.streams.queue == nil {
		u.commits, u.err = u.streams.Append(ctx, u.tx)
		return
	}
	if u.appending, u.err = u.streams.queue.Enqueue(ctx, u.tx); u.err != nil {
		u.commits, u.err = u.streams.appended(ctx, &u.tx, nil, u.err)
	}
}

// Await waits for what was handed over, and tells whether that was all: if not, End
// goes on deciding or appending.
func (u *Underway) Await(ctx context.Context) bool {
	if u.appending != nil {
		u.commits, u.err = u.appending.Wait(ctx)
		u.commits, u.err = u.streams.appended(ctx, &u.tx, u.commits, u.err)
		u.appending = nil
	}
	return u.over || u.err == nil || !errors.Is(u.err, ErrUnknownOutcome) && !mayPass(u.err)
}

// End gives what Transact would have.
func (u *Underway) End(ctx context.Context) ([]Commit, error) {
	for attempt := 1; !u.Await(ctx); attempt++ {
		if u.commits, u.err = u.settle(ctx); u.err == nil || attempt >= u.streams.options.Attempts || !mayPass(u.err) {
			break
		}
		if err := u.streams.pause(ctx, attempt, u.err); err != nil {
			return nil, err
		}
		u.begin(ctx)
	}
	u.over = true
	return u.commits, u.err
}

// mayPass tells whether deciding again can help: nothing was written, and only
// because others were first or many.
func mayPass(err error) bool {
	return !errors.Is(err, ErrUnknownOutcome) && (errors.Is(err, ErrConflict) || errors.Is(err, ErrThrottled))
}

// settle appends a transaction, which was appended once, until it is known whether
// it was written. Once that is unknown, only a success or a conflict tells: a later
// attempt that wrote nothing says nothing of the first one.
func (u *Underway) settle(ctx context.Context) ([]Commit, error) {
	commits, err := u.commits, u.err
	for attempt := 1; errors.Is(err, ErrUnknownOutcome) && attempt < u.streams.options.Attempts; attempt++ {
		if err := u.streams.pause(ctx, attempt, err); err != nil {
			return nil, err
		}
		commits, err = u.streams.Append(ctx, u.tx)
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
