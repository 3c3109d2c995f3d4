package viewtest

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// world is a small directory to have random histories in.
type world struct {
	users, groups, keys []uuid.UUID
	streams             []eventstream.StreamID
}

func newWorld() *world {
	ids := mixedIDs(9)
	w := &world{users: ids[:4], groups: ids[4:7], keys: ids[7:]}
	for _, id := range w.users {
		w.streams = append(w.streams, eventstream.UserStream(id))
	}
	for _, id := range w.keys {
		w.streams = append(w.streams, eventstream.KeyStream(id))
	}
	for _, group := range w.groups {
		w.streams = append(w.streams, eventstream.GroupStream(group))
		for _, member := range w.members() {
			if member != group {
				w.streams = append(w.streams, eventstream.MemberStream(group, member))
			}
		}
	}
	return w
}

func (w *world) members() []uuid.UUID { return append(append([]uuid.UUID{}, w.users...), w.groups...) }

// checkRandom holds the view against the model: random histories, their streams
// applied in any order, in any portions, with duplicates and gaps.
func checkRandom(t *testing.T, h Harness) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld()
		s := &subject{History: NewHistory(rt), view: h.New(t), settle: h.Settle}
		m := newModel(s.History)
		rt.Repeat(map[string]func(*rapid.T){
			"write":     func(rt *rapid.T) { w.write(rt, s.History) },
			"write two": func(rt *rapid.T) { w.write(rt, s.History); w.write(rt, s.History) },
			"deliver":   func(rt *rapid.T) { s.deliver(rt, m, w) },
			"deliver more": func(rt *rapid.T) {
				s.deliver(rt, m, w)
			},
			"deliver what does not follow": func(rt *rapid.T) { s.deliverElsewhere(rt, m, w) },
			"settle":                       func(*rapid.T) { s.settled() },
			"":                             func(rt *rapid.T) { s.compare(rt, m, w) },
		})
	})
}

// What happens to users and groups after they were made.
var (
	userFacts = []domain.Event{
		domain.SetName{Name: Text("Zoë")},
		domain.SetName{},
		domain.SetActive{Active: true},
		domain.SetEmail{Email: Email("z@example.com")},
		domain.SetAttribute{Name: "a", Value: Attribute("1")},
		domain.SetAttribute{Name: "a"},
		domain.SetAttribute{Name: "b", Value: Attribute(`"long enough to grow"`)},
		domain.SetRemoved{Removed: true},
	}
	groupFacts = []domain.Event{
		domain.SetDescription{Description: Text("d")},
		domain.SetAttribute{Name: "a", Value: Attribute("1")},
		domain.SetRemoved{Removed: true},
	}
)

// write appends a commit that means something to a stream.
func (w *world) write(rt *rapid.T, h *History) {
	stream := rapid.SampledFrom(w.streams).Draw(rt, "stream")
	fresh := len(h.Commits(stream)) == 0
	var events []domain.Event
	switch stream.Kind() {
	case eventstream.UserKind:
		if fresh {
			events = append(events, domain.SetUsername{Username: Username("u")})
		}
		events = append(events, rapid.SliceOfN(rapid.SampledFrom(userFacts), 1, 3).Draw(rt, "events")...)
	case eventstream.GroupKind:
		if fresh {
			events = append(events, domain.SetGroupName{Name: GroupName("g")})
		}
		events = append(events, rapid.SampledFrom(groupFacts).Draw(rt, "event"))
	case eventstream.MemberKind:
		kind := domain.UserMember
		if slices.Contains(w.groups, stream.UUIDs()[1]) {
			kind = domain.GroupMember
		}
		events = append(events, domain.SetMember{Present: rapid.IntRange(0, 3).Draw(rt, "present") > 0, Kind: kind})
	case eventstream.KeyKind:
		events = append(events, domain.SetKey{Hash: "ab", Active: rapid.Bool().Draw(rt, "active")})
	}
	h.Write(stream, events...)
}

// deliver applies the next commits of a stream.
func (s *subject) deliver(rt *rapid.T, m *model, w *world) {
	open := m.undelivered(w.streams)
	if len(open) == 0 {
		return
	}
	stream := rapid.SampledFrom(open).Draw(rt, "stream")
	rest := s.Commits(stream)[m.applied[stream]:]
	count := rapid.IntRange(1, len(rest)).Draw(rt, "count")
	s.apply(rest[:count]...)
	m.apply(stream, count)
}

// deliverElsewhere applies commits of a stream that do not follow its row. Of a
// membership whose end is removed the row need not have been kept.
func (s *subject) deliverElsewhere(rt *rapid.T, m *model, w *world) {
	stream := rapid.SampledFrom(w.streams).Draw(rt, "stream")
	commits := s.Commits(stream)
	if len(commits) < 2 {
		return
	}
	from := rapid.IntRange(0, len(commits)-1).Draw(rt, "from")
	if from == m.applied[stream] || stream.Kind() == eventstream.MemberKind && m.membership(stream.UUIDs()[0], stream.UUIDs()[1]).Seq == 0 {
		return
	}
	s.moved(commits[from:]...)
}

// compare asks the view and the model the same.
func (s *subject) compare(rt *rapid.T, m *model, w *world) {
	size := rapid.IntRange(1, 5).Draw(rt, "page")
	for _, id := range w.users {
		s.same("user", withoutTomb(s.user(domain.UserID{UUID: id})), m.user(id))
		s.same("user's root", s.root(domain.UserMember, id), m.root(domain.UserMember, id))
	}
	for _, id := range w.keys {
		s.same("key", s.key(domain.KeyID{UUID: id}), m.key(id))
	}
	for _, id := range w.groups {
		s.same("group's root", s.root(domain.GroupMember, id), m.root(domain.GroupMember, id))
		s.same("group", withoutTombGroup(s.group(domain.GroupID{UUID: id})), m.group(id))
		s.same("members", s.members(domain.GroupID{UUID: id}, size), m.members(id, w.members()))
		s.same("ever members", s.everMembers(domain.GroupID{UUID: id}, size), m.everMembers(id, w.members()))
		for _, member := range w.members() {
			got := s.membership(domain.GroupID{UUID: id}, member)
			if want := m.membership(id, member); want.Seq > 0 || got.Present {
				s.same("membership", got, want)
			}
		}
	}
	for _, id := range w.members() {
		s.same("groups of", s.groupsOf(id, size), m.groupsOf(id, w.groups))
		s.same("ever groups of", s.everGroupsOf(id, size), m.everGroupsOf(id, w.groups))
	}
	s.same("users", s.users(size), m.users(w.users))
	s.same("groups", s.groups(size), m.groups(w.groups))
	s.same("keys", s.keys(size), m.keys(w.keys))
}

// withoutTomb leaves of a removed user's row what is promised of it.
func withoutTomb(user domain.User) domain.User {
	if !user.Removed {
		return user
	}
	return domain.User{ID: user.ID, Root: domain.Root{Seq: user.Seq, Removed: true}}
}

func withoutTombGroup(group domain.Group) domain.Group {
	if !group.Removed {
		return group
	}
	return domain.Group{ID: group.ID, Root: domain.Root{Seq: group.Seq, Removed: true}}
}
