package viewtest

import (
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

var removalPromises = []promise{
	{"a removed entity's row says so and keeps its seq", func(s *subject) {
		user, group := domain.NewID[domain.User](), domain.NewID[domain.Group]()
		s.given(s.User(user, "u"), s.Group(group, "g"), s.RemoveUser(user), s.RemoveGroup(group))
		s.settled()
		if row := s.user(user); !row.Removed || row.Seq != 2 || row.ID != user {
			s.t.Fatalf("a removed user's row has seq %d, removed %t", row.Seq, row.Removed)
		}
		if row := s.group(group); !row.Removed || row.Seq != 2 || row.ID != group {
			s.t.Fatalf("a removed group's row has seq %d, removed %t", row.Seq, row.Removed)
		}
		s.same("seq", s.seq(eventstream.UserStream(user.UUID)), eventstream.Seq(2))
	}},
	{"a removed entity is in no list", func(s *subject) {
		user, group := domain.NewID[domain.User](), domain.NewID[domain.Group]()
		s.given(s.User(user, "u"), s.Group(group, "g"))
		s.same("users", len(s.users(5)), 1)
		s.same("groups", len(s.groups(5)), 1)
		s.given(s.RemoveUser(user), s.RemoveGroup(group))
		s.same("users", len(s.users(5)), 0)
		s.same("groups", len(s.groups(5)), 0)
	}},
	{"a late duplicate does not revive what was removed", func(s *subject) {
		user := domain.NewID[domain.User]()
		s.given(s.User(user, "u"), s.RemoveUser(user))
		s.settled()
		for commit := range s.All() {
			s.moved(commit)
		}
		s.same("removed", s.user(user).Removed, true)
		s.same("users", len(s.users(5)), 0)
	}},
	{"what is created and removed at once is removed", func(s *subject) {
		user := domain.NewID[domain.User]()
		s.apply(s.User(user, "u"), s.RemoveUser(user))
		s.same("removed", s.user(user).Removed, true)
		s.same("users", len(s.users(5)), 0)
	}},
	{"memberships are hidden when the member goes, both ways", func(s *subject) {
		group, user, other := domain.NewID[domain.Group](), domain.NewID[domain.User](), domain.NewID[domain.User]()
		s.given(s.Group(group, "g"), s.User(user, "u"), s.User(other, "o"), s.Member(group, user, true), s.Member(group, other, true), s.RemoveUser(user))
		for range 2 {
			s.hidden(group, user.UUID)
			s.same("the other member", memberIDs(s.members(group, 5)), []uuid.UUID{other.UUID})
			s.settled()
		}
	}},
	{"memberships are hidden when the group goes, both ways", func(s *subject) {
		group, kept, user := domain.NewID[domain.Group](), domain.NewID[domain.Group](), domain.NewID[domain.User]()
		s.given(s.Group(group, "g"), s.Group(kept, "k"), s.User(user, "u"), s.Member(group, user, true), s.Member(kept, user, true), s.RemoveGroup(group))
		for range 2 {
			s.hidden(group, user.UUID)
			s.same("members", len(s.members(group, 5)), 0)
			s.same("the other group", groupIDs(s.groupsOf(user.UUID, 5)), []uuid.UUID{kept.UUID})
			s.settled()
		}
	}},
	{"memberships are hidden when a group goes that is a member", func(s *subject) {
		outer, inner := domain.NewID[domain.Group](), domain.NewID[domain.Group]()
		s.given(s.Group(outer, "o"), s.Group(inner, "i"), s.Nested(outer, inner, true))
		s.same("members", memberIDs(s.members(outer, 5)), []uuid.UUID{inner.UUID})
		s.given(s.RemoveGroup(inner))
		for range 2 {
			s.hidden(outer, inner.UUID)
			s.same("members", len(s.members(outer, 5)), 0)
			s.settled()
		}
	}},
	{"memberships that come after their end went are hidden", func(s *subject) {
		group, gone, user, left := domain.NewID[domain.Group](), domain.NewID[domain.Group](), domain.NewID[domain.User](), domain.NewID[domain.User]()
		s.given(s.Group(group, "g"), s.Group(gone, "x"), s.User(user, "u"), s.User(left, "l"), s.RemoveGroup(gone), s.RemoveUser(left))
		s.settled()
		s.given(s.Member(group, left, true), s.Member(gone, user, true))
		for range 2 {
			s.hidden(group, left.UUID)
			s.hidden(gone, user.UUID)
			s.settled()
		}
		s.given(s.Member(group, left, false), s.Member(group, left, true))
		s.hidden(group, left.UUID)
	}},
	{"memberships of ends that are not known yet are not listed until they are", func(s *subject) {
		group, user := domain.NewID[domain.Group](), domain.NewID[domain.User]()
		s.given(s.Member(group, user, true))
		s.settled()
		s.unlisted(group, user.UUID)
		s.given(s.User(user, "u"))
		s.settled()
		s.unlisted(group, user.UUID)
		s.given(s.Group(group, "g"))
		s.same("members", memberIDs(s.members(group, 5)), []uuid.UUID{user.UUID})
		s.same("groups", groupIDs(s.groupsOf(user.UUID, 5)), []uuid.UUID{group.UUID})
	}},
	{"duplicates of a membership do not bring it back", func(s *subject) {
		group, user := domain.NewID[domain.Group](), domain.NewID[domain.User]()
		edge := s.Member(group, user, true)
		s.given(s.Group(group, "g"), s.User(user, "u"), edge, s.RemoveUser(user))
		s.settled()
		// Whether the row was kept is the view's affair.
		_ = s.view.Apply(s.ctx(), []eventstream.Commit{edge})
		s.settled()
		s.hidden(group, user.UUID)
	}},
}

// hidden demands that a membership does not count.
func (s *subject) hidden(group domain.GroupID, member uuid.UUID) {
	s.t.Helper()
	s.unlisted(group, member)
	if s.membership(group, member).Present {
		s.t.Fatalf("a membership of a removed end is present")
	}
}

// unlisted demands that neither end lists a membership.
func (s *subject) unlisted(group domain.GroupID, member uuid.UUID) {
	s.t.Helper()
	for _, m := range s.members(group, 5) {
		if m.Member == member {
			s.t.Fatalf("the group lists a member that does not count")
		}
	}
	for _, m := range s.groupsOf(member, 5) {
		if m.Group == group {
			s.t.Fatalf("the member lists a group that does not count")
		}
	}
}
