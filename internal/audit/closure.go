package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Closure is a graph of groups that somebody folded from nesting.
type Closure interface {
	// Follow brings the graph to where nesting is now, and tells where that is.
	Follow(ctx context.Context) (eventstream.Seq, error)
	// Edges gives each group and each group that is directly in it, both of which
	// exist, in no order, as they were at one number of nesting, which is not below
	// the one that Follow told before.
	Edges() (eventstream.Seq, iter.Seq2[uuid.UUID, uuid.UUID])
}

// compareClosures demands that every graph of groups is the fold of nesting.
func (a *audit) compareClosures(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(a.subject.Closures)) {
		if err := a.compareClosure(ctx, name, a.subject.Closures[name]); err != nil {
			return err
		}
	}
	return nil
}

func (a *audit) compareClosure(ctx context.Context, name string, closure Closure) error {
	_, err := closure.Follow(ctx)
	switch {
	case errors.Is(err, eventstream.ErrParked):
		a.reporter.add(Finding{Part: Closures, Stream: eventstream.NestingStream, What: name + " cannot fold it: it is parked"})
		return nil
	case err != nil:
		return fmt.Errorf("bring %s to where nesting is: %w", name, err)
	}
	at, edges := closure.Edges()
	folded, last, err := a.foldNesting(ctx, at)
	if err != nil {
		return err
	}
	if at > last {
		a.reporter.add(Finding{Part: Closures, Stream: eventstream.NestingStream, Seq: last, What: fmt.Sprintf("ends here, but %s has folded it up to %d", name, at)})
		return nil
	}
	shown := map[edgeKey]struct{}{}
	for group, member := range edges {
		key := edgeOf(group, member)
		a.edgesCompared++
		shown[key] = struct{}{}
		if !folded.has(key) {
			a.reporter.add(Finding{Part: Closures, Stream: eventstream.NestingStream, Seq: at, What: fmt.Sprintf("%s has the edge %s, which nesting has not", name, key.stream())})
		}
	}
	for _, key := range folded.all() {
		if _, is := shown[key]; !is {
			a.reporter.add(Finding{Part: Closures, Stream: eventstream.NestingStream, Seq: at, What: fmt.Sprintf("%s lacks the edge %s, which nesting has", name, key.stream())})
		}
	}
	return nil
}

// foldNesting folds nesting up to a number, and tells how far it goes.
func (a *audit) foldNesting(ctx context.Context, upTo eventstream.Seq) (*graph, eventstream.Seq, error) {
	folded, last := newGraph(), eventstream.Seq(0)
	for commit, err := range a.subject.Store.Read(ctx, eventstream.NestingStream, 0) {
		if err != nil {
			return folded, last, unlessCorrupt(err)
		}
		if commit.Seq > upTo {
			break
		}
		last = commit.Seq
		if events, err := domain.DecodeEvents(commit.Data); err == nil { // else it is a finding of its own
			folded.take(events, func(domain.Event) {})
		}
	}
	return folded, last, nil
}
