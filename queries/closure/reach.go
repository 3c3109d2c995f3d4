package closure

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/seed5b6a70b4/identity/domain"
)

// Reach is a group and all that can be reached from it in one direction, by the
// shortest ways. It does not change.
type Reach struct {
	groups []domain.GroupID // by id
	before []int32          // of each, the place of the one before it on the way
	steps  []int32
}

// Groups are all that are reached, the group itself too, by id. The slice is not
// the caller's to change.
func (r *Reach) Groups() []domain.GroupID { return r.groups }

// Steps tells how many edges away a group is, and whether it is reached at all.
func (r *Reach) Steps(to domain.GroupID) (steps int, reached bool) {
	at, found := slices.BinarySearchFunc(r.groups, to, compare)
	if !found {
		return 0, false
	}
	return int(r.steps[at]), true
}

// Back gives a shortest way from a group that is reached back to where the reach
// begins, both included; nil if the group is not reached. Of several it is always
// the same one.
func (r *Reach) Back(from domain.GroupID) []domain.GroupID {
	at, found := slices.BinarySearchFunc(r.groups, from, compare)
	if !found {
		return nil
	}
	way := make([]domain.GroupID, 0, r.steps[at]+1)
	for ; r.steps[at] > 0; at = int(r.before[at]) {
		way = append(way, r.groups[at])
	}
	return append(way, r.groups[at])
}

func compare(a, b domain.GroupID) int { return bytes.Compare(a.UUID[:], b.UUID[:]) }

// visit is a group on the way.
type visit struct {
	group  domain.GroupID
	before int32
	steps  int32
}

// reach walks the living groups from one on, in one direction. A group that is
// gone reaches nothing.
func reach(graph *domain.Nesting, from domain.GroupID, next func(domain.GroupID) []domain.GroupID) *Reach {
	if graph.Removed(from) {
		return &Reach{}
	}
	seen := map[domain.GroupID]struct{}{from: {}}
	visits := []visit{{group: from}}
	for at := 0; at < len(visits); at++ {
		for _, group := range next(visits[at].group) {
			if _, again := seen[group]; again || graph.Removed(group) {
				continue
			}
			seen[group] = struct{}{}
			visits = append(visits, visit{group, int32(at), visits[at].steps + 1})
		}
	}
	return sorted(visits)
}

// sorted puts the visits in the order of the groups' ids.
func sorted(visits []visit) *Reach {
	order := make([]int32, len(visits))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(compare(visits[a].group, visits[b].group), cmp.Compare(a, b))
	})
	place := make([]int32, len(visits))
	for at, visited := range order {
		place[visited] = int32(at)
	}
	r := &Reach{make([]domain.GroupID, len(visits)), make([]int32, len(visits)), make([]int32, len(visits))}
	for at, visited := range order {
		v := &visits[visited]
		r.groups[at], r.before[at], r.steps[at] = v.group, place[v.before], v.steps
	}
	return r
}
