package queries

import (
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// State is what a user, a group or a membership was between two of its commits:
// one of the fields, or none while it was not there.
type State struct {
	User       *domain.User
	Group      *domain.Group
	Membership *domain.Membership
}

// fold is a stream of one of them, folded commit by commit.
type fold struct {
	stream eventstream.StreamID
	apply  func(seq uint64, at time.Time, events []domain.Event) error
	// now gives a copy of the state.
	now func() State
}

func newFold(stream eventstream.StreamID) *fold {
	if group, member, is := stream.Edge(); is {
		return foldOfEdge(stream, group, member)
	}
	id, _ := stream.UUID()
	if stream.Kind() == eventstream.GroupKind {
		group := &domain.Group{ID: domain.GroupID{UUID: id}}
		return &fold{stream, group.Apply, func() State {
			if !group.Exists() {
				return State{}
			}
			now := *group
			return State{Group: &now}
		}}
	}
	user := &domain.User{ID: domain.UserID{UUID: id}}
	return &fold{stream, user.Apply, func() State {
		if !user.Exists() {
			return State{}
		}
		now := *user
		return State{User: &now}
	}}
}

func foldOfEdge(stream eventstream.StreamID, group, member uuid.UUID) *fold {
	edge := &domain.Membership{Group: domain.GroupID{UUID: group}, Member: member}
	return &fold{stream, edge.Apply, func() State {
		if !edge.Present {
			return State{}
		}
		now := *edge
		return State{Membership: &now}
	}}
}

// commit applies one commit.
func (f *fold) commit(commit *eventstream.Commit) error { return applyTo(commit, f.apply) }

func streamOf(entity domain.EntityID) eventstream.StreamID {
	if entity.Kind == domain.GroupMember {
		return eventstream.GroupStream(entity.ID)
	}
	return eventstream.UserStream(entity.ID)
}
