package domain

import "fmt"

// Nesting is the graph of groups in groups, as the commits of the stream nesting
// make it. It is the only place where a cycle is looked for.
type Nesting struct {
	Seq     uint64
	members map[GroupID]map[GroupID]struct{}
	inside  map[GroupID]int // in how many groups each is
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
		n.members, n.inside, n.removed = map[GroupID]map[GroupID]struct{}{}, map[GroupID]int{}, map[GroupID]struct{}{}
	}
	for _, event := range events {
		switch e := event.(type) {
		case SetNesting:
			n.setEdge(e)
		case SetNode:
			n.removed[e.Group] = struct{}{}
			for member := range n.members[e.Group] {
				n.setEdge(SetNesting{Group: e.Group, Member: member})
			}
		default:
			return fmt.Errorf("%w: nesting has no %s", ErrUnknownEvent, TypeOf(event))
		}
	}
	n.Seq = seq
	return nil
}

func (n *Nesting) setEdge(e SetNesting) {
	members := n.members[e.Group]
	_, was := members[e.Member]
	switch {
	case was == e.Present:
	case !e.Present:
		delete(members, e.Member)
		if n.inside[e.Member]--; n.inside[e.Member] == 0 {
			delete(n.inside, e.Member)
		}
		if len(members) == 0 {
			delete(n.members, e.Group)
		}
	default:
		if members == nil {
			members = map[GroupID]struct{}{}
			n.members[e.Group] = members
		}
		members[e.Member] = struct{}{}
		n.inside[e.Member]++
	}
}

// Names tells whether a group is in another, or has another in it.
func (n *Nesting) Names(group GroupID) bool {
	return n.inside[group] > 0 || len(n.members[group]) > 0
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
