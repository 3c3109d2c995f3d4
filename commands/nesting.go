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
	mu    sync.Mutex
	graph domain.Nesting
}

// decide brings the graph to where the store is and decides on it, alone. The
// function must not keep the graph.
func (n *nesting) decide(ctx context.Context, streams *eventstream.Streams, decide func(*domain.Nesting) (decision, error)) (decision, error) {
	n.mu.Lock()
	after := n.graph.Seq
	n.mu.Unlock()
	for commit, err := range streams.Read(ctx, eventstream.NestingStream, eventstream.Seq(after)) {
		if err != nil {
			return decision{}, err
		}
		if err := n.apply(&commit); err != nil {
			return decision{}, err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return decide(&n.graph)
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
