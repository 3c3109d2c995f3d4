package memview

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// EverMembers gives the memberships that there ever were in a group, beyond a
// member's id, in the order of the members' ids.
func (v *View) EverMembers(_ context.Context, group domain.GroupID, after uuid.UUID, limit int) ([]domain.Membership, error) {
	g, ok := v.nodes.find(group.UUID)
	if !ok || limit <= 0 {
		return nil, nil
	}
	edges := v.everEdges(keyOf(g, after), limit)
	members := make([]domain.Membership, len(edges))
	for i := range edges {
		members[i] = v.membership(&edges[i])
	}
	return members, nil
}

// everEdges gives at most limit edges of a group, listed or not, beyond a key.
func (v *View) everEdges(after key, limit int) []edge {
	shard := v.shard(after.owner)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	var found []edge
	for _, set := range []*sorted[edge]{&shard.edges, &shard.former} {
		most := len(found) + limit
		for e := range set.after(after) {
			if e.group != after.owner || len(found) == most {
				break
			}
			found = append(found, *e)
		}
	}
	slices.SortFunc(found, func(a, b edge) int { return a.compare(v.nodes, b.key(v.nodes)) })
	return found[:min(limit, len(found))]
}

// EverGroupsOf gives the memberships that a member ever had, beyond a group's id,
// in the order of the groups' ids.
func (v *View) EverGroupsOf(ctx context.Context, member uuid.UUID, after domain.GroupID, limit int) ([]domain.Membership, error) {
	m, ok := v.nodes.find(member)
	if !ok || limit <= 0 {
		return nil, nil
	}
	backs := v.everBacks(keyOf(m, after.UUID), limit)
	memberships := make([]domain.Membership, len(backs))
	for i, back := range backs {
		if i%scanned == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		e := v.whole(back)
		memberships[i] = v.membership(&e)
	}
	return memberships, nil
}

// everBacks gives at most limit edges of a member, listed or not, beyond a key.
func (v *View) everBacks(after key, limit int) []backEdge {
	shard := v.shard(after.owner)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	var found []backEdge
	for _, set := range []*sorted[backEdge]{&shard.backs, &shard.formerBacks} {
		most := len(found) + limit
		for b := range set.after(after) {
			if b.member != after.owner || len(found) == most {
				break
			}
			found = append(found, *b)
		}
	}
	slices.SortFunc(found, func(a, b backEdge) int { return a.compare(v.nodes, b.key(v.nodes)) })
	return found[:min(limit, len(found))]
}

// whole gives the edge that a member has: none is ever forgotten.
func (v *View) whole(back backEdge) edge {
	shard := v.shard(back.group)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	e, _ := v.current(back.group, back.member)
	return e
}
