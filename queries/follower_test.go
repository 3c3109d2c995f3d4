package queries_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/sync/lognotices"
)

// tired is a view that lists the members of so many groups, and then fails once.
type tired struct {
	queries.View
	lists, left int
}

var errTired = errors.New("tired")

func (v *tired) Members(ctx context.Context, group domain.GroupID, after uuid.UUID, limit int) ([]domain.Membership, error) {
	if v.left == 0 {
		v.left = v.lists
		return nil, errTired
	}
	v.left--
	return v.View.Members(ctx, group, after, limit)
}

func (d *directory) following(view queries.View) *queries.Reader {
	d.t.Helper()
	config := d.config
	config.View, config.Notices = view, lognotices.New(d.store, d.view.Applied)
	reader, err := queries.NewReader(config)
	if err != nil {
		d.t.Fatal(err)
	}
	return reader
}

// Who asks for one page after the other gets on, also where no page finds anything
// to tell before the time for it is over.
func TestPagesThatAreCutShortGetOn(t *testing.T) {
	d := newDirectory(t)
	for i := range 20 {
		d.group(fmt.Sprint("g", i))
	}
	last := d.group("zz").Group.ID
	member := d.user("ada").User.ID
	d.addMember(last, member.UUID)
	reader := d.following(&tired{View: d.view, lists: 3, left: 3})
	var after string
	told, asked := 0, 0
	for ended := false; !ended; {
		follower, err := reader.Follow(after, queries.ChangeFilter{Kinds: queries.MemberChange}, eventstream.Epoch{})
		isErr(t, "follow", err, nil)
		page, err := follower.Next(t.Context(), nil, 50)
		if asked++; asked > 30 {
			t.Fatal("it does not get on")
		}
		if err != nil {
			isErr(t, "next", err, errTired)
			continue
		}
		told += len(page)
		ended = follower.Told()
		if after, err = follower.Position(); err != nil {
			t.Fatal(err)
		}
	}
	if told != 1 {
		t.Errorf("told %d memberships of one", told)
	}
}

// together lists members once several lists are asked for at a time.
type together struct {
	queries.View
	met sync.WaitGroup
}

func (v *together) Members(ctx context.Context, group domain.GroupID, after uuid.UUID, limit int) ([]domain.Membership, error) {
	if after == uuid.Nil {
		v.met.Done()
		v.met.Wait()
	}
	return v.View.Members(ctx, group, after, limit)
}

// Where each list takes a request, those of several groups are asked for at a time,
// and each membership is told once, however small the pages.
func TestMembersAreListedTogether(t *testing.T) {
	for _, limit := range []int{1, 2, 5, 100} {
		d := newDirectoryOn(t, func(s *memstore.Store) eventstream.Store { return &countedReads{Store: s} })
		member := d.user("ada").User.ID
		const groups = 16
		for i := range groups {
			group := d.group(fmt.Sprint("g", i)).Group.ID
			if i%3 == 0 {
				continue
			}
			d.addMember(group, member.UUID)
			for k := range i % 4 {
				d.addMember(group, d.user(fmt.Sprint("u", i, ".", k)).User.ID.UUID)
			}
		}
		view := &together{View: d.view}
		view.met.Add(groups)
		follower, err := d.following(view).Follow("", queries.ChangeFilter{Kinds: queries.MemberChange}, eventstream.Epoch{})
		isErr(t, "follow", err, nil)
		told := map[string]int{}
		for pages := 0; !follower.Told(); pages++ {
			page, err := follower.Next(t.Context(), nil, limit)
			isErr(t, "next", err, nil)
			if len(page) > limit || pages > 100 {
				t.Fatalf("page %d has %d", pages, len(page))
			}
			for _, change := range page {
				told[fmt.Sprint(change.Membership.Group, change.Membership.Member)]++
			}
		}
		want := 0
		for i := range groups {
			if i%3 != 0 {
				want += 1 + i%4
			}
		}
		for which, times := range told {
			if times != 1 {
				t.Errorf("%s was told %d times", which, times)
			}
		}
		if len(told) != want {
			t.Errorf("in pages of %d: told %d memberships of %d", limit, len(told), want)
		}
	}
}

// A filter beside a position must be the position's, also if it asks for all.
func TestAPositionOfOtherKinds(t *testing.T) {
	d := newDirectory(t)
	reader := d.following(d.view)
	follower, err := reader.Follow("", queries.ChangeFilter{Kinds: queries.UserChange}, eventstream.Epoch{})
	isErr(t, "follow", err, nil)
	_, err = follower.Next(t.Context(), nil, 1)
	isErr(t, "next", err, nil)
	position, err := follower.Position()
	isErr(t, "position", err, nil)
	for _, kinds := range []queries.ChangeKind{queries.GroupChange, queries.UserChange | queries.GroupChange | queries.MemberChange} {
		_, err = reader.Follow(position, queries.ChangeFilter{Kinds: kinds}, eventstream.Epoch{})
		isErr(t, fmt.Sprint("kinds ", kinds), err, domain.Invalid)
	}
	_, err = reader.Follow(position, queries.ChangeFilter{Kinds: queries.UserChange}, eventstream.Epoch{})
	isErr(t, "the same", err, nil)
	_, err = reader.Follow(position, queries.ChangeFilter{}, eventstream.Epoch{})
	isErr(t, "none", err, nil)
}
