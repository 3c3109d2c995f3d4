package searchtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

// held compares all that the index holds, read as a whole and one by one, with
// what it should make of the judge's documents.
func (f *fixture) held(t fatal) {
	t.Helper()
	want, whole, single := map[uuid.UUID]queries.Held{}, map[uuid.UUID]queries.Held{}, map[uuid.UUID]queries.Held{}
	for id, d := range f.judge.documents {
		made, err := f.index.Made(&d.Document)
		if err != nil {
			t.Fatalf("make a document: %v", err)
		}
		one, err := f.index.Holding(f.ctx, d.Kind, id)
		if err != nil {
			t.Fatalf("read a document: %v", err)
		}
		want[id], single[id] = kindless(made), kindless(one)
	}
	for one, err := range f.index.Holdings(f.ctx) {
		if err != nil {
			t.Fatalf("read all documents: %v", err)
		}
		if _, twice := whole[one.ID]; twice {
			t.Fatalf("%s is held twice", one.ID)
		}
		whole[one.ID] = kindless(one)
	}
	if diff := cmp.Diff(want, whole); diff != "" {
		t.Fatalf("all that is held (-right +index):\n%s", diff)
	}
	if diff := cmp.Diff(want, single); diff != "" {
		t.Fatalf("what is held, one by one (-right +index):\n%s", diff)
	}
}

// kindless is without the kind of what was removed, which an index need not keep.
func kindless(h queries.Held) queries.Held {
	if h.Removed {
		h.Kind = ""
	}
	return h
}

// testHeld holds that everything can be read back, that different documents have
// different sums, and that what is held is replaced.
func testHeld(t *testing.T, f *fixture) {
	f.held(t)
	one, other := f.user("Ann"), f.user("Ben")
	one.Attributes = attributes(t, `"a"`, `"b"`)
	f.put(t, one, other)
	gone := f.user("Gone")
	f.put(t, gone)
	gone.Removed = true
	gone.Revision++
	f.put(t, gone)
	f.held(t)
	if unknown, err := f.index.Holding(t.Context(), domain.UserMember, uuid.Max); err != nil || unknown.Revision != 0 {
		t.Errorf("of what was never put %+v is held, %v", unknown, err)
	}
	for name, change := range map[string]func(*queries.Document){
		"name":       func(d *queries.Document) { d.Name = "Anne" },
		"username":   func(d *queries.Document) { d.Username = "ann" },
		"email":      func(d *queries.Document) { d.Email = "ann@example.com" },
		"active":     func(d *queries.Document) { d.Active = false },
		"groups":     func(d *queries.Document) { d.Groups = groupIDs[:1] },
		"attributes": func(d *queries.Document) { d.Attributes = attributes(t, `"a"`, `"c"`) },
		"created":    func(d *queries.Document) { d.CreatedAt = d.CreatedAt.AddDate(1, 0, 0) },
	} {
		altered := one
		change(&altered)
		before, beforeErr := f.index.Made(&one)
		after, afterErr := f.index.Made(&altered)
		if beforeErr != nil || afterErr != nil || cmp.Equal(before.Sums, after.Sums) {
			t.Errorf("another %s makes no difference, %v, %v", name, beforeErr, afterErr)
		}
	}
	other.Name = "Bertha" // at the same revision
	if err := f.index.Replace(t.Context(), []queries.Document{other}); err != nil {
		t.Fatal(err)
	}
	delete(f.judge.documents, other.ID)
	f.judge.Put([]queries.Document{other})
	f.held(t)
	f.agree(t, queries.Criteria{Kind: domain.UserMember, Text: "bert"}, 5)
	f.agree(t, queries.Criteria{Kind: domain.UserMember, Text: "ben"}, 5)
}
