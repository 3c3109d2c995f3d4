package viewtest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// checkEffective holds what a Reader says of those who are in groups through other
// groups, with the view and a closure under it, against a walk of the graph: moves,
// diamonds, groups and users removed in the middle, memberships that come again.
func checkEffective(t *testing.T, h Harness) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newTangle(rt, h, &subject{History: NewHistory(rt), view: h.New(t), settle: h.Settle})
		rt.Repeat(map[string]func(*rapid.T){
			"join or leave": w.join,
			"nest":          w.nest,
			"nest more":     w.nest,
			"remove":        w.remove,
			"settle":        func(*rapid.T) { w.settled() },
			"compare":       w.compare,
			"":              func(*rapid.T) {},
		})
		w.compare(rt)
	})
}

// tangle is a small directory of groups in groups, as plainly as it can be said.
type tangle struct {
	*subject
	reader        *queries.Reader
	groups, users []uuid.UUID
	in            map[[2]uuid.UUID]bool // group and member
	gone          map[uuid.UUID]bool
}

func newTangle(rt *rapid.T, h Harness, s *subject) *tangle {
	ids := mixedIDs(9)
	w := &tangle{subject: s, groups: ids[:6], users: ids[6:], in: map[[2]uuid.UUID]bool{}, gone: map[uuid.UUID]bool{}}
	streams := s.streams
	if h.Slow {
		streams = eventstream.New(distant{s.store}, nil)
	}
	var err error
	w.reader, err = queries.NewReader(queries.Config{Streams: streams, View: s.view, Waiter: upToDate{}})
	if err != nil {
		rt.Fatalf("make a reader: %v", err)
	}
	for _, id := range w.groups {
		s.given(s.Group(domain.GroupID{UUID: id}, "g"))
	}
	for _, id := range w.users {
		s.given(s.User(domain.UserID{UUID: id}, "u"))
	}
	return w
}

// distant is a store that numbers no transactions and has to be asked for heads.
type distant struct{ eventstream.Store }

// upToDate is the waiter of a view that is given every commit at once.
type upToDate struct{}

func (upToDate) Ensure(context.Context, eventstream.StreamID, eventstream.Seq) error { return nil }
func (upToDate) Complete() error                                                     { return nil }

func (w *tangle) join(rt *rapid.T) {
	group, user := rapid.SampledFrom(w.groups).Draw(rt, "group"), rapid.SampledFrom(w.users).Draw(rt, "user")
	if w.gone[group] || w.gone[user] {
		return
	}
	edge := [2]uuid.UUID{group, user}
	w.in[edge] = rapid.IntRange(0, 3).Draw(rt, "in") > 0
	w.given(w.Member(domain.GroupID{UUID: group}, domain.UserID{UUID: user}, w.in[edge]))
}

// nest never makes a cycle: groups are in those before them.
func (w *tangle) nest(rt *rapid.T) {
	a, b := rapid.IntRange(0, len(w.groups)-1).Draw(rt, "a"), rapid.IntRange(0, len(w.groups)-1).Draw(rt, "b")
	group, member := w.groups[min(a, b)], w.groups[max(a, b)]
	if a == b || w.gone[group] || w.gone[member] {
		return
	}
	edge := [2]uuid.UUID{group, member}
	w.in[edge] = rapid.IntRange(0, 3).Draw(rt, "in") > 0
	w.given(w.Nested(domain.GroupID{UUID: group}, domain.GroupID{UUID: member}, w.in[edge]))
	w.Write(eventstream.NestingStream, domain.SetNesting{Group: domain.GroupID{UUID: group}, Member: domain.GroupID{UUID: member}, Present: w.in[edge]})
}

func (w *tangle) remove(rt *rapid.T) {
	id := rapid.SampledFrom(append(slices.Clone(w.groups), w.users...)).Draw(rt, "removed")
	if w.gone[id] || rapid.Bool().Draw(rt, "spared") {
		return
	}
	w.gone[id] = true
	if slices.Contains(w.users, id) {
		w.given(w.RemoveUser(domain.UserID{UUID: id}))
		return
	}
	w.given(w.RemoveGroup(domain.GroupID{UUID: id}))
	if slices.ContainsFunc(w.groups, func(other uuid.UUID) bool { return w.in[[2]uuid.UUID{id, other}] || w.in[[2]uuid.UUID{other, id}] }) {
		w.Write(eventstream.NestingStream, domain.SetNode{Group: domain.GroupID{UUID: id}, Removed: true})
	}
}

// counts tells whether somebody is directly in a group.
func (w *tangle) counts(group, member uuid.UUID) bool {
	return w.in[[2]uuid.UUID{group, member}] && !w.gone[group] && !w.gone[member]
}

// far gives how many groups there are on the shortest way from a member to a
// group, 0 if there is none.
func (w *tangle) far(group, member uuid.UUID) int {
	level := []uuid.UUID{group}
	for steps := 1; len(level) > 0 && steps <= len(w.groups); steps++ {
		var next []uuid.UUID
		for _, g := range level {
			if w.counts(g, member) {
				return steps
			}
			for _, inner := range w.groups {
				if w.counts(g, inner) {
					next = append(next, inner)
				}
			}
		}
		level = next
	}
	return 0
}

// compare asks everything that can be asked.
func (w *tangle) compare(rt *rapid.T) {
	size := rapid.IntRange(1, 4).Draw(rt, "page")
	members := append(slices.Clone(w.groups), w.users...)
	var questions []queries.Question
	for _, group := range w.groups {
		for _, member := range members {
			if group != member {
				questions = append(questions, queries.Question{Group: domain.GroupID{UUID: group}, Member: member})
			}
		}
		w.compareMembers(group, members, size)
	}
	answers, err := w.reader.Check(w.ctx(), questions, queries.Freshness{})
	w.check(err)
	for i, q := range questions {
		w.isWay("check", q, answers.Ways[i])
	}
	q := rapid.SampledFrom(questions).Draw(rt, "question")
	one, err := w.reader.EffectiveMembership(w.ctx(), q.Group, q.Member, queries.Freshness{})
	if !errors.Is(err, domain.NotFound) {
		w.check(err)
		w.isMembership("membership", q, &one.Value)
	} else if w.far(q.Group.UUID, q.Member) > 0 {
		w.t.Fatalf("membership: %v of who is in", err)
	}
	for _, user := range w.users {
		w.compareGroups(user, size)
	}
}

// compareMembers walks the members of a group, with pages of a size.
func (w *tangle) compareMembers(group uuid.UUID, members []uuid.UUID, size int) {
	w.t.Helper()
	id := domain.GroupID{UUID: group}
	items, ok := walked(w, w.gone[group], size, func(l queries.Listing) (queries.Page[queries.EffectiveMembership], error) {
		return w.reader.EffectiveMembers(w.ctx(), id, l, queries.Freshness{})
	})
	if !ok {
		return
	}
	var got, want []uuid.UUID
	for i := range items {
		w.isMembership("members", queries.Question{Group: id, Member: items[i].Member}, &items[i])
		got = append(got, items[i].Member)
	}
	for _, member := range sortedIDs(members) {
		if w.far(group, member) > 0 {
			want = append(want, member)
		}
	}
	w.same("effective members", got, want)
}

// compareGroups walks the groups of a user.
func (w *tangle) compareGroups(user uuid.UUID, size int) {
	w.t.Helper()
	items, ok := walked(w, w.gone[user], size, func(l queries.Listing) (queries.Page[queries.EffectiveMembership], error) {
		return w.reader.EffectiveGroups(w.ctx(), domain.UserID{UUID: user}, l, queries.Freshness{})
	})
	if !ok {
		return
	}
	var got, want []uuid.UUID
	for i := range items {
		w.isMembership("groups", queries.Question{Group: items[i].Group, Member: user}, &items[i])
		got = append(got, items[i].Group.UUID)
	}
	for _, group := range sortedIDs(w.groups) {
		if w.far(group, user) > 0 {
			want = append(want, group)
		}
	}
	w.same("effective groups", got, want)
}

// walked walks a list; of an end that is gone there must be none.
func walked(w *tangle, gone bool, size int, page func(queries.Listing) (queries.Page[queries.EffectiveMembership], error)) (all []queries.EffectiveMembership, ok bool) {
	w.t.Helper()
	for listing := (queries.Listing{Limit: size}); ; {
		p, err := page(listing)
		if gone {
			if !errors.Is(err, domain.NotFound) {
				w.t.Fatalf("a list around an end that is gone: %v", err)
			}
			return nil, false
		}
		w.check(err)
		all = append(all, p.Items...)
		if listing.Cursor = p.Next; p.Next == "" {
			return all, true
		}
	}
}

func (w *tangle) isMembership(what string, q queries.Question, m *queries.EffectiveMembership) {
	w.t.Helper()
	w.isWay(what, q, m.Via)
	kind := domain.UserMember
	if slices.Contains(w.groups, q.Member) {
		kind = domain.GroupMember
	}
	if m.Group != q.Group || m.Member != q.Member || m.Kind != kind || m.Since.IsZero() != (len(m.Via) > 1) {
		w.t.Fatalf("%s: %+v", what, m)
	}
}

// isWay demands a shortest way over edges that count.
func (w *tangle) isWay(what string, q queries.Question, way []domain.GroupID) {
	w.t.Helper()
	if len(way) != w.far(q.Group.UUID, q.Member) {
		w.t.Fatalf("%s: the way from %s to %s is %v, want one of %d", what, q.Member, q.Group, way, w.far(q.Group.UUID, q.Member))
	}
	below := q.Member
	for _, group := range way {
		if !w.counts(group.UUID, below) {
			w.t.Fatalf("%s: the way %v from %s goes over what does not count", what, way, q.Member)
		}
		below = group.UUID
	}
	if len(way) > 0 && way[len(way)-1] != q.Group {
		w.t.Fatalf("%s: the way %v does not end in %s", what, way, q.Group)
	}
}
