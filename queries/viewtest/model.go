package viewtest

import (
	"slices"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// model is a view as plainly as it can be said: of each stream, what was applied,
// folded from the beginning.
type model struct {
	history *History
	applied map[eventstream.StreamID]int
	folded  map[eventstream.StreamID]any
}

func newModel(history *History) *model {
	return &model{history, map[eventstream.StreamID]int{}, map[eventstream.StreamID]any{}}
}

// apply says that the next commits of a stream were applied.
func (m *model) apply(stream eventstream.StreamID, count int) {
	m.applied[stream] += count
	delete(m.folded, stream)
}

// foldOf folds what was applied of a stream into an empty row, once until more is.
func foldOf[R any](m *model, stream eventstream.StreamID, empty R, apply func(*R) foldFunc) R {
	if row, ok := m.folded[stream]; ok {
		return row.(R)
	}
	row := empty
	m.check(foldInto(apply(&row), m.history.Commits(stream)[:m.applied[stream]]...))
	m.folded[stream] = row
	return row
}

func (m *model) check(err error) {
	m.history.t.Helper()
	if err != nil {
		m.history.t.Fatalf("the model cannot fold: %v", err)
	}
}

func (m *model) user(id uuid.UUID) domain.User {
	user := foldOf(m, eventstream.UserStream(id), domain.User{ID: domain.UserID{UUID: id}}, func(u *domain.User) foldFunc { return u.Apply })
	switch {
	case user.Seq == 0:
		return domain.User{}
	case user.Removed: // the rest is not promised
		return domain.User{ID: user.ID, Root: domain.Root{Seq: user.Seq, Removed: true}}
	}
	return user
}

func (m *model) group(id uuid.UUID) domain.Group {
	group := foldOf(m, eventstream.GroupStream(id), domain.Group{ID: domain.GroupID{UUID: id}}, func(g *domain.Group) foldFunc { return g.Apply })
	switch {
	case group.Seq == 0:
		return domain.Group{}
	case group.Removed:
		return domain.Group{ID: group.ID, Root: domain.Root{Seq: group.Seq, Removed: true}}
	}
	return group
}

// root is what the folds of a user and of a group have in common.
func (m *model) root(kind domain.MemberKind, id uuid.UUID) domain.Root {
	var root domain.Root
	if kind == domain.UserMember {
		root = foldOf(m, eventstream.UserStream(id), domain.User{ID: domain.UserID{UUID: id}}, func(u *domain.User) foldFunc { return u.Apply }).Root
	} else {
		root = foldOf(m, eventstream.GroupStream(id), domain.Group{ID: domain.GroupID{UUID: id}}, func(g *domain.Group) foldFunc { return g.Apply }).Root
	}
	root.Origin = ""
	return root
}

func (m *model) key(id uuid.UUID) domain.APIKey {
	key := foldOf(m, eventstream.KeyStream(id), domain.APIKey{ID: domain.KeyID{UUID: id}}, func(k *domain.APIKey) foldFunc { return k.Apply })
	if key.Seq == 0 {
		return domain.APIKey{}
	}
	return key
}

// edge is the fold of a membership's stream.
func (m *model) edge(group, member uuid.UUID) domain.Membership {
	none := domain.Membership{Group: domain.GroupID{UUID: group}, Member: member}
	return foldOf(m, eventstream.MemberStream(group, member), none, func(e *domain.Membership) foldFunc { return e.Apply })
}

// membership is an edge, the zero one if an end is removed.
func (m *model) membership(group, member uuid.UUID) domain.Membership {
	edge := m.edge(group, member)
	switch {
	case edge.Seq == 0:
		return domain.Membership{}
	case m.ended(&edge):
		return domain.Membership{}
	}
	return edge
}

// ended tells whether an end of the membership is removed.
func (m *model) ended(edge *domain.Membership) bool {
	group, user, nested := m.group(edge.Group.UUID), m.user(edge.Member), m.group(edge.Member)
	return group.Removed || edge.Kind == domain.UserMember && user.Removed || edge.Kind == domain.GroupMember && nested.Removed
}

// counts tells whether the membership is listed.
func (m *model) counts(edge *domain.Membership) bool {
	group, user, nested := m.group(edge.Group.UUID), m.user(edge.Member), m.group(edge.Member)
	return edge.Present && group.Exists() && (edge.Kind == domain.UserMember && user.Exists() || edge.Kind == domain.GroupMember && nested.Exists())
}

func (m *model) members(group uuid.UUID, ids []uuid.UUID) []domain.Membership {
	var members []domain.Membership
	for _, id := range sortedIDs(ids) {
		if edge := m.membership(group, id); m.counts(&edge) {
			members = append(members, edge)
		}
	}
	return members
}

func (m *model) groupsOf(member uuid.UUID, ids []uuid.UUID) []domain.Membership {
	var memberships []domain.Membership
	for _, id := range sortedIDs(ids) {
		if edge := m.membership(id, member); m.counts(&edge) {
			memberships = append(memberships, edge)
		}
	}
	return memberships
}

func (m *model) everMembers(group uuid.UUID, ids []uuid.UUID) []domain.Membership {
	var members []domain.Membership
	for _, id := range sortedIDs(ids) {
		if edge := m.edge(group, id); edge.Seq > 0 {
			members = append(members, edge)
		}
	}
	return members
}

func (m *model) everGroupsOf(member uuid.UUID, ids []uuid.UUID) []domain.Membership {
	var memberships []domain.Membership
	for _, id := range sortedIDs(ids) {
		if edge := m.edge(id, member); edge.Seq > 0 {
			memberships = append(memberships, edge)
		}
	}
	return memberships
}

func (m *model) users(ids []uuid.UUID) []domain.User {
	var users []domain.User
	for _, id := range sortedIDs(ids) {
		if user := m.user(id); user.Exists() {
			users = append(users, user)
		}
	}
	return users
}

func (m *model) groups(ids []uuid.UUID) []domain.Group {
	var groups []domain.Group
	for _, id := range sortedIDs(ids) {
		if group := m.group(id); group.Exists() {
			groups = append(groups, group)
		}
	}
	return groups
}

func (m *model) keys(ids []uuid.UUID) []domain.APIKey {
	var keys []domain.APIKey
	for _, id := range sortedIDs(ids) {
		if key := m.key(id); key.Active {
			keys = append(keys, key)
		}
	}
	return keys
}

// undelivered are the streams that have commits which were not applied.
func (m *model) undelivered(streams []eventstream.StreamID) []eventstream.StreamID {
	return slices.DeleteFunc(slices.Clone(streams), func(stream eventstream.StreamID) bool {
		return m.applied[stream] == len(m.history.Commits(stream))
	})
}
