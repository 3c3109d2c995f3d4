package commands

import (
	"context"
	"sync"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// nesting keeps the graph of groups in groups folded. It may be behind the store
// between decisions, never ahead of it.
type nesting struct {
	streams *eventstream.Streams
	lane    lane // of those that write to the stream

	mu    sync.Mutex
	graph domain.Nesting
}

// decide brings the graph to where the store is and decides on it, alone. The
// function must not keep the graph.
func (n *nesting) decide(ctx context.Context, decide func(*domain.Nesting) (decision, error)) (decision, error) {
	if err := n.refresh(ctx); err != nil {
		return decision{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return decide(&n.graph)
}

// decideToWrite does the same for a command that will write to the stream.
func (n *nesting) decideToWrite(ctx context.Context, c *circumstances, decide func(*domain.Nesting) (decision, error)) (decision, error) {
	if err := c.turn.enter(ctx, n.lane); err != nil {
		return decision{}, err
	}
	return n.decide(ctx, decide)
}

// names tells whether the graph names the group now.
func (n *nesting) names(ctx context.Context, group domain.GroupID) (bool, error) {
	if err := n.refresh(ctx); err != nil {
		return false, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.graph.Names(group), nil
}

func (n *nesting) refresh(ctx context.Context) error {
	n.mu.Lock()
	after := n.graph.Seq
	n.mu.Unlock()
	for commit, err := range n.streams.Read(ctx, eventstream.NestingStream, eventstream.Seq(after)) {
		if err != nil {
			return err
		}
		if err := n.apply(&commit); err != nil {
			return err
		}
	}
	return nil
}

// apply folds one commit in, unless another decision did before.
func (n *nesting) apply(commit *eventstream.Commit) error {
	events, err := decode(commit)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.graph.Apply(uint64(commit.Seq), events)
}
