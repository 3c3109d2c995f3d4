package querysync

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Marking is what a View also implements that remembers, for each users/{n} and
// groups/{n}, up to which number every entity named there is in the view and
// announced, or parked. Forcing such a stream begins there.
type Marking interface {
	// Mark is the number of a stream; 0 if there is none.
	Mark(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error)
	// SetMark raises the number. One that is higher stays.
	SetMark(ctx context.Context, position eventstream.Position) error
}

// handleShard is bringMark for a shard that a feed or a sweep tells of. One that
// cannot be read is parked by itself, and does not keep others from being handled;
// what it names has streams of its own, of which they are told too.
func (f *follower) handleShard(ctx context.Context, shard eventstream.Position) error {
	if f.parked.has(shard.Stream) {
		return nil
	}
	if err := f.bringMark(ctx, shard); !errors.Is(err, ErrParked) {
		return err
	}
	return nil
}

// bringMark handles every entity that a shard names after its mark, and raises the
// mark. A shard that cannot be read is parked.
func (f *follower) bringMark(ctx context.Context, shard eventstream.Position) error {
	if f.marking == nil {
		return nil
	}
	mark, err := f.marking.Mark(ctx, shard.Stream)
	if err != nil {
		return fmt.Errorf("read the mark of a stream of kind %s: %w", shard.Stream.Kind(), err)
	}
	for mark < shard.Seq {
		entities, by, upTo, err := f.named(ctx, shard.Stream, mark, shard.Seq)
		switch {
		case err != nil && !isPassing(err):
			return f.refuse(shard.Stream, mark+1, nil, err)
		case err != nil || upTo == mark:
			return err
		}
		if err := f.handle(ctx, entities, named); err != nil {
			return err
		}
		for i, entity := range entities {
			f.parked.noteNamed(entity, by[i])
		}
		if err := f.parked.save(); err != nil {
			return err
		}
		if err := f.marking.SetMark(ctx, eventstream.Position{Stream: shard.Stream, Seq: upTo}); err != nil {
			return fmt.Errorf("raise the mark of a stream of kind %s: %w", shard.Stream.Kind(), err)
		}
		f.shards.raise(shard.Stream, upTo)
		mark = upTo
	}
	return nil
}

// named gives what some commits of a shard name, each by which of them, and up to
// where it looked.
func (f *follower) named(ctx context.Context, shard eventstream.StreamID, after, last eventstream.Seq) (named, by []eventstream.Position, upTo eventstream.Seq, err error) {
	upTo = after
	for commit, err := range f.s.streams.Read(ctx, shard, after) {
		if err = within(ctx, err); err != nil {
			if upTo > after && !isPassing(err) {
				break // what comes before it is handled first
			}
			return nil, nil, after, fmt.Errorf("read a stream of kind %s: %w", shard.Kind(), err)
		}
		for _, sibling := range commit.Siblings {
			if f.view.Shows(sibling.Stream) {
				named, by = append(named, sibling), append(by, commit.Position())
			}
		}
		if upTo = commit.Seq; upTo >= last || upTo-after >= stepSize {
			break
		}
	}
	return named, by, upTo, nil
}

// marked brings what is known of a shard to what the view remembers.
func (f *follower) marked(ctx context.Context, shard eventstream.StreamID) error {
	if f.marking == nil {
		return nil
	}
	mark, err := f.marking.Mark(ctx, shard)
	if err != nil {
		return behind(ctx, fmt.Errorf("read the mark of a stream of kind %s: %w", shard.Kind(), err))
	}
	if mark <= f.shards.seq(shard) {
		return nil
	}
	// What is parked before the mark may be so by another process.
	if err := f.parked.reload(ctx); err != nil {
		return behind(ctx, err)
	}
	f.shards.raise(shard, mark)
	return nil
}

var errNoChanges = errors.New("a view that announces needs Options.Changes")
