package commands

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// ErrFollower tells that the store follows another one, which takes the commands.
var ErrFollower = errors.New("the store follows another one")

// fenceAge is for how long a store that was found open is taken to be, where
// looking costs a request: no command is acknowledged later than that after the
// last look.
const fenceAge = 3 * time.Second

// fence keeps commands out of a store that another one has taken over.
//
// Where heads are known without reading, each transaction demands that the stream
// store has not moved, so the log itself holds the order of commands and
// SetClosed. Elsewhere that would double what a write costs: there a process looks
// at the stream every fenceAge, and does not acknowledge what took longer, while
// CloseStore waits for longer than that.
type fence struct {
	streams *eventstream.Streams
	epoch   eventstream.Epoch

	mu   sync.Mutex
	seq  eventstream.Seq
	seen time.Time // a time before the look that found the store open
	// opened tells that there was such a look.
	opened bool
}

// pass fails with ErrStoreClosed once the store is closed, or lives another life
// than the one that the commands belong to.
func (f *fence) pass(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if heads := f.streams.Heads(); heads != nil {
		head, err := heads.Head(ctx, eventstream.StoreStream)
		if err != nil || f.opened && head == f.seq {
			return err
		}
	} else if f.opened && time.Since(f.seen) <= fenceAge {
		return nil
	}
	return f.look(ctx)
}

// look reads what the stream store says. The caller holds mu.
func (f *fence) look(ctx context.Context) error {
	f.opened = false
	began := time.Now()
	facts, err := readStoreFacts(ctx, f.streams)
	switch {
	case err != nil:
		return fmt.Errorf("look whether the store is open: %w", err)
	case facts.closed:
		return ErrStoreClosed
	case facts.seq > 0 && facts.epoch != f.epoch.String():
		return fmt.Errorf("%w: it lives another life than when this process began", ErrStoreClosed)
	}
	f.seq, f.seen, f.opened = facts.seq, began, true
	return nil
}

// hold adds to the entries of a transaction what makes it fail if the store was
// closed since pass.
func (f *fence) hold(entries []eventstream.Entry) []eventstream.Entry {
	if len(entries) == 0 || f.streams.Heads() == nil {
		return entries
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return append(entries, eventstream.Entry{Stream: eventstream.StoreStream, Expect: eventstream.Exactly(f.seq)})
}

// acknowledge tells whether what was written may be: the store was open when it
// was. Without an answer to that, nobody knows whether another store has it.
func (f *fence) acknowledge(ctx context.Context) error {
	if f.streams.Heads() != nil {
		return nil
	}
	if err := f.pass(ctx); err != nil {
		return fmt.Errorf("%w: %w", eventstream.ErrUnknownOutcome, err)
	}
	return nil
}

// CloseStore ends a store that another one takes over from: once it returns,
// nothing more is acknowledged by any process that works on the store, and every
// commit that was is there. Reads go on. Closing again does nothing but wait.
func CloseStore(ctx context.Context, streams *eventstream.Streams) error {
	decide := func(ctx context.Context, _ uuid.UUID) ([]eventstream.Entry, error) {
		facts, err := readStoreFacts(ctx, streams)
		switch {
		case err != nil || facts.closed:
			return nil, err
		case facts.seq == 0:
			return nil, errors.New("the store holds no directory")
		}
		data, err := domain.EncodeEvents([]domain.Event{domain.SetClosed{Closed: true}})
		return []eventstream.Entry{{Stream: eventstream.StoreStream, Expect: eventstream.Exactly(facts.seq), Data: data}}, err
	}
	if _, err := streams.Transact(ctx, eventstream.Attribution{Actor: "system"}, decide); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	if streams.Heads() != nil {
		return nil
	}
	const margin = time.Second
	timer := time.NewTimer(fenceAge + margin)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait until nobody writes to the closed store: %w", context.Cause(ctx))
	case <-timer.C:
		return nil
	}
}

// Writable tells why no command would be taken now: ErrFollower, ErrStoreClosed, or
// what kept it from finding out. Nil is that the store takes them.
func (h *Handler) Writable(ctx context.Context) error {
	if h.follower {
		return ErrFollower
	}
	return h.fence.pass(ctx)
}
