package queries

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/deadline"
)

// ErrLatestUnavailable is the answer to a list or a search that must be as fresh
// as the store, where the store does not number its transactions: no position
// names everything then.
var ErrLatestUnavailable = errors.New("no position names everything that was written")

// How long a reader waits for its freshness.
const (
	DefaultWait       = 500 * time.Millisecond
	DefaultSearchWait = 2 * time.Second
	MaxWait           = 5 * time.Second
)

// Freshness is how fresh an answer must be. The zero Freshness takes what the
// view shows.
type Freshness struct {
	// AtLeast names positions that the answer must not be older than.
	AtLeast eventstream.Token
	// Latest demands an answer at least as fresh as the store is now.
	Latest bool
	// Wait bounds the waiting, MaxWait at most; 0 is DefaultWait, for search
	// DefaultSearchWait.
	Wait time.Duration
}

func (f *Freshness) asksNothing() bool { return len(f.AtLeast) == 0 && !f.Latest }

func (f *Freshness) wait(otherwise time.Duration) time.Duration {
	if f.Wait <= 0 {
		return otherwise
	}
	return min(f.Wait, MaxWait)
}

// forceEntity brings the view to where an answer made of the streams must be.
func (r *Reader) forceEntity(ctx context.Context, fresh Freshness, streams ...eventstream.StreamID) error {
	if fresh.asksNothing() {
		return nil
	}
	if fresh.Latest && r.config.Follower {
		return ErrLatestUnavailable
	}
	ctx, cancel := deadline.After(ctx, fresh.wait(DefaultWait))
	defer cancel()
	if err := r.ensureAll(ctx, r.config.Waiter, fresh.AtLeast); err != nil || !fresh.Latest {
		return err
	}
	for _, stream := range streams {
		head, err := r.head(ctx, stream)
		if err != nil {
			return late(ctx, err)
		}
		if head == 0 {
			continue
		}
		if err := ensure(ctx, r.config.Waiter, eventstream.Position{Stream: stream, Seq: head}); err != nil {
			return err
		}
	}
	return nil
}

// forceList brings what answers about many to where the answer must be.
func (r *Reader) forceList(ctx context.Context, waiter Waiter, fresh Freshness, otherwise time.Duration) error {
	if fresh.asksNothing() {
		return nil
	}
	if fresh.Latest && r.config.Follower {
		return ErrLatestUnavailable
	}
	ctx, cancel := deadline.After(ctx, fresh.wait(otherwise))
	defer cancel()
	if err := r.ensureAll(ctx, waiter, fresh.AtLeast); err != nil || !fresh.Latest {
		return err
	}
	log := r.config.Streams.Log()
	if log == nil {
		return ErrLatestUnavailable
	}
	end := log.End()
	if end == 0 {
		return nil
	}
	if err := ensure(ctx, waiter, eventstream.Position{Stream: eventstream.LogStream, Seq: eventstream.Seq(end)}); err != nil {
		return err
	}
	return waiter.Complete()
}

// ensuredAtOnce is how many positions are waited for at a time where each takes a
// request or several.
const ensuredAtOnce = 16

func (r *Reader) ensureAll(ctx context.Context, waiter Waiter, token eventstream.Token) error {
	if len(token) > 1 && r.config.Streams.Log() == nil {
		return r.ensureTogether(ctx, waiter, token)
	}
	for _, position := range token {
		if err := r.ensureOne(ctx, waiter, position); err != nil {
			return err
		}
	}
	return nil
}

// ensureTogether waits for several positions at a time. Positions end behind
// together, when the time is up; whoever finds out then that one cannot be reached
// at all says more than they do.
func (r *Reader) ensureTogether(ctx context.Context, waiter Waiter, token eventstream.Token) error {
	var behind atomic.Pointer[error]
	group, together := errgroup.WithContext(ctx)
	group.SetLimit(ensuredAtOnce)
	for _, position := range token {
		group.Go(func() error {
			err := r.ensureOne(together, waiter, position)
			if err == nil || unreachable(err) {
				return err
			}
			if err = late(ctx, err); errors.Is(err, eventstream.ErrBehind) {
				behind.Store(&err)
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := behind.Load(); err != nil {
		return *err
	}
	return nil
}

// unreachable tells whether no waiting brings a position.
func unreachable(err error) bool {
	return errors.Is(err, eventstream.ErrParked) || errors.Is(err, eventstream.ErrUnknownPosition) || errors.Is(err, eventstream.ErrCorrupt)
}

func (r *Reader) ensureOne(ctx context.Context, waiter Waiter, position eventstream.Position) (err error) {
	switch kind := position.Stream.Kind(); {
	case kind == eventstream.MemberKind:
		err = r.ensureEnds(ctx, position)
	case kind == eventstream.ChangesKind && r.config.Follower:
		// A copy has no such streams of its source: its waiter says so.
	case kind == eventstream.NestingKind, kind == eventstream.ChangesKind:
		// No view shows them, so waiting would not tell whether they are there.
		err = r.Validate(ctx, eventstream.Token{position})
	}
	if err != nil {
		return err
	}
	return ensure(ctx, waiter, position)
}

// ensureEnds brings the view to where it has heard of both ends of an edge, too:
// lists begin with them, and an edge's token names only the edge.
func (r *Reader) ensureEnds(ctx context.Context, position eventstream.Position) error {
	if err := ensure(ctx, r.config.Waiter, position); err != nil {
		return err
	}
	ids := position.Stream.UUIDs()
	if len(ids) != 2 {
		return nil
	}
	edge, err := r.config.View.Membership(ctx, domain.GroupID{UUID: ids[0]}, ids[1])
	if err != nil {
		return fmt.Errorf("read a membership's row: %w", err)
	}
	member := eventstream.UserStream(ids[1])
	if edge.Kind == domain.GroupMember {
		member = eventstream.GroupStream(ids[1])
	}
	for _, end := range []eventstream.StreamID{eventstream.GroupStream(ids[0]), member} {
		if err := ensure(ctx, r.config.Waiter, eventstream.Position{Stream: end, Seq: 1}); err != nil {
			return err
		}
	}
	return nil
}

func ensure(ctx context.Context, waiter Waiter, position eventstream.Position) error {
	if err := waiter.Ensure(ctx, position.Stream, position.Seq); err != nil {
		return fmt.Errorf("wait for a position of kind %s: %w", position.Stream.Kind(), err)
	}
	return nil
}

// late makes an error that came of a bounded wait's end say so.
func late(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, eventstream.ErrBehind) {
		return fmt.Errorf("%w: %w", eventstream.ErrBehind, err)
	}
	return err
}

// Validate tells whether the store has every position of a token, without
// waiting for any view: eventstream.ErrUnknownPosition if it has not. A command,
// which decides on the streams themselves, needs nothing more of a token.
func (r *Reader) Validate(ctx context.Context, token eventstream.Token) error {
	for _, position := range token {
		head, err := r.head(ctx, position.Stream)
		if err != nil {
			return err
		}
		if position.Seq > head && r.config.Follower {
			return fmt.Errorf("position of kind %s: %w", position.Stream.Kind(), eventstream.ErrBehind)
		}
		if position.Seq > head {
			return fmt.Errorf("position of kind %s: %w", position.Stream.Kind(), eventstream.ErrUnknownPosition)
		}
	}
	return nil
}

func (r *Reader) head(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	if stream == eventstream.LogStream {
		if log := r.config.Streams.Log(); log != nil {
			return eventstream.Seq(log.End()), nil
		}
		return 0, nil
	}
	head, err := r.config.Streams.Head(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("read the head of a stream of kind %s: %w", stream.Kind(), err)
	}
	return head, nil
}
