package queries

import (
	"errors"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// ChangeKind is what a Change is about.
type ChangeKind byte

// The kinds of Change.
const (
	UserChange ChangeKind = 1 << iota
	GroupChange
	MemberChange

	allChanges = UserChange | GroupChange | MemberChange
)

// Change is what a follower is told of one user, group or membership: how it is now,
// or that it is no longer there. Who puts in what is there and takes out what is
// not, in the order of the telling, ends up with what the directory has.
type Change struct {
	Kind ChangeKind
	// Seq is the number of the last commit that shows.
	Seq eventstream.Seq
	// Removed tells that it is no longer there: a membership also when one of its
	// ends is not. Then all that is known of it is its id.
	Removed bool
	// The one that Kind says.
	User       domain.User
	Group      domain.Group
	Membership domain.Membership

	at position
}

// ChangeFilter says what a follower wants to hear of; the zero one is everything.
type ChangeFilter struct {
	// Kinds are those wanted; 0 is all.
	Kinds ChangeKind
	// Group restricts it to a group and its direct memberships, if it is not zero.
	Group domain.GroupID
}

func (f ChangeFilter) wants(kind ChangeKind) bool { return f.Kinds == 0 || f.Kinds&kind != 0 }

// ErrChangesOff is the answer where no Notices were configured.
var ErrChangesOff = errors.New("nothing tells what has changed")

// wantsGroup tells whether changes of the group are wanted.
func (f ChangeFilter) wantsGroup(id uuid.UUID) bool {
	return f.wants(GroupChange) && (f.Group.IsZero() || f.Group.UUID == id)
}

// wantsUser tells whether changes of users are wanted.
func (f ChangeFilter) wantsUser() bool { return f.wants(UserChange) && f.Group.IsZero() }

// wantsMember tells whether changes of memberships in the group are wanted.
func (f ChangeFilter) wantsMember(group uuid.UUID) bool {
	return f.wants(MemberChange) && (f.Group.IsZero() || f.Group.UUID == group)
}

func (f ChangeFilter) check() error {
	if !f.Group.IsZero() && f.Kinds&UserChange != 0 {
		return domain.RefuseField("kind", "no user belongs to the news of a group; its memberships do")
	}
	return nil
}
