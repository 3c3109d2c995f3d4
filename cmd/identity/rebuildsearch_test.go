package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memview"
)

// withHost has the index hold the domain of the e-mail, too.
var withHost = describing{"with host", func(ctx context.Context, view *memview.View, entity memview.Entity) (queries.Document, error) {
	document, err := view.Document(ctx, entity.Kind, entity.ID)
	if _, host, has := strings.Cut(document.Email, "@"); has {
		attributes := domain.Attributes{"host": must(domain.ParseAttribute([]byte(`"` + host + `"`)))}
		for name, value := range document.Attributes {
			attributes[name] = value
		}
		document.Attributes = attributes
	}
	return document, err
}}

func hosted(t *testing.T, b *embedded) []uuid.UUID {
	t.Helper()
	page, err := b.reader.Users(t.Context(), queries.Criteria{Attributes: map[string]string{"host": "example.org"}}, queries.Listing{}, queries.Freshness{Latest: true, Wait: queries.MaxWait})
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]uuid.UUID, len(page.Items))
	for i := range ids {
		ids[i] = page.Items[i].ID.UUID
	}
	return ids
}

// TestADerivedFieldNeedsARebuildAndNothingElse changes what a document holds while
// the directory is served, and before a start.
func TestADerivedFieldNeedsARebuildAndNothingElse(t *testing.T) {
	data := t.TempDir()
	b, stop := running(t, data, settings{})
	user := done(t, b, commands.CreateUser{Username: must(domain.ParseUsername("ada")), Email: must(domain.ParseEmail("ada@example.org"))}).User
	if found := hosted(t, b); len(found) > 0 {
		t.Fatalf("found before: %v", found)
	}
	if err := b.snapshot(); err != nil {
		t.Fatal(err)
	}
	b.describe = withHost
	wantDone(t, rebuilt(t, b, httpapi.RebuildOrder{Views: []string{httpapi.SearchView}}))
	if found := hosted(t, b); len(found) != 1 || found[0] != user.ID.UUID {
		t.Errorf("found after a rebuild: %v", found)
	}
	noDrift(t, b)
	stop()
	// The snapshots are of documents with the field: a build without it takes none.
	b, stop = running(t, data, settings{})
	if found := hosted(t, b); len(found) > 0 {
		t.Errorf("an index of another shape was loaded: %v", found)
	}
	if err := b.snapshot(); err != nil {
		t.Fatal(err)
	}
	stop()
	b, _ = running(t, data, settings{describe: &withHost})
	if found := hosted(t, b); len(found) != 1 {
		t.Errorf("found after a start: %v", found)
	}
}

// TestAnIndexIsRebuiltWhileAUserChanges has a user change whenever its document was
// made: what is newer than what was looked at is no difference.
func TestAnIndexIsRebuiltWhileAUserChanges(t *testing.T) {
	b, _ := running(t, t.TempDir(), settings{})
	id := domain.UserID{UUID: created(t, b, "restless")}
	var changes atomic.Int64
	comparing := func(ctx context.Context) bool { // the moment of the switch is not for whoever is waited for there
		g, err := b.rebuilder.Generations(ctx)
		return err == nil && g.Rebuild != nil && g.Rebuild.State == httpapi.Running && g.Rebuild.Stage != "switch"
	}
	b.describe.of = func(ctx context.Context, view *memview.View, entity memview.Entity) (queries.Document, error) {
		document, err := standardDocument.of(ctx, view, entity)
		if entity.ID == id.UUID && comparing(ctx) {
			name := must(domain.ParseText(fmt.Sprint("change ", changes.Add(1)), domain.MaxText))
			_, changing := b.commands.Do(context.WithoutCancel(ctx), commands.Request{Actor: "test"}, commands.UpdateUser{ID: id, Name: commands.To(name)})
			err = errors.Join(err, changing)
		}
		return document, err
	}
	wantDone(t, rebuilt(t, b, httpapi.RebuildOrder{Views: []string{httpapi.SearchView}}))
	if changes.Load() < 3 {
		t.Errorf("it changed %d times", changes.Load())
	}
}
