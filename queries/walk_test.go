package queries_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

func TestLimits(t *testing.T) {
	d := newDirectory(t)
	ada, group := d.user("ada").User, d.group("readers").Group
	for _, limit := range []int{-1, queries.MaxLimit + 1} {
		listing := queries.Listing{Limit: limit}
		_, err := d.reader.Users(t.Context(), queries.Criteria{}, listing, queries.Freshness{})
		refusedField(t, "users", err, "limit")
		_, err = d.reader.Groups(t.Context(), queries.Criteria{Text: "x"}, listing, queries.Freshness{})
		refusedField(t, "groups", err, "limit")
		_, err = d.reader.Keys(t.Context(), listing, queries.Freshness{})
		refusedField(t, "keys", err, "limit")
		_, err = d.reader.Members(t.Context(), group.ID, listing, queries.Freshness{})
		refusedField(t, "members", err, "limit")
		_, err = d.reader.GroupsOfUser(t.Context(), ada.ID, listing, queries.Freshness{})
		refusedField(t, "groups of", err, "limit")
		_, err = d.reader.GroupHistory(t.Context(), group.ID, queries.Recall{Listing: listing}, queries.Freshness{})
		refusedField(t, "history", err, "limit")
	}
	for i := range 510 {
		d.user(fmt.Sprintf("user%d", i))
	}
	for limit, want := range map[int]int{0: 50, 1: 1, 500: 500} {
		page, err := d.reader.Users(t.Context(), queries.Criteria{}, queries.Listing{Limit: limit}, queries.Freshness{})
		if err != nil || len(page.Items) != want || page.Next == "" {
			t.Errorf("limit %d: %d users, %v", limit, len(page.Items), err)
		}
	}
}

// walkAll follows cursors to the end, doing something between the pages.
func walkAll[T any](t *testing.T, limit int, between func(), page func(queries.Listing) (queries.Page[T], error)) []T {
	t.Helper()
	var all []T
	for listing := (queries.Listing{Limit: limit}); ; between() {
		p, err := page(listing)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Items) > limit || p.Next != "" && len(p.Items) == 0 {
			t.Errorf("a page of %d, limit %d", len(p.Items), limit)
		}
		all = append(all, p.Items...)
		if p.Next == "" {
			return all
		}
		listing.Cursor = p.Next
	}
}

func TestAWalkSeesWhateverStaysExactlyOnce(t *testing.T) {
	for _, limit := range []int{1, 3, 7, 500} {
		d := newDirectory(t)
		var stay []domain.UserID
		for i := range 20 {
			stay = append(stay, d.user(fmt.Sprintf("user%d", i)).User.ID)
		}
		goes, comes := stay[:6:6], 0
		stay = stay[6:]
		between := func() {
			if comes < 40 {
				d.do(commands.CreateUser{ID: domain.UserID{UUID: uuid.New()}, Username: parsed(t, domain.ParseUsername, fmt.Sprintf("new%d", comes))})
				comes++
			}
			if len(goes) > 0 {
				d.do(commands.DeleteUser{ID: goes[0]})
				goes = goes[1:]
			}
		}
		seen := map[domain.UserID]int{}
		users := walkAll(t, limit, between, func(listing queries.Listing) (queries.Page[domain.User], error) {
			return d.reader.Users(t.Context(), queries.Criteria{}, listing, queries.Freshness{})
		})
		for _, user := range users {
			seen[user.ID]++
		}
		for _, id := range stay {
			if seen[id] != 1 {
				t.Errorf("limit %d: one who stayed was seen %d times", limit, seen[id])
			}
		}
		if !slices.IsSortedFunc(users, func(a, b domain.User) int { return slices.Compare(a.ID.UUID[:], b.ID.UUID[:]) }) {
			t.Errorf("limit %d: not in the order of ids", limit)
		}
	}
}

func TestListsOfMemberships(t *testing.T) {
	d := newDirectory(t)
	group, other := d.group("readers").Group, d.group("writers").Group
	var members []uuid.UUID
	for i := range 12 {
		user := d.user(fmt.Sprintf("user%d", i)).User
		members = append(members, user.ID.UUID)
		d.addMember(group.ID, user.ID.UUID)
		if i < 3 {
			d.addMember(other.ID, user.ID.UUID)
		}
	}
	d.addMember(group.ID, other.ID.UUID)
	d.do(commands.RemoveMember{Group: group.ID, Member: members[2]})
	d.do(commands.DeleteUser{ID: domain.UserID{UUID: members[4]}})
	want := slices.Concat(members[:2], members[3:4], members[5:], []uuid.UUID{other.ID.UUID})
	slices.SortFunc(want, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	for _, limit := range []int{1, 4, 500} {
		var got []uuid.UUID
		for _, edge := range walkAll(t, limit, func() {}, func(listing queries.Listing) (queries.Page[domain.Membership], error) {
			return d.reader.Members(t.Context(), group.ID, listing, queries.Freshness{})
		}) {
			got = append(got, edge.Member)
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: members %v, not %v", limit, got, want)
		}
	}
	groupsOf := func(what string, ask func(queries.Listing) (queries.Page[domain.Membership], error), want ...domain.GroupID) {
		t.Helper()
		var got []domain.GroupID
		for _, edge := range walkAll(t, 1, func() {}, ask) {
			got = append(got, edge.Group)
		}
		slices.SortFunc(want, func(a, b domain.GroupID) int { return slices.Compare(a.UUID[:], b.UUID[:]) })
		if !slices.Equal(got, want) {
			t.Errorf("groups of %s: %v, not %v", what, got, want)
		}
	}
	groupsOf("one in two groups", func(listing queries.Listing) (queries.Page[domain.Membership], error) {
		return d.reader.GroupsOfUser(t.Context(), domain.UserID{UUID: members[0]}, listing, queries.Freshness{})
	}, group.ID, other.ID)
	groupsOf("a group", func(listing queries.Listing) (queries.Page[domain.Membership], error) {
		return d.reader.GroupsOfGroup(t.Context(), other.ID, listing, queries.Freshness{})
	}, group.ID)
	d.do(commands.DeleteGroup{ID: group.ID})
	groupsOf("one of whose groups is gone", func(listing queries.Listing) (queries.Page[domain.Membership], error) {
		return d.reader.GroupsOfUser(t.Context(), domain.UserID{UUID: members[0]}, listing, queries.Freshness{})
	}, other.ID)
	_, err := d.reader.Members(t.Context(), group.ID, queries.Listing{}, queries.Freshness{})
	isErr(t, "members of a group that is gone", err, domain.NotFound)
	_, err = d.reader.GroupsOfGroup(t.Context(), group.ID, queries.Listing{}, queries.Freshness{})
	isErr(t, "groups of a group that is gone", err, domain.NotFound)
	_, err = d.reader.GroupsOfUser(t.Context(), domain.UserID{UUID: members[4]}, queries.Listing{}, queries.Freshness{})
	isErr(t, "groups of a user who is gone", err, domain.NotFound)
	_, err = d.reader.GroupsOfUser(t.Context(), domain.UserID{UUID: other.ID.UUID}, queries.Listing{}, queries.Freshness{})
	isErr(t, "groups of a user who is a group", err, domain.NotFound)
}

func TestRevokedKeysAreNotListed(t *testing.T) {
	d := newDirectory(t)
	var want []domain.KeyID
	for i := range 9 {
		key := d.do(commands.CreateKey{Label: text(t, "key"), Scopes: []domain.Scope{domain.ReadScope}}).Key
		if i%3 != 0 {
			d.do(commands.RevokeKey{ID: key.ID})
			continue
		}
		want = append(want, key.ID)
	}
	for _, limit := range []int{1, 2, 500} {
		var got []domain.KeyID
		for _, key := range walkAll(t, limit, func() {}, func(listing queries.Listing) (queries.Page[domain.APIKey], error) {
			return d.reader.Keys(t.Context(), listing, queries.Freshness{})
		}) {
			got = append(got, key.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, not %v", limit, got, want)
		}
	}
}

func TestAnAnswerAboutOneShowsItsOwnStream(t *testing.T) {
	d := newDirectory(t)
	ada, group := d.user("ada").User, d.group("readers").Group
	d.rename(ada.ID, "lovelace")
	d.addMember(group.ID, ada.ID.UUID)
	key := d.do(commands.CreateKey{Label: text(t, "key"), Scopes: []domain.Scope{domain.ReadScope}}).Key
	user, err := d.reader.User(t.Context(), ada.ID, queries.Freshness{})
	isErr(t, "user", err, nil)
	shows(t, "user", user.Shows, at(eventstream.UserStream(ada.ID.UUID), 2))
	read, err := d.reader.Group(t.Context(), group.ID, queries.Freshness{})
	isErr(t, "group", err, nil)
	shows(t, "group", read.Shows, at(eventstream.GroupStream(group.ID.UUID), 1))
	edge, err := d.reader.Membership(t.Context(), group.ID, ada.ID.UUID, queries.Freshness{})
	isErr(t, "membership", err, nil)
	shows(t, "membership", edge.Shows, at(eventstream.MemberStream(group.ID.UUID, ada.ID.UUID), 1))
	readKey, err := d.reader.Key(t.Context(), key.ID, queries.Freshness{})
	isErr(t, "key", err, nil)
	shows(t, "key", readKey.Shows, at(eventstream.KeyStream(key.ID.UUID), 1))
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	d := newDirectory(t)
	ada, group, inner := d.user("ada").User, d.group("readers").Group, d.group("inner").Group
	key := d.do(commands.CreateKey{Label: text(t, "key"), Scopes: []domain.Scope{domain.ReadScope}}).Key
	notAMember := func(what string, group domain.GroupID, member uuid.UUID) {
		t.Helper()
		_, err := d.reader.Membership(t.Context(), group, member, queries.Freshness{})
		isErr(t, what, err, domain.NotFound)
		var refusal *domain.Error
		if !errors.As(err, &refusal) || refusal.Code != queries.CodeNotAMember {
			t.Errorf("%s: %v", what, err)
		}
	}
	notAMember("nobody in no group", domain.GroupID{UUID: uuid.UUID{1}}, uuid.UUID{2})
	notAMember("one who is not in", group.ID, ada.ID.UUID)
	d.addMember(group.ID, ada.ID.UUID)
	d.addMember(group.ID, inner.ID.UUID)
	d.do(commands.DeleteGroup{ID: inner.ID})
	notAMember("a member that is gone", group.ID, inner.ID.UUID)
	d.do(commands.RemoveMember{Group: group.ID, Member: ada.ID.UUID})
	notAMember("one who was taken out", group.ID, ada.ID.UUID)
	d.addMember(group.ID, ada.ID.UUID)
	d.do(commands.DeleteUser{ID: ada.ID})
	notAMember("a user who is gone", group.ID, ada.ID.UUID)
	d.do(commands.RevokeKey{ID: key.ID})
	for what, ask := range map[string]func(context.Context) error{
		"a user who is gone": func(ctx context.Context) error {
			_, err := d.reader.User(ctx, ada.ID, queries.Freshness{})
			return err
		},
		"a user who is a group": func(ctx context.Context) error {
			_, err := d.reader.User(ctx, domain.UserID{UUID: group.ID.UUID}, queries.Freshness{})
			return err
		},
		"a group that is gone": func(ctx context.Context) error {
			_, err := d.reader.Group(ctx, inner.ID, queries.Freshness{})
			return err
		},
		"a key that was revoked": func(ctx context.Context) error {
			_, err := d.reader.Key(ctx, key.ID, queries.Freshness{})
			return err
		},
		"a key that never was": func(ctx context.Context) error {
			_, err := d.reader.Key(ctx, domain.KeyID{UUID: uuid.UUID{1}}, queries.Freshness{})
			return err
		},
	} {
		isErr(t, what, ask(t.Context()), domain.NotFound)
	}
}

// candid is a view that shows memberships without looking at their ends.
type candid struct{ queries.View }

func (candid) Membership(_ context.Context, group domain.GroupID, member uuid.UUID) (domain.Membership, error) {
	return domain.Membership{Group: group, Member: member, Kind: domain.UserMember, Seq: 1, Present: true}, nil
}

func TestAMembershipIsHiddenOnceAnEndIsGone(t *testing.T) {
	d := newDirectory(t)
	reader, err := queries.NewReader(queries.Config{Streams: d.streams, View: candid{d.view}, Waiter: d.forwarder})
	if err != nil {
		t.Fatal(err)
	}
	ada, bob := d.user("ada").User, d.user("bob").User
	one, two := d.group("one").Group, d.group("two").Group
	d.do(commands.DeleteUser{ID: bob.ID})
	d.do(commands.DeleteGroup{ID: two.ID})
	for _, c := range []struct {
		group  domain.GroupID
		member domain.UserID
		want   error
	}{
		{one.ID, ada.ID, nil},
		{one.ID, bob.ID, domain.NotFound},
		{two.ID, ada.ID, domain.NotFound},
		{one.ID, domain.NewID[domain.User](), nil}, // not heard of yet
	} {
		_, err := reader.Membership(t.Context(), c.group, c.member.UUID, queries.Freshness{})
		isErr(t, "membership", err, c.want)
	}
}
