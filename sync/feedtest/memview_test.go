package feedtest_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memview"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

func TestMemview(t *testing.T) {
	feedtest.Run(t, feedtest.Harness{
		New:     func(testing.TB) querysync.PositionedView { return memview.New(nil) },
		Dump:    func(t testing.TB, view querysync.PositionedView) any { return dumpMemview(t, view.(*memview.View)) },
		Compare: cmp.Options{cmp.Exporter(func(reflect.Type) bool { return true })},
	})
}

// everything is what a memview shows, by every way of asking it.
type everything struct {
	Users     []domain.User
	Groups    []domain.Group
	Members   map[domain.GroupID][]domain.Membership
	GroupsOf  map[uuid.UUID][]domain.Membership
	Documents map[memview.Entity]queries.Document
}

func dumpMemview(t testing.TB, view *memview.View) everything {
	t.Helper()
	const all = 100
	ctx := t.Context()
	if err := view.Tidy(ctx); err != nil {
		t.Fatal(err)
	}
	e := everything{Members: map[domain.GroupID][]domain.Membership{}, GroupsOf: map[uuid.UUID][]domain.Membership{}, Documents: map[memview.Entity]queries.Document{}}
	var err error
	must := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	e.Users, err = view.Users(ctx, domain.UserID{}, all)
	must()
	e.Groups, err = view.Groups(ctx, domain.GroupID{}, all)
	must()
	for revision := range view.Revisions() {
		if revision.Kind == domain.GroupMember {
			group := domain.GroupID{UUID: revision.ID}
			e.Members[group], err = view.Members(ctx, group, uuid.Nil, all)
			must()
		}
		e.GroupsOf[revision.ID], err = view.GroupsOf(ctx, revision.ID, domain.GroupID{}, all)
		must()
		document, err := view.Document(ctx, revision.Kind, revision.ID)
		if err != nil {
			t.Fatal(err)
		}
		if document.Removed {
			// It depends on which end of an edge was seen to go first.
			document.Revision = 0
		}
		e.Documents[revision.Entity] = document
	}
	return e
}
