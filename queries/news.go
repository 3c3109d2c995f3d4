package queries

import (
	"errors"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// NewsKind is what a News is about.
type NewsKind byte

// The kinds of News.
const (
	UserNews NewsKind = 1 << iota
	GroupNews
	MemberNews

	allNews = UserNews | GroupNews | MemberNews
)

// News is what a follower is told of one user, group or membership: how it is now,
// or that it is no longer there. Who puts in what is there and takes out what is
// not, in the order of the telling, ends up with what the directory has.
type News struct {
	Kind NewsKind
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

// NewsFilter says what a follower wants to hear of; the zero one is everything.
type NewsFilter struct {
	// Kinds are those wanted; 0 is all.
	Kinds NewsKind
	// Group restricts it to a group and its direct memberships, if it is not zero.
	Group domain.GroupID
}

func (f NewsFilter) wants(kind NewsKind) bool { return f.Kinds == 0 || f.Kinds&kind != 0 }

// ErrNewsOff is the answer where no Notices were configured.
var ErrNewsOff = errors.New("nothing tells what has changed")

// wantsGroup tells whether news of the group is wanted.
func (f NewsFilter) wantsGroup(id uuid.UUID) bool {
	return f.wants(GroupNews) && (f.Group.IsZero() || f.Group.UUID == id)
}

// wantsUser tells whether news of users is wanted.
func (f NewsFilter) wantsUser() bool { return f.wants(UserNews) && f.Group.IsZero() }

// wantsMember tells whether news of memberships in the group is wanted.
func (f NewsFilter) wantsMember(group uuid.UUID) bool {
	return f.wants(MemberNews) && (f.Group.IsZero() || f.Group.UUID == group)
}

func (f NewsFilter) check() error {
	if !f.Group.IsZero() && f.Kinds&UserNews != 0 {
		return domain.RefuseField("kind", "no user belongs to the news of a group; its memberships do")
	}
	return nil
}
