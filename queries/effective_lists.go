package queries

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries/closure"
)

// EffectiveMembers lists those who are in a group that exists, users and groups,
// directly or through other groups, by id, each once. Whoever is in by the same
// edges throughout a walk appears in it.
func (r *Reader) EffectiveMembers(ctx context.Context, group domain.GroupID, listing Listing, fresh Freshness) (Page[EffectiveMembership], error) {
	r = r.answering()
	ctx, span := r.config.Tracer.Start(ctx, "queries.EffectiveMembers")
	defer span.End()
	return r.effectiveEdges(ctx, listing, fresh, func(ctx context.Context) error { return r.needGroup(ctx, group) }, walk[EffectiveMembership]{
		scope: scopeOfMembers(group.UUID),
		read: func(ctx context.Context, after uuid.UUID, limit int) ([]EffectiveMembership, error) {
			return r.membersBelow(ctx, group, after, limit)
		},
		id: func(m EffectiveMembership) uuid.UUID { return m.Member },
	})
}

// EffectiveGroups lists the groups that a user, who exists, is in, directly or
// through other groups, by id.
func (r *Reader) EffectiveGroups(ctx context.Context, user domain.UserID, listing Listing, fresh Freshness) (Page[EffectiveMembership], error) {
	r = r.answering()
	ctx, span := r.config.Tracer.Start(ctx, "queries.EffectiveGroups")
	defer span.End()
	return r.effectiveEdges(ctx, listing, fresh, func(ctx context.Context) error { return r.needUser(ctx, user) }, walk[EffectiveMembership]{
		scope: scopeOfGroups(user.UUID),
		read: func(ctx context.Context, after uuid.UUID, limit int) ([]EffectiveMembership, error) {
			return r.groupsAbove(ctx, user.UUID, domain.GroupID{UUID: after}, limit)
		},
		id: func(m EffectiveMembership) uuid.UUID { return m.Group.UUID },
	})
}

func scopeOfMembers(group uuid.UUID) string { return "effective members of " + group.String() }
func scopeOfGroups(member uuid.UUID) string { return "effective groups of " + member.String() }

// IsEffective tells whether a cursor is one of a list of those who are in a group,
// or of the groups that somebody is in, directly or through other groups.
func (r *Reader) IsEffective(end uuid.UUID, cursor string) bool {
	if cursor == "" {
		return false
	}
	_, members := r.cursors.unseal(scopeOfMembers(end), cursor)
	_, groups := r.cursors.unseal(scopeOfGroups(end), cursor)
	return members == nil || groups == nil
}

func (r *Reader) effectiveEdges(ctx context.Context, listing Listing, fresh Freshness, need func(context.Context) error, edges walk[EffectiveMembership]) (Page[EffectiveMembership], error) {
	restsOn, err := r.effective(ctx, fresh)
	if err != nil {
		return Page[EffectiveMembership]{}, err
	}
	if err := need(ctx); err != nil {
		return Page[EffectiveMembership]{}, err
	}
	return edges.page(ctx, r.cursors, listing, restsOn)
}

func (r *Reader) groupsAbove(ctx context.Context, member uuid.UUID, after domain.GroupID, limit int) ([]EffectiveMembership, error) {
	edges, more, err := r.directsOf(ctx, member, nil)
	if err == nil && more {
		edges, err = r.restOf(ctx, member, edges)
	}
	if err != nil {
		return nil, err
	}
	direct := make(map[domain.GroupID]*domain.Membership, len(edges))
	groups := make([]domain.GroupID, len(edges))
	for i := range edges {
		groups[i], direct[edges[i].Group] = edges[i].Group, &edges[i]
	}
	ways := r.config.Closure.Above(groups, after, limit)
	items := make([]EffectiveMembership, len(ways))
	for i, way := range ways {
		items[i] = effectively(way[len(way)-1], direct[way[0]], way)
	}
	return items, nil
}

// source is the list of a group's members from where the merge is on.
type source struct {
	group domain.GroupID
	edges []domain.Membership
	more  bool
}

// sources are a heap: the one with the least member is the first, and of those
// with the same member the one of the group with the least id.
type sources []*source

func (s sources) Len() int { return len(s) }
func (s sources) Less(i, j int) bool {
	a, b := &s[i].edges[0], &s[j].edges[0]
	if order := bytes.Compare(a.Member[:], b.Member[:]); order != 0 {
		return order < 0
	}
	return bytes.Compare(a.Group.UUID[:], b.Group.UUID[:]) < 0
}
func (s sources) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *sources) Push(x any)   { *s = append(*s, x.(*source)) }
func (s *sources) Pop() any {
	old := *s
	last := old[len(old)-1]
	*s = old[:len(old)-1]
	return last
}

// merge is a page of those who are in some groups.
type merge struct {
	reader *Reader
	below  *closure.Reach
	top    domain.GroupID
	chunk  int
	heap   sources
}

// least is how many members of a group are read at a time at least.
const least = 4

// membersBelow merges the lists of the members of a group and of all groups in it.
func (r *Reader) membersBelow(ctx context.Context, group domain.GroupID, after uuid.UUID, limit int) ([]EffectiveMembership, error) {
	below := r.config.Closure.Below(group)
	groups := below.Groups()
	if len(groups) == 0 {
		return nil, nil
	}
	m := &merge{reader: r, below: below, top: group, chunk: min(limit, limit/len(groups)+least)}
	all := make([]*source, len(groups))
	err := r.each(ctx, len(groups), func(ctx context.Context, i int) error {
		all[i] = &source{group: groups[i], more: true}
		return m.read(ctx, all[i], after)
	})
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if len(s.edges) > 0 {
			m.heap = append(m.heap, s)
		}
	}
	heap.Init(&m.heap)
	var items []EffectiveMembership
	for len(items) < limit && m.heap.Len() > 0 {
		item, err := m.next(ctx)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// read reads on in a source that is at its end.
func (m *merge) read(ctx context.Context, s *source, after uuid.UUID) (err error) {
	if s.edges, err = m.reader.config.View.Members(ctx, s.group, after, m.chunk); err != nil {
		return fmt.Errorf("list the members of a group: %w", err)
	}
	s.more = len(s.edges) == m.chunk
	return nil
}

// next takes the least member out of all sources that have it, with the shortest
// way from one of these.
func (m *merge) next(ctx context.Context) (EffectiveMembership, error) {
	edge := m.heap[0].edges[0]
	steps, _ := m.below.Steps(edge.Group)
	for m.heap.Len() > 0 && m.heap[0].edges[0].Member == edge.Member {
		other := &m.heap[0].edges[0]
		if n, _ := m.below.Steps(other.Group); n < steps {
			edge, steps = *other, n
		}
		if err := m.advance(ctx); err != nil {
			return EffectiveMembership{}, err
		}
	}
	return effectively(m.top, &edge, m.below.Back(edge.Group)), nil
}

// advance goes on in the first source.
func (m *merge) advance(ctx context.Context) error {
	first := m.heap[0]
	passed := first.edges[0].Member
	if first.edges = first.edges[1:]; len(first.edges) == 0 && first.more {
		if err := m.read(ctx, first, passed); err != nil {
			return err
		}
	}
	if len(first.edges) == 0 {
		heap.Pop(&m.heap)
		return nil
	}
	heap.Fix(&m.heap, 0)
	return nil
}
