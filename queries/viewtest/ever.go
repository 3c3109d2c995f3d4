package viewtest

import (
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

var everPromises = []promise{
	{"of what never was nothing is listed", func(s *subject) {
		s.same("members", len(s.everMembers(domain.NewID[domain.Group](), 3)), 0)
		s.same("groups", len(s.everGroupsOf(uuid.New(), 3)), 0)
	}},
	{"whoever was ever a member is listed in the order of ids, in pages of any size", func(s *subject) {
		group, ids := s.bigGroup(s.many() / 2)
		for i, id := range ids {
			switch user := (domain.UserID{UUID: id}); i % 4 {
			case 1:
				s.given(s.Member(group, user, false))
			case 2:
				s.given(s.RemoveUser(user))
			}
		}
		for range 2 {
			for _, size := range []int{1, 9, len(ids), len(ids) + 1} {
				ever := s.everMembers(group, size)
				s.same("members", memberIDs(ever), ids)
				for i := range ever {
					s.same("present", ever[i].Present, i%4 != 1)
				}
			}
			s.settled()
		}
	}},
	{"whatever group there ever was of a member is listed in the order of ids", func(s *subject) {
		user, ids := domain.NewID[domain.User](), sortedIDs(mixedIDs(s.many()/4))
		s.given(s.User(user, "u"))
		for i, id := range ids {
			group := domain.GroupID{UUID: id}
			s.given(s.Group(group, "g"), s.Member(group, user, true))
			switch i % 4 {
			case 1:
				s.given(s.Member(group, user, false))
			case 2:
				s.given(s.RemoveGroup(group))
			}
		}
		for range 2 {
			for _, size := range []int{1, 7, len(ids), len(ids) + 1} {
				ever := s.everGroupsOf(user.UUID, size)
				s.same("groups", groupIDs(ever), ids)
				for i := range ever {
					s.same("present", ever[i].Present, i%4 != 1)
				}
			}
			s.settled()
		}
	}},
	{"the memberships of a removed end stay listed, with when they began", func(s *subject) {
		group, user := domain.NewID[domain.Group](), domain.NewID[domain.User]()
		s.given(s.Group(group, "g"), s.User(user, "u"), s.Member(group, user, true))
		row := s.membership(group, user.UUID)
		s.given(s.RemoveGroup(group), s.RemoveUser(user))
		for range 2 {
			s.same("members", s.everMembers(group, 5), []domain.Membership{row})
			s.same("groups", s.everGroupsOf(user.UUID, 5), []domain.Membership{row})
			s.settled()
		}
	}},
	{"who leaves after an end went is not present, and is again after coming back", func(s *subject) {
		group, user := domain.NewID[domain.Group](), domain.NewID[domain.User]()
		s.given(s.Group(group, "g"), s.User(user, "u"), s.Member(group, user, true), s.RemoveUser(user))
		s.settled()
		for _, present := range []bool{false, true, false} {
			s.given(s.Member(group, user, present))
			for range 2 {
				s.same("present", s.everMembers(group, 5)[0].Present, present)
				s.same("present", s.everGroupsOf(user.UUID, 5)[0].Present, present)
				s.settled()
			}
		}
	}},
	{"memberships of ends that are not known are listed", func(s *subject) {
		group, user := domain.NewID[domain.Group](), domain.NewID[domain.User]()
		s.given(s.Member(group, user, true))
		s.same("members", memberIDs(s.everMembers(group, 5)), []uuid.UUID{user.UUID})
		s.same("groups", groupIDs(s.everGroupsOf(user.UUID, 5)), []uuid.UUID{group.UUID})
	}},
	{"a limit of none lists none that were", func(s *subject) {
		group, user := domain.NewID[domain.Group](), domain.NewID[domain.User]()
		s.given(s.Member(group, user, true))
		members, err := s.view.EverMembers(s.ctx(), group, uuid.Nil, 0)
		s.check(err)
		groups, err := s.view.EverGroupsOf(s.ctx(), user.UUID, domain.GroupID{}, 0)
		s.check(err)
		s.same("pages", len(members)+len(groups), 0)
	}},
}
