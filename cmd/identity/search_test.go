package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memsearch"
	"github.com/seed5b6a70b4/identity/queries/memview"
)

// opened are backends over a directory, at rest.
func opened(t *testing.T, data string) *embedded {
	t.Helper()
	b, err := openEmbedded(t.Context(), data, settings{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.close() })
	return b
}

func created(t *testing.T, b *embedded, username string) uuid.UUID {
	t.Helper()
	parsed, err := domain.ParseUsername(username)
	if err != nil {
		t.Fatal(err)
	}
	result, err := b.commands.Do(t.Context(), commands.Request{Actor: "test", Correlation: "test"}, commands.CreateUser{Username: parsed})
	if err != nil {
		t.Fatal(err)
	}
	return result.User.ID.UUID
}

// TestWhatHealsAtTheStartIsSearchable has both snapshots past a user's commit
// that was parked, which the view can apply by now.
func TestWhatHealsAtTheStartIsSearchable(t *testing.T) {
	data := t.TempDir()
	b := opened(t, data)
	good, parked := created(t, b, "good"), created(t, b, "parked")
	lacking := memview.New(&memview.Options{Source: b.directory.Epoch.String()})
	index := memsearch.New(memsearch.Options{Source: b.directory.Epoch.String(), Documents: standardDocument.shape})
	for transaction, err := range b.store.Tail(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range transaction {
			if transaction[i].Stream == eventstream.UserStream(good) {
				if err := lacking.Apply(t.Context(), transaction[i:i+1]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	document, err := lacking.Document(t.Context(), domain.UserMember, good)
	if err == nil {
		err = index.Put(t.Context(), []queries.Document{document})
	}
	if err != nil {
		t.Fatal(err)
	}
	lacking.SetApplied(b.store.End())
	index.SetApplied(b.store.End())
	snapshots := b.data.snapshots()
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(map[string]any{"complete": true, "parked": []any{map[string]any{
		"stream": eventstream.UserStream(parked), "seq": 1, "reason": "unknown_event",
	}}})
	if err == nil {
		err = os.WriteFile(filepath.Join(snapshots, "parked-memview.json"), list, 0o600)
	}
	if err == nil {
		err = lacking.Save(snapshots)
	}
	if err == nil {
		err = index.Save(snapshots)
	}
	if err != nil {
		t.Fatal(err)
	}

	found, err := opened(t, data).answering.Load().search.Search(t.Context(), queries.Criteria{Kind: domain.UserMember, Sort: queries.ByUsername}, nil, 10)
	if err != nil || !slices.Equal(found.IDs, []uuid.UUID{good, parked}) {
		t.Errorf("found %v, %v; want the user that was parked, too", found.IDs, err)
	}
}

// TestASearchSnapshotAheadOfTheLogIsRefused has the log lack what the index was
// made from, and no snapshot of the rows that tells.
func TestASearchSnapshotAheadOfTheLogIsRefused(t *testing.T) {
	data := t.TempDir()
	b := opened(t, data)
	index := memsearch.New(memsearch.Options{Source: b.directory.Epoch.String(), Documents: standardDocument.shape})
	index.SetApplied(b.store.End() + 1)
	if err := errors.Join(index.Save(b.data.snapshots()), b.close()); err != nil {
		t.Fatal(err)
	}
	again, err := openEmbedded(t.Context(), data, settings{})
	if err == nil {
		err = again.close()
		t.Errorf("it was opened (%v)", err)
	} else if !strings.Contains(err.Error(), "acknowledged data is missing") {
		t.Error(err)
	}
}
