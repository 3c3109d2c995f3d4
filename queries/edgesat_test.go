package queries_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries"
)

// TestThePastIsWhatWas asks, after any history and with a clock that jumps to and
// fro, how it was at every instant, and compares with what the commits up to then
// say.
func TestThePastIsWhatWas(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDirectory(t)
		w := &pastWorld{directory: d, rt: rt}
		for i := range 3 {
			w.users = append(w.users, d.user(fmt.Sprint("user", i)).User.ID)
			w.groups = append(w.groups, d.group(fmt.Sprint("group", i)).Group.ID)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"add":       func(*rapid.T) { w.do(commands.AddMember{Group: w.aGroup(), Member: w.anybody()}) },
			"add again": func(*rapid.T) { w.do(commands.AddMember{Group: w.aGroup(), Member: w.anybody()}) },
			"take out":  func(*rapid.T) { w.do(commands.RemoveMember{Group: w.aGroup(), Member: w.anybody()}) },
			"remove a user": func(rt *rapid.T) {
				if rapid.IntRange(0, 3).Draw(rt, "really") == 0 {
					w.do(commands.DeleteUser{ID: rapid.SampledFrom(w.users).Draw(rt, "user")})
				}
			},
			"remove a group": func(rt *rapid.T) {
				if rapid.IntRange(0, 5).Draw(rt, "really") == 0 {
					w.do(commands.DeleteGroup{ID: w.aGroup()})
				}
			},
			"fall behind": func(rt *rapid.T) { d.deaf.Store(rapid.Bool().Draw(rt, "deaf")) },
			"":            func(rt *rapid.T) { w.compare(rt) },
		})
	})
}

type pastWorld struct {
	*directory
	rt     *rapid.T
	users  []domain.UserID
	groups []domain.GroupID
}

func (w *pastWorld) aGroup() domain.GroupID { return rapid.SampledFrom(w.groups).Draw(w.rt, "group") }

func (w *pastWorld) anybody() uuid.UUID { return rapid.SampledFrom(w.ids()).Draw(w.rt, "member") }

func (w *pastWorld) ids() []uuid.UUID {
	var ids []uuid.UUID
	for i := range w.users {
		ids = append(ids, w.users[i].UUID, w.groups[i].UUID)
	}
	return ids
}

// do does what it can, at a time near the last one.
func (w *pastWorld) do(command commands.Command) {
	w.clock = w.clock.Add(time.Duration(rapid.IntRange(-3, 4).Draw(w.rt, "milliseconds")) * time.Millisecond)
	_, err := w.handler.Do(context.Background(), commands.Request{Actor: "test", Correlation: "test"}, command)
	var refused *domain.Error
	if err != nil && !errors.As(err, &refused) {
		w.rt.Fatal(err)
	}
}

// was is a membership, a user or a group as the commits up to an instant make it.
type was struct {
	there bool
	since time.Time
}

// commits gives everything that was written.
func (w *pastWorld) commits() []eventstream.Commit {
	var all []eventstream.Commit
	for transaction, err := range w.store.Tail(context.Background(), 0) {
		if err != nil {
			w.rt.Fatal(err)
		}
		all = append(all, transaction...)
	}
	return all
}

func thenWas(commits []eventstream.Commit, at time.Time) map[eventstream.StreamID]was {
	then := map[eventstream.StreamID]was{}
	for _, commit := range commits {
		if commit.Time.After(at) {
			continue
		}
		now := then[commit.Stream]
		switch commit.Stream.Kind() {
		case eventstream.UserKind, eventstream.GroupKind:
			now.there = true
		}
		events, err := domain.DecodeEvents(commit.Data)
		if err != nil {
			panic(err)
		}
		for _, event := range events {
			switch e := event.(type) {
			case domain.SetRemoved:
				now.there = false
			case domain.SetMember:
				if e.Present && !now.there {
					now.since = commit.Time
				}
				now.there = e.Present
			}
		}
		then[commit.Stream] = now
	}
	return then
}

func (w *pastWorld) compare(rt *rapid.T) {
	commits := w.commits()
	at := w.clock.Add(time.Duration(rapid.IntRange(-40, 6).Draw(rt, "at")) * time.Millisecond)
	at = at.Add(time.Duration(rapid.IntRange(0, 999_999).Draw(rt, "nanoseconds")))
	limit := rapid.IntRange(1, 4).Draw(rt, "limit")
	then := thenWas(commits, at)
	isIn := func(group, member uuid.UUID) (string, bool) {
		edge := then[eventstream.MemberStream(group, member)]
		ends := then[eventstream.GroupStream(group)].there && (then[eventstream.UserStream(member)].there || then[eventstream.GroupStream(member)].there)
		return fmt.Sprint(group, member, edge.since), edge.there && ends
	}
	for _, group := range w.groups {
		var want []string
		for _, member := range sortedByID(w.ids()) {
			if text, is := isIn(group.UUID, member); is {
				want = append(want, text)
			}
		}
		w.same(rt, "members", then[eventstream.GroupStream(group.UUID)].there, want, limit, func(listing queries.Listing, given time.Time) (queries.Page[domain.Membership], error) {
			return w.reader.MembersAt(context.Background(), group, given, listing, queries.Freshness{Latest: true})
		}, at)
		w.sameHistory(rt, commits, group, limit)
	}
	for _, user := range w.users {
		var want []string
		for _, group := range sortedByID(w.ids()) {
			if text, is := isIn(group, user.UUID); is {
				want = append(want, text)
			}
		}
		w.same(rt, "groups", then[eventstream.UserStream(user.UUID)].there, want, limit, func(listing queries.Listing, given time.Time) (queries.Page[domain.Membership], error) {
			return w.reader.GroupsOfUserAt(context.Background(), user, given, listing, queries.Freshness{Latest: true})
		}, at)
	}
}

func sortedByID(ids []uuid.UUID) []uuid.UUID {
	return slices.SortedFunc(slices.Values(ids), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
}

// same walks a list of the past and compares it; the cursor brings the instant.
func (w *pastWorld) same(rt *rapid.T, what string, existed bool, want []string, limit int, page func(queries.Listing, time.Time) (queries.Page[domain.Membership], error), at time.Time) {
	var got []string
	for listing := (queries.Listing{Limit: limit}); ; at = (time.Time{}) {
		p, err := page(listing, at)
		if !existed {
			if !errors.Is(err, domain.NotFound) {
				rt.Fatalf("%s of what was not there: %v", what, err)
			}
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		for _, edge := range p.Items {
			got = append(got, fmt.Sprint(edge.Group, edge.Member, edge.Since))
		}
		if listing.Cursor = p.Next; p.Next == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		rt.Fatalf("%s: %v, want %v", what, got, want)
	}
}

func (w *pastWorld) sameHistory(rt *rapid.T, commits []eventstream.Commit, group domain.GroupID, limit int) {
	want := slices.DeleteFunc(slices.Clone(commits), func(c eventstream.Commit) bool {
		of, _, is := c.Stream.Edge()
		return !is || of != group.UUID
	})
	slices.SortFunc(want, func(a, b eventstream.Commit) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Seq, b.Seq))
	})
	if rapid.Bool().Draw(rt, "bounded") {
		defer w.reader.BoundPast(rapid.IntRange(1, 4).Draw(rt, "rows"), rapid.IntRange(1, 4).Draw(rt, "reads"), rapid.IntRange(1, 2).Draw(rt, "chunk"))()
	}
	var got []eventstream.Position
	for recall := (queries.Recall{Listing: queries.Listing{Limit: limit}, Diff: true}); ; recall.Diff = false {
		page, err := w.reader.MembersHistory(context.Background(), group, recall, queries.Freshness{Latest: true})
		if err != nil {
			rt.Fatal(err)
		}
		for _, change := range page.Items {
			got = append(got, eventstream.Position{Stream: change.Stream, Seq: change.Seq})
			if !change.Diff || (change.Before == queries.State{}) == (change.After == queries.State{}) {
				rt.Fatalf("a commit of a membership does not make or end it: %+v", change)
			}
		}
		if recall.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if !slices.EqualFunc(got, want, func(p eventstream.Position, c eventstream.Commit) bool { return p == c.Position() }) {
		rt.Fatalf("history: %v, want %v", got, want)
	}
}

// TestThePastReadsOnlyWhatMoved counts the streams that are read.
func TestThePastReadsOnlyWhatMoved(t *testing.T) {
	var counted *countedReads
	d := newDirectoryOn(t, func(s *memstore.Store) eventstream.Store { counted = &countedReads{Store: s}; return counted })
	group := d.group("readers").Group.ID
	var users []domain.UserID
	for i := range 40 {
		users = append(users, d.user(fmt.Sprint("user", i)).User.ID)
		d.addMember(group, users[i].UUID)
	}
	for _, user := range users[:10] {
		d.do(commands.RemoveMember{Group: group, Member: user.UUID})
	}
	at := d.clock
	d.clock = d.clock.Add(time.Hour)
	for _, user := range users[5:8] {
		d.addMember(group, user.UUID) // came back
	}
	for _, user := range users[10:14] {
		d.do(commands.RemoveMember{Group: group, Member: user.UUID})
	}
	d.do(commands.DeleteUser{ID: users[20]})
	counted.reads.Store(0)
	page, err := d.reader.MembersAt(t.Context(), group, at, queries.Listing{Limit: 500}, queries.Freshness{})
	if err != nil || len(page.Items) != 30 {
		t.Fatalf("%d members, %v", len(page.Items), err)
	}
	if reads := counted.reads.Load(); reads != 3+4+1 {
		t.Errorf("%d streams were read, of 8 that moved", reads)
	}
	_, err = d.reader.MembersAt(t.Context(), group, time.Unix(math.MaxInt32, 0).AddDate(7000, 0, 0), queries.Listing{}, queries.Freshness{})
	isErr(t, "the far future", err, nil)
}

// TestAHistoryOfMembersIsReadInParts walks the history of a group with more memberships
// than one call reads, and writes meanwhile.
func TestAHistoryOfMembersIsReadInParts(t *testing.T) {
	var counted *countedReads
	d := newDirectoryOn(t, func(s *memstore.Store) eventstream.Store { counted = &countedReads{Store: s}; return counted })
	group := d.group("readers").Group.ID
	const members, rows, reads, chunk = 150, 60, 40, 20
	var users []domain.UserID
	for i := range members {
		users = append(users, d.user(fmt.Sprint("user", i)).User.ID)
		d.addMember(group, users[i].UUID)
		d.clock = d.clock.Add(time.Millisecond)
		d.do(commands.RemoveMember{Group: group, Member: users[i].UUID})
		d.clock = d.clock.Add(time.Millisecond)
	}
	d.reader.BoundPast(rows, reads, chunk)
	d.clock = time.Now().Add(time.Hour)
	recall := queries.Recall{Listing: queries.Listing{Limit: 1}}
	var last time.Time
	told, calls := 0, 0
	for ; ; calls++ {
		counted.reads.Store(0)
		page, err := d.reader.MembersHistory(t.Context(), group, recall, queries.Freshness{})
		if err != nil {
			t.Fatal(err)
		}
		if read := counted.reads.Load(); read > reads+chunk+int64(len(page.Items)) {
			t.Fatalf("a page read %d streams", read)
		}
		for _, change := range page.Items {
			if !change.Time.After(last) {
				t.Fatalf("%v comes behind %v", change.Time, last)
			}
			last = change.Time
		}
		told += len(page.Items)
		d.addMember(group, users[calls%2].UUID) // it is beside what is walked
		d.do(commands.RemoveMember{Group: group, Member: users[calls%2].UUID})
		if recall.Cursor = page.Next; page.Next == "" {
			break
		}
		if len(page.Next) > 5000 {
			t.Fatalf("a cursor has %d characters", len(page.Next))
		}
		recall.Limit = 500
	}
	if told != 2*members {
		t.Errorf("%d commits were told, of %d, in %d calls", told, 2*members, calls)
	}
}

// countedReads counts what is read of streams.
type countedReads struct {
	eventstream.Store
	reads atomic.Int64
}

// Read implements eventstream.Store.
func (c *countedReads) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	c.reads.Add(1)
	return c.Store.Read(ctx, stream, after)
}
