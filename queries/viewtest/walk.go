package viewtest

import (
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// pages walks a list to its end, in pages of a size.
func pages[E any](s *subject, size int, list func(after uuid.UUID, limit int) ([]E, error), id func(E) uuid.UUID) []E {
	s.t.Helper()
	var all []E
	after := uuid.Nil
	for {
		page, err := list(after, size)
		s.check(err)
		if len(page) > size {
			s.t.Fatalf("a page of %d, more than the limit of %d", len(page), size)
		}
		all = append(all, page...)
		if len(page) < size {
			return all
		}
		after = id(page[len(page)-1])
	}
}

func (s *subject) users(size int) []domain.User {
	s.t.Helper()
	return pages(s, size, func(after uuid.UUID, limit int) ([]domain.User, error) {
		return s.view.Users(s.ctx(), domain.UserID{UUID: after}, limit)
	}, func(u domain.User) uuid.UUID { return u.ID.UUID })
}

func (s *subject) groups(size int) []domain.Group {
	s.t.Helper()
	return pages(s, size, func(after uuid.UUID, limit int) ([]domain.Group, error) {
		return s.view.Groups(s.ctx(), domain.GroupID{UUID: after}, limit)
	}, func(g domain.Group) uuid.UUID { return g.ID.UUID })
}

func (s *subject) keys(size int) []domain.APIKey {
	s.t.Helper()
	return pages(s, size, func(after uuid.UUID, limit int) ([]domain.APIKey, error) {
		return s.view.Keys(s.ctx(), domain.KeyID{UUID: after}, limit)
	}, func(k domain.APIKey) uuid.UUID { return k.ID.UUID })
}

func (s *subject) members(group domain.GroupID, size int) []domain.Membership {
	s.t.Helper()
	return pages(s, size, func(after uuid.UUID, limit int) ([]domain.Membership, error) {
		return s.view.Members(s.ctx(), group, after, limit)
	}, func(m domain.Membership) uuid.UUID { return m.Member })
}

func (s *subject) groupsOf(member uuid.UUID, size int) []domain.Membership {
	s.t.Helper()
	return pages(s, size, func(after uuid.UUID, limit int) ([]domain.Membership, error) {
		return s.view.GroupsOf(s.ctx(), member, domain.GroupID{UUID: after}, limit)
	}, func(m domain.Membership) uuid.UUID { return m.Group.UUID })
}

func (s *subject) everMembers(group domain.GroupID, size int) []domain.Membership {
	s.t.Helper()
	return pages(s, size, func(after uuid.UUID, limit int) ([]domain.Membership, error) {
		return s.view.EverMembers(s.ctx(), group, after, limit)
	}, func(m domain.Membership) uuid.UUID { return m.Member })
}

func (s *subject) everGroupsOf(member uuid.UUID, size int) []domain.Membership {
	s.t.Helper()
	return pages(s, size, func(after uuid.UUID, limit int) ([]domain.Membership, error) {
		return s.view.EverGroupsOf(s.ctx(), member, domain.GroupID{UUID: after}, limit)
	}, func(m domain.Membership) uuid.UUID { return m.Group.UUID })
}

func userIDs(users []domain.User) []uuid.UUID {
	ids := make([]uuid.UUID, len(users))
	for i := range users {
		ids[i] = users[i].ID.UUID
	}
	return ids
}

func memberIDs(members []domain.Membership) []uuid.UUID {
	ids := make([]uuid.UUID, len(members))
	for i := range members {
		ids[i] = members[i].Member
	}
	return ids
}

func groupIDs(memberships []domain.Membership) []uuid.UUID {
	ids := make([]uuid.UUID, len(memberships))
	for i := range memberships {
		ids[i] = memberships[i].Group.UUID
	}
	return ids
}
