package domain

import "fmt"

// Nesting is the graph of groups in groups, as the commits of the stream nesting
// make it. It is the only place where a cycle is looked for.
type Nesting struct {
	Seq     uint64
	members map[GroupID]map[GroupID]struct{}
	removed map[GroupID]struct{}
}

// Apply folds one commit in, as User.Apply does.
func (n *Nesting) Apply(seq uint64, events []Event) error {
	switch {
	case seq <= n.Seq:
		return nil
	case seq != n.Seq+1:
		return fmt.Errorf("commit %d does not follow %d", seq, n.Seq)
	}
	if n.members == nil {
		n.members, n.removed = map[GroupID]map[GroupID]struct{}{}, map[GroupID]struct{}{}
	}
	for _, event := range events {
		switch e := event.(type) {
		case SetNesting:
			n.setEdge(e)
		case SetNode:
			n.removed[e.Group] = struct{}{}
			delete(n.members, e.Group)
		default:
			return fmt.Errorf("%w: nesting has no %s", ErrUnknownEvent, TypeOf(event))
		}
	}
	n.Seq = seq
	return nil
}

func (n *Nesting) setEdge(e SetNesting) {
	if !e.Present {
		delete(n.members[e.Group], e.Member)
		return
	}
	if n.members[e.Group] == nil {
		n.members[e.Group] = map[GroupID]struct{}{}
	}
	n.members[e.Group][e.Member] = struct{}{}
}

// Reaches tells whether a group has another among its members, at any depth, or
// is that group. Edges of removed groups do not count.
func (n *Nesting) Reaches(group, member GroupID) bool {
	seen := map[GroupID]struct{}{}
	open := []GroupID{group}
	for len(open) > 0 {
		next := open[len(open)-1]
		open = open[:len(open)-1]
		if next == member {
			return true
		}
		if _, gone := n.removed[next]; gone {
			continue
		}
		if _, again := seen[next]; again {
			continue
		}
		seen[next] = struct{}{}
		for child := range n.members[next] {
			open = append(open, child)
		}
	}
	return false
}
