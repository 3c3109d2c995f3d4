package domain

import "iter"

// Edges gives each group and each group directly in it, neither of which is
// removed, in no order.
func (n *Nesting) Edges() iter.Seq2[GroupID, GroupID] {
	return func(yield func(GroupID, GroupID) bool) {
		for group, members := range n.members {
			for _, member := range members {
				if !n.Removed(group) && !n.Removed(member) && !yield(group, member) {
					return
				}
			}
		}
	}
}
