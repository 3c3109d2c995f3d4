package queries_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

func boolean(value bool) *bool { return &value }

// cursors gives a cursor of each kind of list, of a directory with two of
// everything.
func cursors(t *testing.T, d *directory) map[string]string {
	t.Helper()
	d.run()
	ada, bob := d.user("ada").User, d.user("adam").User
	one, two := d.group("one").Group, d.group("two").Group
	for range 2 {
		d.do(commands.CreateKey{Label: text(t, "key"), Scopes: []domain.Scope{domain.ReadScope}})
	}
	for _, group := range []domain.GroupID{one.ID, two.ID} {
		d.addMember(group, ada.ID.UUID)
		d.addMember(group, bob.ID.UUID)
	}
	d.rename(ada.ID, "adalovelace")
	ctx, first := t.Context(), queries.Listing{Limit: 1}
	latest := queries.Freshness{Latest: true}
	found := map[string]string{}
	note := func(what, next string, err error) {
		if err != nil || next == "" {
			t.Fatalf("%s: cursor %q, %v", what, next, err)
		}
		found[what] = next
	}
	users, err := d.reader.Users(ctx, queries.Criteria{}, first, latest)
	note("users", users.Next, err)
	search, err := d.reader.Users(ctx, queries.Criteria{Text: "ada"}, first, latest)
	note("search", search.Next, err)
	groups, err := d.reader.Groups(ctx, queries.Criteria{}, first, latest)
	note("groups", groups.Next, err)
	keys, err := d.reader.Keys(ctx, first, latest)
	note("keys", keys.Next, err)
	members, err := d.reader.Members(ctx, one.ID, first, latest)
	note("members", members.Next, err)
	of, err := d.reader.GroupsOfUser(ctx, ada.ID, first, latest)
	note("groups of", of.Next, err)
	history, err := d.reader.UserHistory(ctx, ada.ID, queries.Recall{Listing: first}, latest)
	note("history", history.Next, err)
	return found
}

// lists asks each kind of list of the directory with a cursor.
func lists(t *testing.T, d *directory) map[string]func(cursor string) error {
	ctx, latest := t.Context(), queries.Freshness{}
	page, err := d.reader.Users(ctx, queries.Criteria{}, queries.Listing{}, latest)
	if err != nil {
		t.Fatal(err)
	}
	var ada domain.UserID
	for _, user := range page.Items {
		if user.Username.String() == "adalovelace" {
			ada = user.ID
		}
	}
	one, err := d.reader.GroupByName(ctx, "one", latest)
	if err != nil {
		t.Fatal(err)
	}
	users := func(cursor string) error {
		_, err := d.reader.Users(ctx, queries.Criteria{}, queries.Listing{Cursor: cursor}, latest)
		return err
	}
	return map[string]func(string) error{
		"users":  users,
		"search": users,
		"groups": func(cursor string) error {
			_, err := d.reader.Groups(ctx, queries.Criteria{}, queries.Listing{Cursor: cursor}, latest)
			return err
		},
		"keys": func(cursor string) error {
			_, err := d.reader.Keys(ctx, queries.Listing{Cursor: cursor}, latest)
			return err
		},
		"members": func(cursor string) error {
			_, err := d.reader.Members(ctx, one.Value.ID, queries.Listing{Cursor: cursor}, latest)
			return err
		},
		"groups of": func(cursor string) error {
			_, err := d.reader.GroupsOfUser(ctx, ada, queries.Listing{Cursor: cursor}, latest)
			return err
		},
		"history": func(cursor string) error {
			_, err := d.reader.UserHistory(ctx, ada, queries.Recall{Listing: queries.Listing{Cursor: cursor}}, latest)
			return err
		},
	}
}

func TestACursorIsGoodForItsOwnListOnly(t *testing.T) {
	d := newDirectory(t)
	made := cursors(t, d)
	for list, ask := range lists(t, d) {
		for of, cursor := range made {
			err := ask(cursor)
			if isSame := list == of || strings.Contains("users search users", list+" "+of); isSame {
				isErr(t, list+" with its own cursor", err, nil)
			} else {
				refusedField(t, list+" with the cursor of "+of, err, "cursor")
			}
		}
		for what, cursor := range map[string]string{
			"no base64": "%", "empty bytes": "AA", "padding": made[list] + "=", "too long": strings.Repeat("A", 1<<20),
			"short": made[list][:20], "longer": made[list] + "AAAA", "another version": "B" + made[list][1:],
		} {
			refusedField(t, list+" with a cursor that is "+what, ask(cursor), "cursor")
		}
	}
}

func TestACursorOfAnotherEntityIsRefused(t *testing.T) {
	d := newDirectory(t)
	made := cursors(t, d)
	two, err := d.reader.GroupByName(t.Context(), "two", queries.Freshness{})
	if err != nil {
		t.Fatal(err)
	}
	bob, err := d.reader.UserByUsername(t.Context(), "adam", queries.Freshness{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.reader.Members(t.Context(), two.Value.ID, queries.Listing{Cursor: made["members"]}, queries.Freshness{})
	refusedField(t, "members of another group", err, "cursor")
	_, err = d.reader.GroupsOfUser(t.Context(), bob.Value.ID, queries.Listing{Cursor: made["groups of"]}, queries.Freshness{})
	refusedField(t, "groups of another user", err, "cursor")
	_, err = d.reader.UserHistory(t.Context(), bob.Value.ID, queries.Recall{Listing: queries.Listing{Cursor: made["history"]}}, queries.Freshness{})
	refusedField(t, "history of another user", err, "cursor")
}

func TestACursorThatWasAlteredIsRefused(t *testing.T) {
	d := newDirectory(t)
	made, ask := cursors(t, d), lists(t, d)
	for list, cursor := range made {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil {
			t.Fatalf("a cursor is not base64url: %v", err)
		}
		for i := range raw {
			raw[i] ^= 0x10
			refusedField(t, list, ask[list](base64.RawURLEncoding.EncodeToString(raw)), "cursor")
			raw[i] ^= 0x10
		}
	}
}

func TestACursorOfAnotherDirectoryIsRefused(t *testing.T) {
	d := newDirectory(t)
	cursor := cursors(t, d)["search"]
	other, err := queries.NewReader(queries.Config{
		Streams: d.streams, View: d.view, Waiter: d.forwarder, Search: search{d}, SearchWaiter: d.forwarder, ClaimSecret: domain.ClaimSecret{9},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.Users(t.Context(), queries.Criteria{}, queries.Listing{Cursor: cursor}, queries.Freshness{})
	refusedField(t, "a cursor of another secret", err, "cursor")
}

func TestACursorTellsNothing(t *testing.T) {
	d := newDirectory(t)
	for what, cursor := range cursors(t, d) {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || len(cursor) > 400 {
			t.Errorf("%s: %d characters, %v", what, len(cursor), err)
		}
		for _, word := range []string{"ada", "Ada", "username", "relevance", `"q"`} {
			if strings.Contains(string(raw), word) {
				t.Errorf("the cursor of %s tells %q", what, word)
			}
		}
	}
}

func TestACursorBringsItsFilters(t *testing.T) {
	d := newDirectory(t)
	d.run()
	group := d.group("readers").Group
	for _, name := range []string{"ada1", "ada2", "ada3", "bob"} {
		user := d.do(commands.CreateUser{
			Username: parsed(t, domain.ParseUsername, name), Active: true,
			Attributes: domain.Attributes{"team": parsed(t, func(s string) (domain.Attribute, error) { return domain.ParseAttribute([]byte(s)) }, `"red"`)},
		}).User
		d.addMember(group.ID, user.ID.UUID)
	}
	given := queries.Criteria{
		Text: "ada", Active: boolean(true), Group: group.ID, Attributes: map[string]string{"team": "red"}, Sort: queries.ByUsername, Descending: true,
	}
	first, err := d.reader.Users(t.Context(), given, queries.Listing{Limit: 2}, queries.Freshness{Latest: true})
	if err != nil || len(first.Items) != 2 || first.Items[0].Username.String() != "ada3" {
		t.Fatalf("first page: %v, %v", first.Items, err)
	}
	for what, again := range map[string]queries.Criteria{
		"nothing": {}, "the same": given, "some of it": {Text: "ada", Sort: queries.ByUsername, Descending: true},
	} {
		page, err := d.reader.Users(t.Context(), again, queries.Listing{Cursor: first.Next, Limit: 2}, queries.Freshness{})
		if err != nil || len(page.Items) != 1 || page.Items[0].Username.String() != "ada1" || page.Next != "" {
			t.Errorf("second page, given %s: %v, %v", what, page.Items, err)
		}
	}
	for what, other := range map[string]queries.Criteria{
		"text": {Text: "bob"}, "activity": {Active: boolean(false)}, "group": {Group: domain.GroupID{UUID: uuid.UUID{1}}},
		"attribute": {Attributes: map[string]string{"team": "blue"}}, "attributes": {Attributes: map[string]string{"team": "red", "floor": "1"}},
		"order": {Sort: queries.ByName}, "direction": {Sort: queries.ByUsername},
	} {
		_, err := d.reader.Users(t.Context(), other, queries.Listing{Cursor: first.Next}, queries.Freshness{})
		refusedField(t, "another "+what, err, "cursor")
	}
	all, err := d.reader.Users(t.Context(), queries.Criteria{}, queries.Listing{Limit: 1}, queries.Freshness{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.reader.Users(t.Context(), queries.Criteria{Active: boolean(true)}, queries.Listing{Cursor: all.Next}, queries.Freshness{})
	refusedField(t, "a filter beside the cursor of a list without", err, "cursor")
}

func TestTheLongestCriteriaFitIntoACursor(t *testing.T) {
	d := newDirectory(t)
	d.run()
	name := strings.Repeat("𝒳", domain.MaxText)
	for _, username := range []string{"ada", "adam"} {
		d.do(commands.CreateUser{Username: parsed(t, domain.ParseUsername, username), Name: text(t, name)})
	}
	words := strings.TrimSpace(strings.Repeat("ad ", 80))
	page, err := d.reader.Users(t.Context(), queries.Criteria{Text: words, Sort: queries.ByName}, queries.Listing{Limit: 1}, queries.Freshness{Latest: true})
	if err != nil || len(page.Items) != 1 || page.Next == "" {
		t.Fatalf("first page: %v, %v", page.Items, err)
	}
	if len(page.Next) > 4<<10 {
		t.Errorf("the cursor has %d characters", len(page.Next))
	}
	page, err = d.reader.Users(t.Context(), queries.Criteria{}, queries.Listing{Cursor: page.Next}, queries.Freshness{})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("second page: %v, %v", page.Items, err)
	}
}

func TestCriteriaBeyondTheirLimitsAreRefused(t *testing.T) {
	d := newDirectory(t)
	many := map[string]string{}
	for i := range queries.MaxAttributes + 1 {
		many[strings.Repeat("a", i+1)] = "x"
	}
	for pointer, criteria := range map[string][]queries.Criteria{
		"q":    {{Text: strings.Repeat("x", queries.MaxText+1)}, {Text: "\xff"}, {Attributes: map[string]string{"a": "\xff"}}},
		"attr": {{Attributes: many}, {Attributes: map[string]string{"a": strings.Repeat("x", queries.MaxCriteria)}}},
	} {
		for _, c := range criteria {
			_, err := d.reader.Users(t.Context(), c, queries.Listing{}, queries.Freshness{})
			refusedField(t, pointer, err, pointer)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add("AQ")
	f.Add("AXRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdA")
	var d *directory
	f.Fuzz(func(t *testing.T, cursor string) {
		if d == nil {
			d = newDirectory(t)
		}
		if cursor == "" {
			return
		}
		_, err := d.reader.Users(t.Context(), queries.Criteria{}, queries.Listing{Cursor: cursor}, queries.Freshness{})
		refusedField(t, "users", err, "cursor")
		_, err = d.reader.Keys(t.Context(), queries.Listing{Cursor: cursor}, queries.Freshness{})
		refusedField(t, "keys", err, "cursor")
	})
}
