package viewtest

import (
	"math/rand/v2"
	"slices"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Many is enough for several pages and blocks, whatever the backend calls so; of
// a slow one it is enough for several pages.
const (
	manyFast = 700
	manySlow = 60
)

func (s *subject) many() int {
	if s.slow {
		return manySlow
	}
	return manyFast
}

// mixedIDs are ids as they come: made in order, or brought by clients.
func mixedIDs(n int) []uuid.UUID {
	random := rand.New(rand.NewPCG(1, 2))
	ids := make([]uuid.UUID, n)
	for i := range ids {
		if ids[i] = uuid.Must(uuid.NewV7()); i%3 == 0 {
			for j := range ids[i] {
				ids[i][j] = byte(random.Uint32())
			}
		}
	}
	return ids
}

func sortedIDs(ids []uuid.UUID) []uuid.UUID {
	return slices.SortedFunc(slices.Values(ids), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
}

var listPromises = []promise{
	{"an empty list is empty", func(s *subject) {
		s.same("users", len(s.users(3)), 0)
		s.same("groups", len(s.groups(3)), 0)
		s.same("keys", len(s.keys(3)), 0)
		s.same("members", len(s.members(domain.NewID[domain.Group](), 3)), 0)
		s.same("groups of", len(s.groupsOf(uuid.New(), 3)), 0)
	}},
	{"users are listed in the order of their ids, in pages of any size", func(s *subject) {
		many := s.many()
		ids := mixedIDs(many)
		for _, id := range ids {
			s.given(s.User(domain.UserID{UUID: id}, "u"))
		}
		for _, size := range []int{1, 7, 100, many, many + 1} {
			s.same("ids", userIDs(s.users(size)), sortedIDs(ids))
		}
	}},
	{"groups and keys are listed in the order of their ids", func(s *subject) {
		ids := mixedIDs(50)
		for _, id := range ids {
			s.given(s.Group(domain.GroupID{UUID: id}, "g"), s.Write(eventstream.KeyStream(id), domain.SetKey{Active: true}))
		}
		for _, size := range []int{1, 7, 51} {
			groups, keys := s.groups(size), s.keys(size)
			s.same("lengths", []int{len(groups), len(keys)}, []int{50, 50})
			for i, id := range sortedIDs(ids) {
				s.same("group", groups[i].ID.UUID, id)
				s.same("key", keys[i].ID.UUID, id)
			}
		}
	}},
	{"lists hold whole rows", func(s *subject) {
		user, group, key := domain.NewID[domain.User](), domain.NewID[domain.Group](), domain.NewID[domain.APIKey]()
		s.given(s.User(user, "u", domain.SetAttribute{Name: "a", Value: Attribute("1")}), s.Group(group, "g"), s.Member(group, user, true),
			s.Write(eventstream.KeyStream(key.UUID), domain.SetKey{Hash: "00", Label: Text("l"), Scopes: []domain.Scope{domain.ReadScope}, Active: true}))
		s.same("user", s.users(1)[0], s.user(user))
		s.same("group", s.groups(1)[0], s.group(group))
		s.same("key", s.keys(1)[0], s.key(key))
		s.same("member", s.members(group, 1)[0], s.membership(group, user.UUID))
		s.same("group of", s.groupsOf(user.UUID, 1)[0], s.membership(group, user.UUID))
	}},
	{"keys that are not active are not listed", func(s *subject) {
		id := domain.NewID[domain.APIKey]()
		s.given(s.Write(eventstream.KeyStream(id.UUID), domain.SetKey{Active: true}))
		s.same("keys", len(s.keys(5)), 1)
		s.given(s.Write(eventstream.KeyStream(id.UUID), domain.SetKey{Active: false}))
		s.same("keys", len(s.keys(5)), 0)
	}},
	{"a list goes on from an id that was removed or never was", func(s *subject) {
		ids := sortedIDs(mixedIDs(20))
		for _, id := range ids {
			s.given(s.User(domain.UserID{UUID: id}, "u"))
		}
		s.given(s.RemoveUser(domain.UserID{UUID: ids[9]}))
		page, err := s.view.Users(s.ctx(), domain.UserID{UUID: ids[9]}, 3)
		s.check(err)
		s.same("after a removed id", userIDs(page), ids[10:13])
		between := ids[4]
		between[15]++
		page, err = s.view.Users(s.ctx(), domain.UserID{UUID: between}, 3)
		s.check(err)
		s.same("after an id that never was", userIDs(page), ids[5:8])
		page, err = s.view.Users(s.ctx(), domain.UserID{UUID: uuid.Max}, 3)
		s.check(err)
		s.same("after the last id", len(page), 0)
	}},
	{"removed ones in between do not shorten a page", func(s *subject) {
		ids := sortedIDs(mixedIDs(60))
		for _, id := range ids {
			s.given(s.User(domain.UserID{UUID: id}, "u"))
		}
		var kept []uuid.UUID
		for i, id := range ids {
			if i%4 == 0 {
				kept = append(kept, id)
			} else {
				s.given(s.RemoveUser(domain.UserID{UUID: id}))
			}
		}
		page, err := s.view.Users(s.ctx(), domain.UserID{}, 10)
		s.check(err)
		s.same("page", userIDs(page), kept[:10])
	}},
	{"a limit of none gives none", func(s *subject) {
		s.given(s.User(domain.NewID[domain.User](), "u"))
		page, err := s.view.Users(s.ctx(), domain.UserID{}, 0)
		s.check(err)
		s.same("page", len(page), 0)
	}},
}
