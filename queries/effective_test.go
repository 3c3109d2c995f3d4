package queries_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// A user in many groups is found from either side: from the user's groups, and
// from the groups within the one that is asked for.
func TestWhoIsInManyGroups(t *testing.T) {
	d := newDirectory(t)
	user, top, wide, empty := d.user("ada").User.ID, d.group("top").Group.ID, d.group("wide").Group.ID, d.group("empty").Group.ID
	small := d.group("small").Group.ID
	d.addMember(top, wide.UUID)
	d.addMember(empty, small.UUID)
	var groups []domain.GroupID
	for i := range 300 {
		group := d.group(fmt.Sprintf("group %d", i)).Group.ID
		groups = append(groups, group)
		d.addMember(group, user.UUID)
		if i >= 100 { // more than a page of them, the last ones
			d.addMember(wide, group.UUID)
		}
	}
	last := groups[299]
	above := d.group("above the last").Group.ID
	d.addMember(above, last.UUID)
	answers, err := d.reader.Check(t.Context(), []queries.Question{{Group: top, Member: user.UUID}, {Group: above, Member: user.UUID}, {Group: empty, Member: user.UUID}, {Group: wide, Member: user.UUID}}, queries.Freshness{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{3, 2, 0, 2} {
		if len(answers.Ways[i]) != want {
			t.Errorf("question %d: way %v, want one of %d", i, answers.Ways[i], want)
		}
	}
	if way := answers.Ways[1]; len(way) == 2 && !slices.Equal(way, []domain.GroupID{last, above}) {
		t.Errorf("way %v, not over the last group", way)
	}
	all := walkAll(t, 70, func() {}, func(l queries.Listing) (queries.Page[queries.EffectiveMembership], error) {
		return d.reader.EffectiveGroups(t.Context(), user, l, queries.Freshness{})
	})
	if len(all) != 303 {
		t.Errorf("%d groups, want 300, wide, top and above", len(all))
	}
}

// What cannot be told is not answered: while a commit of nesting cannot be folded,
// effective questions are refused, and no others.
func TestEffectiveWhileParked(t *testing.T) {
	d := newDirectory(t)
	user, group := d.user("ada").User.ID, d.group("readers").Group.ID
	d.addMember(group, user.UUID)
	d.appendTo(eventstream.NestingStream, 0, `[{"t":"SetSomethingNew","v":1,"d":{}}]`)
	_, checked := d.reader.Check(t.Context(), []queries.Question{{Group: group, Member: user.UUID}}, queries.Freshness{})
	_, one := d.reader.EffectiveMembership(t.Context(), group, user.UUID, queries.Freshness{})
	_, members := d.reader.EffectiveMembers(t.Context(), group, queries.Listing{}, queries.Freshness{})
	_, groups := d.reader.EffectiveGroups(t.Context(), user, queries.Listing{}, queries.Freshness{})
	for _, err := range []error{checked, one, members, groups} {
		isErr(t, "an effective question", err, eventstream.ErrParked)
	}
	_, err := d.reader.Membership(t.Context(), group, user.UUID, queries.Freshness{})
	isErr(t, "a direct question", err, nil)
	_, err = d.reader.Members(t.Context(), group, queries.Listing{}, queries.Freshness{})
	isErr(t, "a direct list", err, nil)
}

// appendTo writes what no command writes.
func (d *directory) appendTo(stream eventstream.StreamID, after eventstream.Seq, data string) {
	d.t.Helper()
	_, err := d.streams.Append(d.t.Context(), eventstream.Transaction{
		Command: uuid.New(), Actor: "test", Correlation: "test",
		Entries: []eventstream.Entry{{Stream: stream, Expect: eventstream.Exactly(after), Data: []byte(data)}},
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// In 10,000 groups, 10 deep, with 100,000 users below, an edge high up shows with
// its token, or the view is said to be behind: in the wait that is the default.
func TestEdgeHighUp(t *testing.T) {
	groupCount, userCount := 10_000, 100_000
	if testing.Short() {
		groupCount, userCount = 1000, 2000
	}
	d := newDirectory(t)
	// The top of one tree, into the bottom of which another comes and goes.
	groups := make([]domain.GroupID, groupCount)
	for i := range groups {
		groups[i] = d.group(fmt.Sprintf("group %d", i)).Group.ID
		if i > 0 { // a tree with 10 levels, and each group in a second one: diamonds
			d.addMember(groups[parent(i, groupCount)], groups[i].UUID)
		}
		if other := parent(i, groupCount) + 1; i > other && other != 1 && parent(other, groupCount) == parent(parent(i, groupCount), groupCount) {
			d.addMember(groups[other], groups[i].UUID)
		}
	}
	var last uuid.UUID
	for i := range userCount / 50 {
		last = d.crowd(groups[groupCount-1-i%(groupCount/2)], 50)
	}
	top, roof := d.group("the top").Group.ID, d.group("the roof").Group.ID
	d.addMember(roof, top.UUID)
	member, err := d.reader.EffectiveMembership(t.Context(), groups[0], last, queries.Freshness{})
	for errors.Is(err, eventstream.ErrBehind) { // all of nesting is read for the first time
		member, err = d.reader.EffectiveMembership(t.Context(), groups[0], last, queries.Freshness{Wait: queries.MaxWait})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d groups deep", len(member.Value.Via))
	for turn := range 5 {
		added := d.addMember(top, groups[0].UUID)
		began := time.Now()
		page, err := d.reader.EffectiveMembers(t.Context(), roof, queries.Listing{Limit: 50}, queries.Freshness{AtLeast: added.Wrote})
		t.Logf("turn %d: a page of members %v after the edge", turn, time.Since(began))
		if err == nil && len(page.Items) != 50 {
			t.Errorf("%d members below the roof", len(page.Items))
		}
		behindOr(t, err, nil)
		began = time.Now()
		_, err = d.reader.EffectiveMembership(t.Context(), roof, last, queries.Freshness{AtLeast: added.Wrote})
		t.Logf("turn %d: a check %v", turn, time.Since(began))
		behindOr(t, err, nil)
		removed := d.do(commands.RemoveMember{Group: top, Member: groups[0].UUID})
		_, err = d.reader.EffectiveMembership(t.Context(), roof, last, queries.Freshness{AtLeast: removed.Wrote})
		behindOr(t, err, domain.NotFound)
	}
}

// crowd puts new users into a group, all in one transaction, and gives the last.
func (d *directory) crowd(group domain.GroupID, count int) (last uuid.UUID) {
	d.t.Helper()
	var entries []eventstream.Entry
	write := func(stream eventstream.StreamID, events ...domain.Event) {
		data, err := domain.EncodeEvents(events)
		if err != nil {
			d.t.Fatal(err)
		}
		entries = append(entries, eventstream.Entry{Stream: stream, Expect: eventstream.Empty(), Data: data})
	}
	for range count {
		last = uuid.Must(uuid.NewV7())
		write(eventstream.UserStream(last), domain.SetUsername{Username: parsed(d.t, domain.ParseUsername, last.String())})
		write(eventstream.MemberStream(group.UUID, last), domain.SetMember{Present: true, Kind: domain.UserMember})
	}
	_, err := d.streams.Append(d.t.Context(), eventstream.Transaction{Command: uuid.New(), Actor: "test", Correlation: "test", Entries: entries})
	if err != nil {
		d.t.Fatal(err)
	}
	return last
}

// parent of a group in a tree of about ten levels.
func parent(i, count int) int {
	width := max(count/10, 1)
	if i <= width {
		return 0
	}
	return i - width
}

func behindOr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, eventstream.ErrBehind) {
		isErr(t, "with the edge's token", err, want)
	}
}

// Pages of any size give everybody who is in throughout, once and in order,
// while others come, go and move.
func TestEffectiveWalks(t *testing.T) {
	d := newDirectory(t)
	top, left, right := d.group("top").Group.ID, d.group("left").Group.ID, d.group("right").Group.ID
	d.addMember(top, left.UUID)
	d.addMember(top, right.UUID)
	stay, pass := map[uuid.UUID]bool{left.UUID: true, right.UUID: true}, []uuid.UUID{}
	for i := range 60 {
		user := d.user(fmt.Sprintf("user%d", i)).User.ID
		switch i % 3 {
		case 0:
			d.addMember(left, user.UUID)
			stay[user.UUID] = true
		case 1:
			d.addMember(left, user.UUID)
			d.addMember(right, user.UUID)
			stay[user.UUID] = true
		default:
			pass = append(pass, user.UUID)
		}
	}
	for _, limit := range []int{1, 2, 7, 50, 500} {
		turn := 0
		items := walkAll(t, limit, func() {
			turn++
			member := pass[turn%len(pass)]
			d.addMember(right, member)
			d.do(commands.RemoveMember{Group: right, Member: pass[(turn+7)%len(pass)]})
		}, func(l queries.Listing) (queries.Page[queries.EffectiveMembership], error) {
			return d.reader.EffectiveMembers(t.Context(), top, l, queries.Freshness{})
		})
		met := 0
		for i, item := range items {
			if i > 0 && bytes.Compare(items[i-1].Member[:], item.Member[:]) >= 0 {
				t.Errorf("limit %d: out of order, or twice", limit)
			}
			if stay[item.Member] {
				met++
			}
		}
		if met != len(stay) {
			t.Errorf("limit %d: %d of %d met", limit, met, len(stay))
		}
	}
}
