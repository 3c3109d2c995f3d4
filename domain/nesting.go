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
	fresh, err := follows(n.Seq, seq)
	if err != nil || !fresh {
		return err
	}
	for _, event := range events {
		switch event.(type) {
		case SetNesting, SetNode:
		default:
			return fmt.Errorf("%w: nesting has no %s", ErrUnknownEvent, TypeOf(event))
		}
	}
	if n.members == nil {
		n.members, n.inside, n.removed = map[GroupID]map[GroupID]struct{}{}, map[GroupID]int{}, map[GroupID]struct{}{}
	}
	for _, event := range events {
		switch e := event.(type) {
		case SetNesting:
			n.setEdge(e)
		case SetNode:
			n.setNode(e)
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

// setNode takes the edges of a group that is gone away; those to it stay until
// they are taken away themselves, and do not count.
func (n *Nesting) setNode(e SetNode) {
	if !e.Removed {
		delete(n.removed, e.Group)
		return
	}
	n.removed[e.Group] = struct{}{}
	for member := range n.members[e.Group] {
		n.setEdge(SetNesting{Group: e.Group, Member: member})
	}
}

// Names tells whether a group is in another, or has another in it.
func (n *Nesting) Names(group GroupID) bool {
	return n.inside[group] > 0 || len(n.members[group]) > 0
}

// Reaches tells whether a group has another among its members, at any depth, or
// is that group. Edges from and to removed groups do not count.
func (n *Nesting) Reaches(group, member GroupID) bool {
	if group == member {
		return true
	}
	seen := map[GroupID]struct{}{group: {}}
	for open := []GroupID{group}; len(open) > 0; {
		next := open[len(open)-1]
		open = open[:len(open)-1]
		if _, gone := n.removed[next]; gone {
			continue
		}
		if next == member {
			return true
		}
		for child := range n.members[next] {
			if _, again := seen[child]; !again {
				seen[child] = struct{}{}
				open = append(open, child)
			}
		}
	}
	return false
}
