package viewtest

import (
	"slices"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// bigGroup gives the view a group of so many members, and between two others of
// one member each, and answers it and its members in order.
func (s *subject) bigGroup(size int) (domain.GroupID, []uuid.UUID) {
	s.t.Helper()
	groups := sortedIDs(mixedIDs(3))
	ids := mixedIDs(size)
	for i, id := range groups {
		s.given(s.Group(domain.GroupID{UUID: id}, "g"))
		if i != 1 {
			ids = append(ids, uuid.New())
		}
	}
	big := domain.GroupID{UUID: groups[1]}
	for _, id := range ids {
		s.given(s.User(domain.UserID{UUID: id}, "u"))
	}
	for _, id := range ids[:size] {
		s.given(s.Member(big, domain.UserID{UUID: id}, true))
	}
	s.given(s.Member(domain.GroupID{UUID: groups[0]}, domain.UserID{UUID: ids[size]}, true),
		s.Member(domain.GroupID{UUID: groups[2]}, domain.UserID{UUID: ids[size+1]}, true))
	return big, sortedIDs(ids[:size])
}

var memberPromises = []promise{
	{"members are listed in the order of their ids, in pages of any size", func(s *subject) {
		many := s.many()
		group, ids := s.bigGroup(many)
		for _, size := range []int{1, 9, 100, many, many + 1} {
			s.same("members", memberIDs(s.members(group, size)), ids)
		}
	}},
	{"a member's groups are listed in the order of their ids", func(s *subject) {
		user, ids := domain.NewID[domain.User](), mixedIDs(s.many()/2)
		s.given(s.User(user, "u"))
		for _, id := range ids {
			group := domain.GroupID{UUID: id}
			s.given(s.Group(group, "g"), s.Member(group, user, true))
		}
		for _, size := range []int{1, 7, len(ids), len(ids) + 1} {
			s.same("groups", groupIDs(s.groupsOf(user.UUID, size)), sortedIDs(ids))
		}
	}},
	{"users and groups are members alike", func(s *subject) {
		outer, inner, user := domain.NewID[domain.Group](), domain.NewID[domain.Group](), domain.NewID[domain.User]()
		s.given(s.Group(outer, "o"), s.Group(inner, "i"), s.User(user, "u"), s.Nested(outer, inner, true), s.Member(outer, user, true), s.Member(inner, user, true))
		s.same("members", memberIDs(s.members(outer, 5)), sortedIDs([]uuid.UUID{inner.UUID, user.UUID}))
		s.same("kind", s.membership(outer, inner.UUID).Kind, domain.GroupMember)
		s.same("groups of the group", groupIDs(s.groupsOf(inner.UUID, 5)), []uuid.UUID{outer.UUID})
		s.same("groups of the user", groupIDs(s.groupsOf(user.UUID, 5)), sortedIDs([]uuid.UUID{outer.UUID, inner.UUID}))
	}},
	{"who left is not listed, and is again after coming back", func(s *subject) {
		group, ids := s.bigGroup(40)
		user := domain.UserID{UUID: ids[17]}
		s.given(s.Member(group, user, false))
		s.same("members", memberIDs(s.members(group, 7)), slices.Delete(slices.Clone(ids), 17, 18))
		s.same("groups", len(s.groupsOf(user.UUID, 7)), 0)
		s.given(s.Member(group, user, true))
		s.same("members", memberIDs(s.members(group, 7)), ids)
		s.same("groups", groupIDs(s.groupsOf(user.UUID, 7)), []uuid.UUID{group.UUID})
	}},
	{"a list of members goes on from one that left", func(s *subject) {
		group, ids := s.bigGroup(40)
		s.given(s.Member(group, domain.UserID{UUID: ids[17]}, false), s.RemoveUser(domain.UserID{UUID: ids[18]}))
		for range 2 {
			page, err := s.view.Members(s.ctx(), group, ids[17], 5)
			s.check(err)
			s.same("page", memberIDs(page), ids[19:24])
			s.settled()
		}
	}},
	{"a big group can be emptied and filled again", func(s *subject) {
		group, ids := s.bigGroup(s.many())
		for _, id := range ids {
			s.given(s.Member(group, domain.UserID{UUID: id}, false))
		}
		s.same("members", len(s.members(group, 10)), 0)
		for _, id := range slices.Backward(ids) {
			s.given(s.Member(group, domain.UserID{UUID: id}, true))
		}
		s.same("members", memberIDs(s.members(group, 100)), ids)
	}},
	{"a big group may lose all of its members' ends", func(s *subject) {
		many := s.many()
		group, ids := s.bigGroup(many)
		for _, id := range ids[:many-1] {
			s.given(s.RemoveUser(domain.UserID{UUID: id}))
		}
		for range 2 {
			s.same("members", memberIDs(s.members(group, 3)), ids[many-1:])
			s.settled()
		}
	}},
}
