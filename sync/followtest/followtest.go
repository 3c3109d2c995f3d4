package followtest

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries"
)

// Server is what a process tells followers from.
type Server struct {
	View    queries.View
	Waiter  queries.Waiter
	Notices queries.Notices
	// Observe is told what the store writes, if it is not nil; Carry is handed what
	// was written, some of it late or again.
	Observe eventstream.Observer
	Carry   func(context.Context, []eventstream.Position) error
}

// Run runs the tests. Fresh makes a backend of the store, and gives what starts a
// process on it: at first, and after every end of one.
func Run(t *testing.T, fresh fresh) {
	t.Run("whatever happens", func(t *testing.T) { testAnything(t, fresh) })
	t.Run("one at a time", func(t *testing.T) { testOneAtATime(t, fresh) })
}

type fresh = func(t testing.TB, store *memstore.Store, streams *eventstream.Streams) (start func() Server)

func testAnything(t *testing.T, fresh fresh) {
	rapid.Check(t, func(r *rapid.T) {
		p := newPlay(t, r, fresh)
		r.Repeat(map[string]func(*rapid.T){
			"write": p.write, "write again": p.write, "carry": p.carry, "page": p.page, "page again": p.page,
			"restart a follower": p.restartFollower, "restart the server": p.restartServer, "": func(*rapid.T) {},
		})
		p.end(r)
	})
}

// tester is a test, or one of its cases.
type tester interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// play is one run: a store, a server and those who follow it.
type play struct {
	t         *testing.T
	w         *world
	observe   eventstream.Observer
	start     func() Server
	server    Server
	reader    *queries.Reader
	followers []*replica
	carried   int
}

var filters = []queries.ChangeFilter{
	{},
	{},
	{Kinds: queries.UserChange | queries.GroupChange},
	{Kinds: queries.MemberChange},
	{Group: domain.GroupID{UUID: uuid.UUID{0: 1, 15: 2}}},
	{Kinds: queries.MemberChange, Group: domain.GroupID{UUID: uuid.UUID{0: 2, 15: 2}}},
}

func newPlay(t *testing.T, r tester, fresh fresh) *play {
	p := &play{t: t}
	p.w = newWorld(&p.observe)
	p.start = fresh(t, p.w.store, p.w.streams)
	for _, filter := range filters {
		p.followers = append(p.followers, &replica{filter: filter, states: map[string]string{}})
	}
	p.begin(r)
	return p
}

func (p *play) write(r *rapid.T) {
	if err := p.w.write(p.t.Context(), r); err != nil {
		r.Fatal(err)
	}
}

// carry hands over what was written, from somewhere that was handed over already.
func (p *play) carry(r *rapid.T) {
	from := rapid.IntRange(0, p.carried).Draw(r, "from")
	upTo := rapid.IntRange(p.carried, len(p.w.told)).Draw(r, "up to")
	if err := p.server.Carry(p.t.Context(), p.w.told[from:upTo]); err != nil {
		r.Fatal(err)
	}
	p.carried = upTo
}

func (p *play) page(r *rapid.T) {
	f := rapid.SampledFrom(p.followers).Draw(r, "follower")
	p.next(r, f, rapid.SampledFrom([]int{1, 2, 3, 5, 500}).Draw(r, "limit"))
}

func (p *play) next(r *rapid.T, f *replica, limit int) (told bool) {
	if f.follower == nil {
		var err error
		if f.follower, err = p.reader.Follow(f.position, f.filter, epoch); err != nil {
			r.Fatal(err)
		}
	}
	page, err := f.follower.Next(p.t.Context(), nil, limit)
	if err != nil || len(page) > limit {
		r.Fatalf("a page of %d of %d, %v", len(page), limit, err)
	}
	// It may stop anywhere within the page, and go on from there.
	stop := rapid.IntRange(-1, len(page)-1).Draw(r, "stop")
	for i := range page {
		f.apply(&page[i])
		if i == stop {
			text, err := f.follower.AppendPosition(nil, &page[i])
			if err != nil {
				r.Fatal(err)
			}
			f.position, f.follower = string(text), nil
			return false
		}
	}
	if f.position, err = f.follower.Position(); err != nil {
		r.Fatal(err)
	}
	return f.follower.Told()
}

func (p *play) restartFollower(r *rapid.T) {
	rapid.SampledFrom(p.followers).Draw(r, "follower").follower = nil
}

func (p *play) restartServer(r *rapid.T) { p.begin(r) }

func (p *play) begin(r tester) {
	p.server = p.start()
	p.observe = p.server.Observe
	var err error
	p.reader, err = queries.NewReader(queries.Config{Streams: p.w.streams, View: p.server.View, Waiter: p.server.Waiter, Notices: p.server.Notices})
	if err != nil {
		r.Fatal(err)
	}
	for _, f := range p.followers {
		f.follower = nil
	}
}

// end lets everything be carried and told, and compares.
func (p *play) end(r *rapid.T) {
	if err := p.server.Carry(p.t.Context(), p.w.told); err != nil {
		r.Fatal(err)
	}
	want := p.directory(r)
	for i, f := range p.followers {
		for pages := 0; !p.next(r, f, 3); pages++ {
			if pages > 10_000 {
				r.Fatalf("follower %d is never told everything", i)
			}
		}
		if diff := cmp.Diff(filtered(want, f.filter), f.states); diff != "" {
			r.Fatalf("follower %d, filter %v (-directory +follower):\n%s", i, f.filter, diff)
		}
	}
}

// epoch is that of all positions.
var epoch = eventstream.Epoch{1, 2, 3}

// replica is a follower and what it knows.
type replica struct {
	filter   queries.ChangeFilter
	follower *queries.Follower // nil until it goes on
	position string
	states   map[string]string
}

func (f *replica) apply(change *queries.Change) {
	name, state := described(change)
	if change.Removed {
		delete(f.states, name)
		return
	}
	f.states[name] = state
}

func described(change *queries.Change) (name, state string) {
	switch change.Kind {
	case queries.UserChange:
		return "user " + change.User.ID.String(), fmt.Sprint(change.User)
	case queries.GroupChange:
		return "group " + change.Group.ID.String(), fmt.Sprint(change.Group)
	}
	m := &change.Membership
	return "member " + m.Group.String() + "/" + m.Member.String(), fmt.Sprint(*m)
}

// directory is what the view lists.
func (p *play) directory(r tester) map[string]queries.Change {
	all := map[string]queries.Change{}
	add := func(change queries.Change) {
		name, _ := described(&change)
		all[name] = change
	}
	const many = 1000
	ctx, view := p.t.Context(), p.server.View
	users, err := view.Users(ctx, domain.UserID{}, many)
	if err != nil {
		r.Fatal(err)
	}
	for _, user := range users {
		add(queries.Change{Kind: queries.UserChange, User: user})
	}
	groups, err := view.Groups(ctx, domain.GroupID{}, many)
	if err != nil {
		r.Fatal(err)
	}
	for _, group := range groups {
		add(queries.Change{Kind: queries.GroupChange, Group: group})
		members, err := view.Members(ctx, group.ID, uuid.Nil, many)
		if err != nil {
			r.Fatal(err)
		}
		for _, member := range members {
			add(queries.Change{Kind: queries.MemberChange, Membership: member})
		}
	}
	return all
}

func filtered(all map[string]queries.Change, filter queries.ChangeFilter) map[string]string {
	left := map[string]string{}
	for name, change := range all {
		of := change.Group.ID
		if change.Kind == queries.MemberChange {
			of = change.Membership.Group
		}
		if filter.Kinds != 0 && filter.Kinds&change.Kind == 0 || !filter.Group.IsZero() && (change.Kind == queries.UserChange || of != filter.Group) {
			continue
		}
		_, left[name] = described(&change)
	}
	return left
}
