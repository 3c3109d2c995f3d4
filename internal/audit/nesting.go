package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// compareNesting demands that the edges' ends were created, that nesting is what
// the edges between living groups are, and that it has no cycle.
func (a *audit) compareNesting(ctx context.Context) error {
	if err := a.followNesting(ctx); err != nil {
		return err
	}
	compare := func(key edgeKey, e edge) error {
		for _, c := range []func(edgeKey, ended, bool) *Finding{compareEnds, compareMemberEnd, compareNested} {
			found := c(key, ended{e, a.groups[key.group()], a.memberOf(key, e)}, a.nesting.has(key))
			err := a.doubt(ctx, found, func() (*Finding, error) {
				now, err := a.endedNow(ctx, key)
				if err == nil {
					err = a.followNesting(ctx)
				}
				return c(key, now, a.nesting.has(key)), err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := each(ctx, a, "ends of memberships", a.edges, compare); err != nil {
		return err
	}
	for _, key := range a.nesting.all() {
		if _, known := a.edges[key]; known {
			continue
		}
		if err := compare(key, edge{}); err != nil {
			return err
		}
	}
	if cycle := a.nesting.cycle(); cycle != nil {
		a.reporter.add(Finding{Part: Nesting, Stream: eventstream.NestingStream, What: fmt.Sprintf("the groups %s are in a cycle", cycle)})
	}
	return nil
}

// ended is an edge with both of its ends.
type ended struct {
	edge
	from, to entity
}

func (e ended) known() bool  { return !e.broken && !e.from.broken && !e.to.broken }
func (e ended) counts() bool { return e.present && e.from.lives() && e.to.lives() }

func compareEnds(key edgeKey, e ended, _ bool) *Finding {
	if e.seq == 0 || !e.known() || e.from.seq > 0 {
		return nil
	}
	return &Finding{Part: Nesting, Stream: key.stream(), What: "the group was never created"}
}

func compareMemberEnd(key edgeKey, e ended, _ bool) *Finding {
	if e.seq == 0 || !e.known() || e.to.seq > 0 {
		return nil
	}
	return &Finding{Part: Nesting, Stream: key.stream(), What: fmt.Sprintf("the member was never created as a %s", e.kind())}
}

func compareNested(key edgeKey, e ended, nested bool) *Finding {
	must := e.nested && e.counts()
	switch {
	case !e.known() || must == nested:
		return nil
	case must:
		return &Finding{Part: Nesting, Stream: eventstream.NestingStream, What: fmt.Sprintf("lacks the edge %s", key.stream())}
	default:
		return &Finding{Part: Nesting, Stream: eventstream.NestingStream, What: fmt.Sprintf("has the edge %s, which does not count", key.stream())}
	}
}

// graph is the fold of the stream nesting.
type graph struct {
	members map[uuid.UUID]map[uuid.UUID]struct{}
	removed map[uuid.UUID]struct{}
}

func newGraph() *graph {
	return &graph{members: map[uuid.UUID]map[uuid.UUID]struct{}{}, removed: map[uuid.UUID]struct{}{}}
}

func (a *audit) learnNesting(commit *eventstream.Commit, events []domain.Event) {
	a.nesting.take(events, func(event domain.Event) { a.find(commit, "nesting has no "+domain.TypeOf(event)) })
}

// take adds events, and tells of those that nesting does not have.
func (g *graph) take(events []domain.Event, strange func(domain.Event)) {
	for _, event := range events {
		switch e := event.(type) {
		case domain.SetNesting:
			if !e.Present {
				delete(g.members[e.Group.UUID], e.Member.UUID)
				continue
			}
			if g.members[e.Group.UUID] == nil {
				g.members[e.Group.UUID] = map[uuid.UUID]struct{}{}
			}
			g.members[e.Group.UUID][e.Member.UUID] = struct{}{}
		case domain.SetNode:
			g.removed[e.Group.UUID] = struct{}{}
		default:
			strange(event)
		}
	}
}

// has tells whether the graph has the edge and neither of its ends is removed.
func (g *graph) has(key edgeKey) bool {
	_, in := g.members[key.group()][key.member()]
	return in && !g.gone(key.group()) && !g.gone(key.member())
}

func (g *graph) gone(id uuid.UUID) bool {
	_, gone := g.removed[id]
	return gone
}

// all are the edges of groups that are not removed.
func (g *graph) all() []edgeKey {
	var keys []edgeKey
	for group, members := range g.members {
		for member := range members {
			if key := edgeOf(group, member); g.has(key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// cycle gives groups that are in each other, nil if there are none.
func (g *graph) cycle() []uuid.UUID {
	const open, done = 1, 2
	state := map[uuid.UUID]int{}
	var path, found []uuid.UUID
	var visit func(uuid.UUID) bool
	visit = func(group uuid.UUID) bool {
		switch state[group] {
		case done:
			return false
		case open:
			found = slices.Clone(path[slices.Index(path, group):])
			return true
		}
		state[group] = open
		path = append(path, group)
		for member := range g.members[group] {
			if g.has(edgeOf(group, member)) && visit(member) {
				return true
			}
		}
		path = path[:len(path)-1]
		state[group] = done
		return false
	}
	for group := range maps.Keys(g.members) {
		if visit(group) {
			return found
		}
	}
	return nil
}
