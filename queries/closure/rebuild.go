package closure

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// ErrDiffers is why a graph that was folded anew does not take the place of the
// one that answers.
var ErrDiffers = errors.New("the new closure differs from the one that answers")

// RebuildOptions adjust Rebuild. The zero value is good.
type RebuildOptions struct {
	// Force has the new graph answer also if it differs.
	Force bool
	// Progress is told how many commits were folded.
	Progress func(done uint64)
}

// Rebuilt is what came of Rebuild: how many groups were compared, which of them
// differ, and at which commit.
type Rebuilt struct {
	Compared  int
	Differing []domain.GroupID
	Seq       eventstream.Seq
}

// Rebuild folds the graph anew from the stream, beside the one that answers,
// compares the two at one commit, and has the new one answer at once. Readers do not
// wait for it but at the end, for what came meanwhile. A closure that is parked is
// not any more if the new graph could be folded, and is not compared. After an error
// the old graph answers as before.
func (c *Closure) Rebuild(ctx context.Context, options RebuildOptions) (Rebuilt, error) {
	next := &domain.Nesting{}
	if err := c.foldInto(ctx, next, options.Progress); err != nil {
		return Rebuilt{}, err
	}
	select {
	case c.folding <- struct{}{}:
		defer func() { <-c.folding }()
	case <-ctx.Done():
		return Rebuilt{}, context.Cause(ctx)
	}
	wasParked := c.parked.Load() != nil
	if !wasParked {
		if err := c.fold(ctx); err != nil {
			return Rebuilt{}, err
		}
	}
	if err := c.foldInto(ctx, next, options.Progress); err != nil {
		return Rebuilt{}, err
	}
	done := Rebuilt{Seq: eventstream.Seq(next.Seq)}
	if !wasParked && c.Seq() == done.Seq {
		done.Compared, done.Differing = c.graph.Differing(next) // only who holds folding writes
	}
	if len(done.Differing) > 0 && !options.Force {
		return done, ErrDiffers
	}
	if done.Seq < c.Seq() {
		return done, fmt.Errorf("%w: the stream ends at %d of nesting, and %d was shown", eventstream.ErrCorrupt, done.Seq, c.Seq())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.graph = next
	c.up.clear()
	c.down.clear()
	c.seq.Store(next.Seq)
	c.parked.Store(nil)
	return done, nil
}

// foldInto folds what the stream has beyond a graph.
func (c *Closure) foldInto(ctx context.Context, graph *domain.Nesting, progress func(done uint64)) error {
	for commit, err := range c.streams.Read(ctx, eventstream.NestingStream, eventstream.Seq(graph.Seq)) {
		if err != nil {
			return fmt.Errorf("read nesting: %w", err)
		}
		events, err := domain.DecodeEvents(commit.Data)
		if err == nil {
			err = graph.Apply(uint64(commit.Seq), events)
		}
		if err != nil {
			return fmt.Errorf("%w: fold commit %d of nesting: %w", eventstream.ErrParked, commit.Seq, err)
		}
		if progress != nil {
			progress(graph.Seq)
		}
	}
	return nil
}
