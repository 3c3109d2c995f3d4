package queries_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// numbered is a view that says in its positions which generation it is.
type numbered struct {
	queries.View
	number   eventstream.Seq
	position func()
}

func (n *numbered) Position(context.Context) (eventstream.Token, error) {
	if n.position != nil {
		n.position()
	}
	return eventstream.Token{{Stream: eventstream.LogStream, Seq: n.number}}, nil
}

func TestAnAnswerIsOfOneGeneration(t *testing.T) {
	d := newDirectory(t)
	d.user("ada")
	first, second := &numbered{View: d.view, number: 1}, &numbered{View: d.view, number: 2}
	generation := func(n *numbered) queries.Generation {
		return queries.Generation{View: n, Waiter: d.config.Waiter, Search: d.config.Search, SearchWaiter: d.config.SearchWaiter}
	}
	isErr(t, "switch", d.reader.Switch(generation(first)), nil)
	first.position = func() { isErr(t, "switch on the way", d.reader.Switch(generation(second)), nil) }
	for number := range eventstream.Seq(2) {
		page, err := d.reader.Users(t.Context(), queries.Criteria{}, queries.Listing{}, queries.Freshness{})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("%d users, %v", len(page.Items), err)
		}
		shows(t, "a list", page.RestsOn, eventstream.Position{Stream: eventstream.LogStream, Seq: number + 1})
	}
	if d.reader.Generation().View != second {
		t.Error("the generation that answers is not the one that was switched to")
	}
}

func TestSwitchingDisturbsNobody(t *testing.T) {
	d := newDirectory(t)
	id := d.user("ada").User.ID
	generations := [2]queries.Generation{d.reader.Generation(), d.reader.Generation()}
	generations[1].View = &numbered{View: d.view, number: 2}
	var ended atomic.Bool
	done := make(chan error)
	go func() {
		var err error
		for err == nil && !ended.Load() {
			_, err = d.reader.User(context.Background(), id, queries.Freshness{AtLeast: eventstream.Token{{Stream: eventstream.UserStream(id.UUID), Seq: 1}}})
		}
		done <- err
	}()
	for i := range 2000 {
		isErr(t, "switch", d.reader.Switch(generations[i%2]), nil)
	}
	ended.Store(true)
	isErr(t, "a reader", <-done, nil)
}

func TestAGenerationThatLacksSomethingIsRefused(t *testing.T) {
	d := newDirectory(t)
	whole := d.reader.Generation()
	for what, generation := range map[string]queries.Generation{
		"no view":                   {Waiter: whole.Waiter},
		"no waiter":                 {View: whole.View},
		"no waiter for the search ": {View: whole.View, Waiter: whole.Waiter, Search: whole.Search},
	} {
		if err := d.reader.Switch(generation); err == nil {
			t.Errorf("%s: it answers", what)
		}
	}
	if _, err := d.reader.User(t.Context(), domain.NewID[domain.User](), queries.Freshness{}); err == nil {
		t.Error("a user who is not there")
	}
}
