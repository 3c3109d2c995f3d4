package queries_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

func TestWithoutSearchThereAreOnlyLists(t *testing.T) {
	d := newDirectory(t)
	d.user("ada")
	d.group("readers")
	reader, err := queries.NewReader(queries.Config{Streams: d.streams, View: d.view, Waiter: d.forwarder})
	if err != nil {
		t.Fatal(err)
	}
	users, err := reader.Users(t.Context(), queries.Criteria{}, queries.Listing{}, queries.Freshness{})
	if err != nil || len(users.Items) != 1 {
		t.Errorf("users: %v, %v", users.Items, err)
	}
	groups, err := reader.Groups(t.Context(), queries.Criteria{Sort: queries.ByID}, queries.Listing{}, queries.Freshness{})
	if err != nil || len(groups.Items) != 1 {
		t.Errorf("groups: %v, %v", groups.Items, err)
	}
	for _, criteria := range []queries.Criteria{
		{Text: "ada"},
		{Active: boolean(true)},
		{Group: domain.GroupID{UUID: uuid.UUID{1}}},
		{Attributes: map[string]string{"a": "b"}},
		{Sort: queries.ByName},
		{Sort: queries.ByID, Descending: true},
	} {
		_, err := reader.Users(t.Context(), criteria, queries.Listing{}, queries.Freshness{})
		isErr(t, "search", err, queries.ErrSearchOff)
	}
}

func TestFoundOnesThatAreGoneAreLeftOut(t *testing.T) {
	d := newDirectory(t)
	ada := d.user("ada1").User
	d.user("ada2")
	d.user("ada3")
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- d.forwarder.Run(ctx) }()
	isErr(t, "flush", d.forwarder.Flush(t.Context()), nil)
	cancel()
	isErr(t, "run", <-stopped, nil)
	d.do(commands.DeleteUser{ID: ada.ID})
	var names []string
	for _, user := range walkAll(t, 2, func() {}, func(listing queries.Listing) (queries.Page[domain.User], error) {
		return d.reader.Users(t.Context(), queries.Criteria{Text: "ada", Sort: queries.ByUsername}, listing, queries.Freshness{})
	}) {
		names = append(names, user.Username.String())
	}
	if len(names) != 2 || names[0] != "ada2" || names[1] != "ada3" {
		t.Errorf("found: %v", names)
	}
}

func TestAGroupThatDoesNotExistHasNobody(t *testing.T) {
	d := newDirectory(t)
	d.run()
	ada, group := d.user("ada").User, d.group("readers").Group
	d.addMember(group.ID, ada.ID.UUID)
	isErr(t, "flush", d.forwarder.Flush(t.Context()), nil)
	find := func(what string, group domain.GroupID, want int) {
		t.Helper()
		page, err := d.reader.Users(t.Context(), queries.Criteria{Group: group}, queries.Listing{}, queries.Freshness{})
		if err != nil || len(page.Items) != want || page.Next != "" {
			t.Errorf("%s: %v, %v", what, page.Items, err)
		}
	}
	find("the group", group.ID, 1)
	find("no group", domain.GroupID{UUID: uuid.UUID{1}}, 0)
	find("a user", domain.GroupID{UUID: ada.ID.UUID}, 0)
	d.do(commands.DeleteGroup{ID: group.ID})
	find("the group when it is gone", group.ID, 0)
}

func TestGroupsAreFoundApartFromUsers(t *testing.T) {
	d := newDirectory(t)
	d.run()
	d.user("reader")
	group := d.group("reader").Group
	latest := queries.Freshness{Latest: true}
	groups, err := d.reader.Groups(t.Context(), queries.Criteria{Text: "read"}, queries.Listing{}, latest)
	if err != nil || len(groups.Items) != 1 || groups.Items[0].ID != group.ID {
		t.Errorf("groups: %v, %v", groups.Items, err)
	}
	users, err := d.reader.Users(t.Context(), queries.Criteria{Kind: domain.GroupMember, Text: "read"}, queries.Listing{}, latest)
	if err != nil || len(users.Items) != 1 {
		t.Errorf("users: %v, %v", users.Items, err)
	}
}

// TestWhatAnswersRestOn asks views that are behind the store: an answer names
// what answered it, and never the head of anything.
func TestWhatAnswersRestOn(t *testing.T) {
	d := newDirectory(t)
	ada, group := d.user("ada").User, d.group("readers").Group
	isErr(t, "ada is indexed", d.forwarder.Ensure(t.Context(), eventstream.UserStream(ada.ID.UUID), 1), nil)
	viewAt, indexAt := eventstream.Seq(d.view.Applied()), eventstream.Seq(d.forwarder.Applied())
	d.deaf.Store(true)
	d.rename(ada.ID, "lovelace")
	users, err := d.reader.Users(t.Context(), queries.Criteria{}, queries.Listing{}, queries.Freshness{})
	isErr(t, "users", err, nil)
	shows(t, "users", users.RestsOn, at(eventstream.LogStream, viewAt))
	members, err := d.reader.Members(t.Context(), group.ID, queries.Listing{}, queries.Freshness{})
	isErr(t, "members", err, nil)
	shows(t, "members", members.RestsOn, at(eventstream.LogStream, viewAt))
	found, err := d.reader.Users(t.Context(), queries.Criteria{Text: "ada"}, queries.Listing{}, queries.Freshness{})
	isErr(t, "search", err, nil)
	shows(t, "search", found.RestsOn, at(eventstream.LogStream, indexAt))
	if indexAt >= viewAt || viewAt >= eventstream.Seq(d.store.End()) {
		t.Errorf("the test is void: index %d, view %d, log %d", indexAt, viewAt, d.store.End())
	}
	history, err := d.reader.UserHistory(t.Context(), ada.ID, queries.Recall{}, queries.Freshness{})
	isErr(t, "history", err, nil)
	shows(t, "history", history.RestsOn, at(eventstream.UserStream(ada.ID.UUID), 2))
}

func TestAReaderThatLacksSomethingIsRefused(t *testing.T) {
	d := newDirectory(t)
	for what, config := range map[string]queries.Config{
		"streams": {View: d.view, Waiter: d.forwarder}, "a view": {Streams: d.streams, Waiter: d.forwarder}, "a waiter": {Streams: d.streams, View: d.view},
		"a waiter for search": {Streams: d.streams, View: d.view, Waiter: d.forwarder, Search: search{d}},
	} {
		if _, err := queries.NewReader(config); err == nil {
			t.Errorf("a reader without %s was made", what)
		}
	}
}
