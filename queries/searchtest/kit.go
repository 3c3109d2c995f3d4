package searchtest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

// Index is a search index that documents can be put into.
type Index interface {
	queries.Search
	queries.Inventory
	// Put takes documents in, those whose revision is above the one the index has.
	// Searches that begin after it returned see them.
	Put(ctx context.Context, documents []queries.Document) error
}

// Run tests an index. open gives an empty one, for each of the tests; it is called
// concurrently.
func Run(t *testing.T, open func(t *testing.T) Index) {
	for name, test := range map[string]func(*testing.T, *fixture){
		"findings":  testFindings,
		"tiers":     testTiers,
		"filters":   testFilters,
		"sorting":   testSorting,
		"revisions": testRevisions,
		"places":    testPlaces,
		"writes":    testWalkUnderWrites,
		"refusals":  testRefusals,
		"many":      testMany,
		"held":      testHeld,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newFixture(t, open(t)))
		})
	}
	t.Run("random", func(t *testing.T) {
		t.Parallel()
		testRandom(t, open)
	})
}

// fixture puts the same into an index and into the judge.
type fixture struct {
	ctx   context.Context
	index Index
	judge Judge
	next  uint64 // the next revision
}

func newFixture(t *testing.T, index Index) *fixture {
	return &fixture{ctx: t.Context(), index: index, next: 1}
}

// fatal is what a test and rapid's have in common.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
}

func (f *fixture) put(t fatal, documents ...queries.Document) {
	t.Helper()
	if err := f.index.Put(f.ctx, documents); err != nil {
		t.Fatalf("put: %v", err)
	}
	f.judge.Put(documents)
}

// user is a document with an id and a revision of its own.
func (f *fixture) user(name string) queries.Document {
	f.next++
	return queries.Document{ID: domain.NewID[domain.User]().UUID, Kind: domain.UserMember, Revision: f.next, Name: name, Active: true}
}

// page is one search.
func (f *fixture) page(t fatal, c queries.Criteria, from []byte, limit int) queries.Found {
	t.Helper()
	found, err := f.index.Search(f.ctx, c, from, limit)
	if err != nil {
		t.Fatalf("search: %v", err)
	}
	if len(found.IDs) > limit || found.Next != nil && len(found.IDs) < limit {
		t.Fatalf("a page of %d with a next one, where %d were asked for", len(found.IDs), limit)
	}
	return found
}

// walk collects the pages of a search.
func (f *fixture) walk(t fatal, c queries.Criteria, limit int) []uuid.UUID {
	t.Helper()
	ids := []uuid.UUID{}
	var from []byte
	for {
		found := f.page(t, c, from, limit)
		ids = append(ids, found.IDs...)
		if from = found.Next; from == nil {
			return ids
		}
	}
}

// agree compares a walk with the judge.
func (f *fixture) agree(t fatal, c queries.Criteria, limit int) {
	t.Helper()
	if diff := cmp.Diff(f.judge.Search(c), f.walk(t, c, limit)); diff != "" {
		t.Fatalf("results of %+v in pages of %d (-right +index):\n%s\n%s", c, limit, diff, f.describe(diff))
	}
}

// describe lists the documents that a diff names.
func (f *fixture) describe(diff string) string {
	lines := ""
	for id, d := range f.judge.documents {
		if containsID(diff, id) {
			lines += describe(d)
		}
	}
	return lines
}

func (f *fixture) invalid(t *testing.T, what string, c queries.Criteria, from []byte, limit int) {
	t.Helper()
	if _, err := f.index.Search(f.ctx, c, from, limit); !errors.Is(err, domain.Invalid) {
		t.Errorf("%s: error is %v, not invalid", what, err)
	}
}
