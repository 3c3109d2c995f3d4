package domain

import "slices"

// Differing counts the groups of either graph, and gives those of which the two
// say different things, in the order of their ids.
func (n *Nesting) Differing(other *Nesting) (compared int, differing []GroupID) {
	met := map[GroupID]struct{}{}
	for _, graph := range []*Nesting{n, other} {
		for _, neighbours := range []neighbours{graph.members, graph.groups} {
			for group := range neighbours {
				met[group] = struct{}{}
			}
		}
		for group := range graph.removed {
			met[group] = struct{}{}
		}
	}
	for group := range met {
		if n.Removed(group) != other.Removed(group) ||
			!slices.Equal(n.members[group], other.members[group]) || !slices.Equal(n.groups[group], other.groups[group]) {
			differing = append(differing, group)
		}
	}
	slices.SortFunc(differing, compareIDs)
	return len(met), differing
}
