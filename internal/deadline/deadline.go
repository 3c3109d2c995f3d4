// Package deadline bounds work in time, as package context does, and makes no
// timer until somebody waits for one: most requests are answered from memory, and
// nobody does.
package deadline

import (
	"context"
	"sync"
	"time"
)

// With is context.WithDeadline without the timer. The context must be ended, by
// its CancelFunc.
func With(parent context.Context, at time.Time) (context.Context, context.CancelFunc) {
	if earlier, given := parent.Deadline(); given && earlier.Before(at) {
		at = earlier
	}
	b := &bounded{parent: parent, at: at}
	return b, b.end
}

// After is context.WithTimeout without the timer.
func After(parent context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return With(parent, time.Now().Add(timeout))
}

type bounded struct {
	parent context.Context
	at     time.Time

	mu     sync.Mutex
	timed  context.Context // nil until somebody waits
	cancel context.CancelFunc
	ended  bool
}

// Deadline implements context.Context.
func (b *bounded) Deadline() (time.Time, bool) { return b.at, true }

// Done implements context.Context.
func (b *bounded) Done() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timed == nil {
		b.timed, b.cancel = context.WithDeadline(b.parent, b.at)
		if b.ended {
			b.cancel()
		}
	}
	return b.timed.Done()
}

// Err implements context.Context.
func (b *bounded) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.timed != nil:
		return b.timed.Err()
	case b.parent.Err() != nil:
		return b.parent.Err()
	case b.ended:
		return context.Canceled
	case !time.Now().Before(b.at):
		return context.DeadlineExceeded
	}
	return nil
}

// Value implements context.Context. Once there is a timer it is asked, so that
// package context knows contexts made of this one for children of the timer's,
// and needs no goroutine for each.
func (b *bounded) Value(key any) any {
	b.mu.Lock()
	timed := b.timed
	b.mu.Unlock()
	if timed != nil {
		return timed.Value(key)
	}
	return b.parent.Value(key)
}

// end ends the context, as a CancelFunc does.
func (b *bounded) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	if b.cancel != nil {
		b.cancel()
	}
}
