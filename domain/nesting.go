package domain

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// Nesting is the graph of groups in groups, as the commits of the stream nesting
// make it. It is the only place where a cycle is looked for.
type Nesting struct {
	Seq     uint64
	members neighbours // of each group, the groups in it
	groups  neighbours // of each group, those that it is in
	removed map[GroupID]struct{}
}

// neighbours are groups beside each group, by id.
type neighbours map[GroupID][]GroupID

func (n neighbours) add(to, group GroupID) {
	if at, found := slices.BinarySearchFunc(n[to], group, compareIDs); !found {
		n[to] = slices.Insert(n[to], at, group)
	}
}

func (n neighbours) remove(from, group GroupID) {
	switch at, found := slices.BinarySearchFunc(n[from], group, compareIDs); {
	case !found:
	case len(n[from]) == 1:
		delete(n, from)
	default:
		n[from] = slices.Delete(n[from], at, at+1)
	}
}

func compareIDs(a, b GroupID) int { return bytes.Compare(a.UUID[:], b.UUID[:]) }

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
		n.members, n.groups, n.removed = neighbours{}, neighbours{}, map[GroupID]struct{}{}
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
	if e.Present {
		n.members.add(e.Group, e.Member)
		n.groups.add(e.Member, e.Group)
		return
	}
	n.members.remove(e.Group, e.Member)
	n.groups.remove(e.Member, e.Group)
}

// setNode takes the edges of a group that is gone away; those to it stay until
// they are taken away themselves, and do not count.
func (n *Nesting) setNode(e SetNode) {
	if !e.Removed {
		delete(n.removed, e.Group)
		return
	}
	n.removed[e.Group] = struct{}{}
	for _, member := range slices.Clone(n.members[e.Group]) {
		n.setEdge(SetNesting{Group: e.Group, Member: member})
	}
}

// Names tells whether a group is in another, or has another in it.
func (n *Nesting) Names(group GroupID) bool {
	return len(n.groups[group]) > 0 || len(n.members[group]) > 0
}

// Members are the groups in a group, by id, also those that were removed; GroupsOf
// are those that it is in. The slices are the Nesting's and hold until the next
// Apply.
func (n *Nesting) Members(group GroupID) []GroupID { return n.members[group] }

// GroupsOf is the other direction of Members.
func (n *Nesting) GroupsOf(group GroupID) []GroupID { return n.groups[group] }

// Removed tells whether the stream said that a group is gone. It does not say so
// of groups that it never named.
func (n *Nesting) Removed(group GroupID) bool {
	_, gone := n.removed[group]
	return gone
}

// Equal tells whether two graphs are the same, at the same commit.
func (n *Nesting) Equal(other *Nesting) bool {
	return n.Seq == other.Seq && maps.EqualFunc(n.members, other.members, slices.Equal[[]GroupID]) &&
		maps.EqualFunc(n.groups, other.groups, slices.Equal[[]GroupID]) && maps.Equal(n.removed, other.removed)
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
		if n.Removed(next) {
			continue
		}
		if next == member {
			return true
		}
		for _, child := range n.members[next] {
			if _, again := seen[child]; !again {
				seen[child] = struct{}{}
				open = append(open, child)
			}
		}
	}
	return false
}
