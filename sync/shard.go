package querysync

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// isShard tells whether a stream names entities instead of being one.
func isShard(stream eventstream.StreamID) bool {
	return strings.HasPrefix(string(stream), "users/") || strings.HasPrefix(string(stream), "groups/")
}

// shards knows, for each users/{n} and groups/{n}, up to which number every
// entity named there was handed to the view. It is found out again after a
// restart.
type shards struct{ known sync.Map } // eventstream.StreamID → *atomic.Uint64

func (s *shards) seq(stream eventstream.StreamID) eventstream.Seq {
	if known, ok := s.known.Load(stream); ok {
		return eventstream.Seq(known.(*atomic.Uint64).Load())
	}
	return 0
}

func (s *shards) raise(stream eventstream.StreamID, seq eventstream.Seq) {
	known, ok := s.known.Load(stream)
	if !ok {
		known, _ = s.known.LoadOrStore(eventstream.StreamID(strings.Clone(string(stream))), new(atomic.Uint64))
	}
	at := known.(*atomic.Uint64)
	for {
		old := at.Load()
		if old >= uint64(seq) || at.CompareAndSwap(old, uint64(seq)) {
			return
		}
	}
}

// ensureShard is Ensure for every entity that a shard names up to a number.
func (f *follower) ensureShard(ctx context.Context, stream eventstream.StreamID, minSeq eventstream.Seq) error {
	if f.shards.seq(stream) < minSeq {
		if err := f.bringShard(ctx, stream, minSeq); err != nil {
			return err
		}
	}
	if !f.parked.holdsUp(stream, minSeq) {
		return nil
	}
	f.prune(ctx)
	if f.parked.holdsUp(stream, minSeq) {
		return ErrParked
	}
	return nil
}

// bringShard hands everything named to the view. Where the log numbers the
// shard's commit, the view need only be past it; elsewhere the commits' siblings
// say which entities they name.
func (f *follower) bringShard(ctx context.Context, stream eventstream.StreamID, minSeq eventstream.Seq) error {
	last, err := f.s.streams.Last(ctx, stream)
	if err != nil {
		return behind(ctx, fmt.Errorf("read the head of a stream of kind %s: %w", stream.Kind(), err))
	}
	if last.Seq < minSeq {
		return ErrUnknownPosition
	}
	if f.positioned == nil || last.Log == 0 {
		if err := f.marked(ctx, stream); err != nil || f.shards.seq(stream) >= minSeq {
			return err
		}
		return f.walkShard(ctx, stream, minSeq)
	}
	if last.Seq > minSeq {
		if last, err = f.s.streams.At(ctx, eventstream.Position{Stream: stream, Seq: minSeq}); err != nil {
			return behind(ctx, err)
		}
	}
	if err := f.reach(ctx, last.Log); err != nil {
		return err
	}
	f.shards.raise(stream, minSeq)
	return nil
}

func (f *follower) walkShard(ctx context.Context, stream eventstream.StreamID, minSeq eventstream.Seq) error {
	for commit, err := range f.s.streams.Read(ctx, stream, f.shards.seq(stream)) {
		if err = within(ctx, err); err != nil {
			if !isPassing(err) && f.parked.has(stream) {
				return fmt.Errorf("%w: a stream of kind %s: %w", ErrParked, stream.Kind(), err)
			}
			if !isPassing(err) {
				return f.refuse(stream, f.shards.seq(stream)+1, nil, err)
			}
			return behind(ctx, fmt.Errorf("read a stream of kind %s: %w", stream.Kind(), err))
		}
		if commit.Seq > minSeq {
			return nil
		}
		for _, sibling := range commit.Siblings {
			if !f.view.Shows(sibling.Stream) {
				continue
			}
			if err := f.forceNamed(ctx, sibling); err != nil {
				return err
			}
		}
		f.shards.raise(stream, commit.Seq)
	}
	return nil
}

// forceNamed is force for what a commit names: it is there, though the items of
// one transaction may show one by one.
func (f *follower) forceNamed(ctx context.Context, sibling eventstream.Position) error {
	for attempt := 1; ; attempt++ {
		err := f.force(ctx, sibling.Stream, sibling.Seq)
		if !errors.Is(err, ErrUnknownPosition) {
			return err
		}
		if pauseErr := pause(ctx, attempt); pauseErr != nil {
			return fmt.Errorf("%w: %w", ErrBehind, pauseErr)
		}
	}
}

// behind makes an error that came of a bounded wait's end say so.
func behind(ctx context.Context, err error) error {
	if ctx.Err() != nil || isPassing(err) {
		return fmt.Errorf("%w: %w", ErrBehind, err)
	}
	return err
}
