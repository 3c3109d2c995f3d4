package memsearch

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

func named(i int, name string, revision uint64) queries.Document {
	return queries.Document{ID: uuid.UUID{0: byte(i), 1: 1}, Kind: domain.UserMember, Revision: revision, Name: name}
}

// A merge is stopped half-way to change and to remove what it is moving.
func TestWhatDiesDuringAMergeStaysDead(t *testing.T) {
	index := New(Options{Buffer: 4})
	shelf := index.shelves[domain.UserMember]
	shelf.kept.Store(true) // nobody but the test does the upkeep
	const users = 4 * factor
	for i := range users {
		if err := index.Put(t.Context(), []queries.Document{named(i, fmt.Sprint("old ", i), 1)}); err != nil {
			t.Fatal(err)
		}
		if i%4 == 3 {
			shelf.flush()
		}
	}
	changed := false
	pause := func() error {
		if changed {
			return nil
		}
		changed = true
		gone := named(2, "", 2)
		gone.Removed = true
		return index.Put(t.Context(), []queries.Document{named(0, "new 0", 2), named(9, "new 9", 2), gone})
	}
	if err := shelf.merge(func(st *state) []*segment { return shelf.pick(st, small, everything) }, pause); err != nil {
		t.Fatal(err)
	}
	if stats := index.Stats(); stats.Segments != 1 || stats.Garbage != 3 || stats.Documents != users-1 {
		t.Errorf("after the merge: %+v", stats)
	}
	for text, want := range map[string]int{"": users - 1, "old": users - 3, "new": 2} {
		found, err := index.Search(t.Context(), queries.Criteria{Kind: domain.UserMember, Text: text}, nil, 100)
		if err != nil || len(found.IDs) != want {
			t.Errorf("%q finds %d, not %d: %v", text, len(found.IDs), want, err)
		}
	}
}

// What a fill leaves in several large segments is one after a lull, and what
// trickles in later does not have the large one written again.
func TestInALullLargeSegmentsBecomeFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bulks, bulk, capacity = 7, 128, 4
		index := New(Options{Buffer: capacity})
		for b := range bulks {
			var documents []queries.Document
			for i := range bulk {
				documents = append(documents, queries.Document{ID: uuid.UUID{0: byte(b), 1: byte(i), 2: 1}, Kind: domain.UserMember, Revision: 1, Name: fmt.Sprint("name ", b, i)})
			}
			if err := index.Put(t.Context(), documents); err != nil {
				t.Fatal(err)
			}
		}
		if stats := index.Stats(); stats.Segments < 2 {
			t.Fatalf("filled: %+v", stats)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- index.Run(ctx) }()
		time.Sleep(10 * lull)
		if stats := index.Stats(); stats.Segments != 1 || stats.Documents != bulks*bulk {
			t.Errorf("after a lull: %+v", stats)
		}
		largest := index.shelves[domain.UserMember].state.Load().segments[0]
		for i := range 4 * capacity {
			if err := index.Put(ctx, []queries.Document{named(i, "later", 1)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * lull)
		if index.shelves[domain.UserMember].state.Load().segments[0] != largest {
			t.Error("a few more documents had the large segment written again")
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}
