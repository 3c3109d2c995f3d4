package closure

import (
	"slices"

	"github.com/seed5b6a70b4/identity/domain"
)

// Below gives a group and all groups in it, at any depth; nothing for a group
// that is known to be gone.
func (c *Closure) Below(group domain.GroupID) *Reach {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.reach(&c.down, group, c.graph.Members)
}

// Nests tells whether a group has groups in it.
func (c *Closure) Nests(group domain.GroupID) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.graph.Members(group)) > 0
}

// Way gives a shortest way from one of some groups up to another group, both
// included; nil if there is none. Of several it is always the same one, whatever
// the order of the groups.
func (c *Closure) Way(from []domain.GroupID, to domain.GroupID) []domain.GroupID {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.graph.Removed(to) {
		return nil
	}
	var best *Reach
	var steps int
	var begin domain.GroupID
	for _, group := range from {
		if group == to {
			return []domain.GroupID{to}
		}
		if len(c.graph.GroupsOf(group)) == 0 {
			continue
		}
		above := c.above(group)
		n, reached := above.Steps(to)
		if reached && (best == nil || n < steps || n == steps && compare(group, begin) < 0) {
			best, steps, begin = above, n, group
		}
	}
	if best == nil {
		return nil
	}
	way := best.Back(to)
	slices.Reverse(way)
	return way
}

// Above gives some groups and all that these are in, at any depth, each with a
// shortest way to it from one of them, beyond an id, at most so many, in the order
// of their ids.
func (c *Closure) Above(from []domain.GroupID, after domain.GroupID, limit int) [][]domain.GroupID {
	c.mu.RLock()
	defer c.mu.RUnlock()
	type found struct {
		group domain.GroupID
		from  int
		steps int32
	}
	reaches := make([]*Reach, len(from))
	var all []found
	for i, group := range from {
		reaches[i] = c.above(group)
		for at, above := range reaches[i].groups {
			if compare(above, after) > 0 {
				all = append(all, found{above, i, reaches[i].steps[at]})
			}
		}
	}
	slices.SortFunc(all, func(a, b found) int {
		if order := compare(a.group, b.group); order != 0 {
			return order
		}
		if a.steps != b.steps {
			return int(a.steps - b.steps)
		}
		return compare(from[a.from], from[b.from])
	})
	all = slices.CompactFunc(all, func(a, b found) bool { return a.group == b.group })
	ways := make([][]domain.GroupID, min(limit, len(all)))
	for i := range ways {
		ways[i] = reaches[all[i].from].Back(all[i].group)
		slices.Reverse(ways[i])
	}
	return ways
}

func (c *Closure) above(group domain.GroupID) *Reach {
	return c.reach(&c.up, group, c.graph.GroupsOf)
}

// reach gives what is remembered, or works it out. The caller holds mu.
func (c *Closure) reach(m *memory, group domain.GroupID, next func(domain.GroupID) []domain.GroupID) *Reach {
	if len(next(group)) == 0 { // most groups; made at once
		if c.graph.Removed(group) {
			return &Reach{}
		}
		return &Reach{[]domain.GroupID{group}, []int32{0}, []int32{0}}
	}
	if r := m.get(group); r != nil {
		return r
	}
	r := reach(c.graph, group, next)
	m.put(group, r)
	return r
}
