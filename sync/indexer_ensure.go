package querysync

import (
	"context"
	"fmt"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Ensure brings the view to where it must be, as Synchroniser.Ensure does, and
// the index too: what changed in a stream that the view shows is pushed at once,
// as is what a users/{n} or groups/{n} names that was not announced yet; for
// changes/{n} and for what was announced, those who feed Handle are waited for.
func (x *Indexer) Ensure(ctx context.Context, stream eventstream.StreamID, minSeq eventstream.Seq) error {
	switch {
	case stream.Kind() == eventstream.ChangesKind:
		return x.await(ctx, eventstream.Token{{Stream: stream, Seq: minSeq}})
	case isShard(stream):
		if err := x.from.ensure(ctx, stream, minSeq); err != nil {
			return err
		}
		return behind(ctx, x.ensureShard(ctx, stream, minSeq))
	case !x.from.view.Shows(stream):
		return nil
	}
	if err := x.from.ensure(ctx, stream, minSeq); err != nil {
		return err
	}
	if err := x.push(ctx, []eventstream.StreamID{stream}); err != nil {
		return fmt.Errorf("%w: %w", ErrBehind, err)
	}
	return x.refused(ctx, stream)
}

// refused fails if anything that a stream touches is parked in the index.
func (x *Indexer) refused(ctx context.Context, stream eventstream.StreamID) error {
	if !x.parked.any() {
		return nil
	}
	entities, err := x.options.Touches(ctx, stream)
	if err != nil {
		return behind(ctx, err)
	}
	for _, entity := range entities {
		if x.parked.has(entity) {
			return fmt.Errorf("index %s: %w", x.options.Name, ErrParked)
		}
	}
	return nil
}

// ensureShard makes everything that a shard names up to a number findable. The
// view is there already. Whatever it names up to its mark was announced before
// the change feed got to where it is now.
func (x *Indexer) ensureShard(ctx context.Context, shard eventstream.StreamID, minSeq eventstream.Seq) error {
	known := x.shards.seq(shard)
	if known >= minSeq {
		return nil
	}
	var mark eventstream.Seq
	if x.from.marking != nil {
		var err error
		if mark, err = x.from.marking.Mark(ctx, shard); err != nil {
			return fmt.Errorf("read the mark of a stream of kind %s: %w", shard.Kind(), err)
		}
	}
	if mark > known {
		heads, err := x.changes.Heads(ctx)
		if err != nil {
			return err
		}
		if err := x.await(ctx, heads); err != nil {
			return err
		}
	}
	for at := max(mark, known); at < minSeq; {
		named, _, upTo, err := x.from.named(ctx, shard, at, minSeq)
		if err != nil {
			return err
		}
		if upTo == at {
			return ErrUnknownPosition
		}
		if err := x.Handle(ctx, named); err != nil {
			return err
		}
		at = upTo
	}
	// What was refused may be so by another process, and may be taken by now.
	if err := x.sweep(ctx); err != nil {
		return err
	}
	x.from.prune(ctx)
	if err := x.Complete(); err != nil {
		return err
	}
	x.shards.raise(shard, minSeq)
	return nil
}

// await waits until everything up to a token of changes/{n} was handled.
func (x *Indexer) await(ctx context.Context, changes eventstream.Token) error {
	for {
		reached, err := x.options.Reached(ctx)
		if err != nil {
			return behind(ctx, fmt.Errorf("read how far %s is: %w", x.options.Name, err))
		}
		if reached.Covers(changes) {
			return nil
		}
		timer := time.NewTimer(x.options.LookEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: %s: %w", ErrBehind, x.options.Name, ctx.Err())
		}
	}
}
