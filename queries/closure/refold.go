package closure

import (
	"context"
	"fmt"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Refold folds the whole stream anew, beside the graph that goes on answering, and
// lets the new graph answer from then on. It tells whether the two were the same at
// the same commit. A closure that was parked is so no more if every commit could be
// folded this time; otherwise, and when the stream cannot be read, everything stays
// as it was.
func (c *Closure) Refold(ctx context.Context) (same bool, err error) {
	fresh := New(c.streams, &c.options)
	if err := fresh.fold(ctx); err != nil {
		return false, err
	}
	select {
	case c.folding <- struct{}{}:
		defer func() { <-c.folding }()
	case <-ctx.Done():
		return false, fmt.Errorf("%w: %w", eventstream.ErrBehind, context.Cause(ctx))
	}
	parked := c.parked.Load() != nil
	for !parked && c.Seq() != fresh.Seq() {
		behind := c
		if fresh.Seq() < c.Seq() {
			behind = fresh
		}
		if err := behind.fold(ctx); err != nil {
			return false, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	same = !parked && c.graph.Equal(fresh.graph)
	c.graph = fresh.graph
	c.up.clear()
	c.down.clear()
	c.seq.Store(c.graph.Seq)
	c.parked.Store(nil)
	return same, nil
}
