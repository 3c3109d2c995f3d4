package closure

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Follow brings the closure to where nesting is now, and tells where that is.
func (c *Closure) Follow(ctx context.Context) (eventstream.Seq, error) {
	if err := c.Refresh(ctx); err != nil {
		return 0, err
	}
	return c.Seq(), nil
}

// Edges gives each group and each group directly in it, in no order, as they are
// at one commit of nesting, the number of which it tells.
func (c *Closure) Edges() (eventstream.Seq, iter.Seq2[uuid.UUID, uuid.UUID]) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var edges [][2]uuid.UUID
	for group, member := range c.graph.Edges() {
		edges = append(edges, [2]uuid.UUID{group.UUID, member.UUID})
	}
	return eventstream.Seq(c.graph.Seq), func(yield func(uuid.UUID, uuid.UUID) bool) {
		for _, edge := range edges {
			if !yield(edge[0], edge[1]) {
				return
			}
		}
	}
}
