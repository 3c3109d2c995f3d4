package memsearch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memsearch"
	"github.com/seed5b6a70b4/identity/queries/searchtest"
)

func TestConformance(t *testing.T) {
	t.Run("in buffers", func(t *testing.T) {
		searchtest.Run(t, func(*testing.T) searchtest.Index { return memsearch.New(memsearch.Options{}) })
	})
	t.Run("in segments", func(t *testing.T) {
		searchtest.Run(t, func(*testing.T) searchtest.Index { return memsearch.New(memsearch.Options{Buffer: 1}) })
	})
	t.Run("on the move", func(t *testing.T) {
		searchtest.Run(t, func(t *testing.T) searchtest.Index {
			index := memsearch.New(memsearch.Options{Buffer: 1})
			run(t, index)
			return index
		})
	})
}

// run runs an index until the test is over.
func run(t *testing.T, index *memsearch.Index) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- index.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

// crowd is users that all change at once, again and again.
func crowd(n int, generation uint64) []queries.Document {
	documents := make([]queries.Document, n)
	value, _ := domain.ParseAttribute(fmt.Appendf(nil, "%d", generation))
	for i := range documents {
		documents[i] = queries.Document{
			ID: uuid.UUID{0: byte(i * 31), 1: byte(i >> 8), 15: byte(i)}, Kind: domain.UserMember, Revision: generation,
			Name: fmt.Sprintf("name%d common %d", (uint64(i)+generation*7)%uint64(n), generation), Attributes: domain.Attributes{"generation": value},
		}
	}
	return documents
}

func TestASearchSeesOneMomentWhileDocumentsMove(t *testing.T) {
	t.Run("one by one", func(t *testing.T) { testOneMoment(t, memsearch.New(memsearch.Options{Buffer: 16})) })
	t.Run("in bulk", func(t *testing.T) { testOneMoment(t, memsearch.New(memsearch.Options{Buffer: 4})) })
}

func testOneMoment(t *testing.T, index *memsearch.Index) {
	const users = 300
	run(t, index)
	ctx, wrote := t.Context(), make(chan error, 1)
	if err := index.Put(ctx, crowd(users, 1)); err != nil {
		t.Fatal(err)
	}
	go func() {
		var failed error
		for generation := uint64(2); generation < 200 && failed == nil; generation++ {
			failed = index.Put(ctx, crowd(users, generation))
		}
		wrote <- failed
	}()
	orders := []queries.Sort{queries.ByID, queries.ByName, queries.ByRelevance, queries.ByCreated}
	for n, writing := 0, true; writing; n++ {
		select {
		case err := <-wrote:
			if err != nil {
				t.Fatal(err)
			}
			writing = false
		default:
		}
		found, err := index.Search(ctx, queries.Criteria{Kind: domain.UserMember, Text: "common", Sort: orders[n%len(orders)]}, nil, 1000)
		if err != nil {
			t.Fatal(err)
		}
		different := map[uuid.UUID]bool{}
		for _, id := range found.IDs {
			different[id] = true
		}
		if len(different) != users || len(found.IDs) != users {
			t.Fatalf("found %d documents, %d different ones, not %d", len(found.IDs), len(different), users)
		}
		generation := map[string]string{"generation": fmt.Sprint(2 + n%198)}
		found, err = index.Search(ctx, queries.Criteria{Kind: domain.UserMember, Attributes: generation}, nil, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(found.IDs) != 0 && len(found.IDs) != users {
			t.Fatalf("%d documents of a call of %d are there", len(found.IDs), users)
		}
	}
}

func TestGarbageAndSegmentsStayFew(t *testing.T) {
	index := memsearch.New(memsearch.Options{Buffer: 10})
	const users = 500
	for generation := range uint64(40) {
		for documents := range slices.Chunk(crowd(users, generation+1), 7) {
			if err := index.Put(t.Context(), documents); err != nil {
				t.Fatal(err)
			}
		}
		stats := index.Stats()
		if stats.Documents != users || stats.Segments > 16 || stats.Buffered > 33*17 || stats.Garbage > users {
			t.Fatalf("after %d changes of everything: %+v", generation, stats)
		}
	}
	gone := crowd(users, 100)
	for i := range gone {
		gone[i].Removed = true
	}
	if err := index.Put(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if stats := index.Stats(); stats.Documents != 0 || stats.Removed != users {
		t.Errorf("after all were removed: %+v", stats)
	}
}

// Several fill an index at once, each with other revisions of the same documents,
// of which the newest must win wherever it stands.
func TestBulksTogether(t *testing.T) {
	const users, revisions = 200, 12
	for range 20 {
		index := memsearch.New(memsearch.Options{Buffer: 4})
		var group errgroup.Group
		for revision := range uint64(revisions) {
			group.Go(func() error {
				documents := append(crowd(users, revision+1), crowd(users/2, revision)...)
				if revision%3 == 0 {
					return index.Put(t.Context(), documents[:50]) // not in bulk
				}
				return index.Put(t.Context(), documents)
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"generation": fmt.Sprint(revisions)}
		for _, criteria := range []queries.Criteria{{Attributes: want}, {}} {
			criteria.Kind = domain.UserMember
			found, err := index.Search(t.Context(), criteria, nil, 1000)
			if err != nil || len(found.IDs) != users {
				t.Fatalf("found %d of %d: %v", len(found.IDs), users, err)
			}
		}
		if stats := index.Stats(); stats.Documents != users {
			t.Fatalf("after all: %+v", stats)
		}
	}
}

func TestASnapshotHoldsAllOfIt(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			r.Fatal(err)
		}
		var judge searchtest.Judge
		documents := searchtest.Documents(rapid.IntRange(0, 60).Draw(r, "documents"))
		index := memsearch.New(memsearch.Options{Buffer: rapid.IntRange(1, 20).Draw(r, "buffer")})
		for i := range documents {
			put(r, index, &judge, documents[i:i+1])
			if i%3 == 0 {
				documents[i/2].Revision += 100
				documents[i/2].Name = "Changed"
				put(r, index, &judge, documents[i/2:i/2+1])
			}
		}
		position := rapid.Uint64Range(0, 1000).Draw(r, "position")
		index.SetApplied(position)
		if err := index.Save(dir); err != nil {
			r.Fatal(err)
		}
		loaded := memsearch.New(memsearch.Options{Buffer: 5})
		if found, err := loaded.Load(dir, nil); err != nil || !found {
			r.Fatalf("found %t, %v", found, err)
		}
		if loaded.Applied() != position {
			r.Fatalf("position is %d, not %d", loaded.Applied(), position)
		}
		if got, want := loaded.Stats(), index.Stats(); got.Documents != want.Documents || got.Removed != want.Removed {
			r.Fatalf("%+v became %+v", want, got)
		}
		older := slices.Clone(documents)
		for i := range older {
			older[i].Removed = !older[i].Removed
		}
		for range 2 {
			c := searchtest.DrawCriteria(r)
			if right, got := judge.Search(c), first(r, loaded, c, 500); !slices.Equal(right, got) {
				r.Fatalf("results of %+v (-right +loaded):\n%s", c, cmp.Diff(right, got))
			}
			put(r, loaded, &judge, older) // none of them is newer
			put(r, loaded, &judge, searchtest.Documents(70)[60:])
		}
	})
}

func put(r *rapid.T, index *memsearch.Index, judge *searchtest.Judge, documents []queries.Document) {
	if err := index.Put(context.Background(), documents); err != nil {
		r.Fatal(err)
	}
	judge.Put(documents)
}

func first(r interface{ Fatal(...any) }, index *memsearch.Index, c queries.Criteria, limit int) []uuid.UUID {
	found, err := index.Search(context.Background(), c, nil, limit)
	if err != nil {
		r.Fatal(err)
	}
	return found.IDs
}

// The index is saved while documents are put, and the rest put again: what is
// saved and what comes after its position must be everything.
func TestASnapshotDuringWritesMissesNothingBeforeItsPosition(t *testing.T) {
	dir := t.TempDir()
	index := memsearch.New(memsearch.Options{Buffer: 8})
	wrote := make(chan error, 1)
	const users, generations = 100, 150
	put := func(index *memsearch.Index, generation uint64) error {
		err := index.Put(t.Context(), crowd(users, generation))
		index.SetApplied(generation)
		return err
	}
	go func() {
		var failed error
		for generation := uint64(1); generation <= generations && failed == nil; generation++ {
			failed = put(index, generation)
		}
		wrote <- failed
	}()
	for writing := true; writing; {
		select {
		case err := <-wrote:
			if err != nil {
				t.Fatal(err)
			}
			writing = false
		default:
		}
		if err := index.Save(dir); err != nil {
			t.Fatal(err)
		}
		loaded := memsearch.New(memsearch.Options{Buffer: 8})
		if found, err := loaded.Load(dir, nil); err != nil || !found {
			t.Fatalf("found %t, %v", found, err)
		}
		from := loaded.Applied()
		if got := len(first(t, loaded, queries.Criteria{Kind: domain.UserMember}, 1000)); got != users && from > 0 {
			t.Fatalf("at position %d there are %d users, not %d", from, got, users)
		}
		for generation := from + 1; generation <= generations; generation += 1 + (generations-from)/10 {
			if err := put(loaded, generation); err != nil {
				t.Fatal(err)
			}
		}
		if err := put(loaded, generations); err != nil {
			t.Fatal(err)
		}
		last := queries.Criteria{Kind: domain.UserMember, Attributes: map[string]string{"generation": fmt.Sprint(generations)}}
		if got := len(first(t, loaded, last, 1000)); got != users {
			t.Fatalf("after everything from %d on was put again, %d users are of the last generation, not %d", from, got, users)
		}
	}
}

func TestADamagedSnapshotIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	index := memsearch.New(memsearch.Options{})
	if err := index.Put(t.Context(), crowd(20, 1)); err != nil {
		t.Fatal(err)
	}
	if err := index.Save(dir); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	good, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(good); at += 1 + at/100 {
		bad := bytes.Clone(good)
		bad[at] ^= 1 << (at % 8)
		if err := os.WriteFile(files[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
		warned := 0
		loaded := memsearch.New(memsearch.Options{})
		found, err := loaded.Load(dir, func(string, error) { warned++ })
		if found || err != nil || warned != 1 {
			t.Fatalf("byte %d: found %t, warned %d times, %v", at, found, warned, err)
		}
		if stats := loaded.Stats(); stats.Documents != 0 || loaded.Applied() != 0 {
			t.Fatalf("byte %d: %+v was left behind", at, stats)
		}
	}
}

func TestASnapshotOfAnotherSourceIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	index := memsearch.New(memsearch.Options{Source: "one"})
	if err := index.Put(t.Context(), crowd(20, 1)); err != nil {
		t.Fatal(err)
	}
	if err := index.Save(dir); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]bool{"one": true, "other": false, "": false} {
		if found, err := memsearch.New(memsearch.Options{Source: source}).Load(dir, nil); found != want || err != nil {
			t.Errorf("source %q: found %t, %v", source, found, err)
		}
	}
}

// TestRevisionsAreThoseOfTheNewestVersions has some of them in segments and some
// in buffers.
func TestRevisionsAreThoseOfTheNewestVersions(t *testing.T) {
	index := memsearch.New(memsearch.Options{Buffer: 8})
	want := map[uuid.UUID]uint64{}
	for generation, users := range []int{50, 30, 5} {
		documents := crowd(users, uint64(generation)+1)
		documents[0].Removed = true
		for i := range documents {
			want[documents[i].ID] = documents[i].Revision
		}
		if err := index.Put(t.Context(), documents); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, maps.Collect(index.Revisions(domain.UserMember))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for id := range index.Revisions(domain.GroupMember) {
		t.Errorf("a group %s", id)
	}
}

func TestPositionIsWhatWasApplied(t *testing.T) {
	index := memsearch.New(memsearch.Options{})
	for _, step := range []struct{ set, want uint64 }{{0, 0}, {7, 7}, {5, 7}, {9, 9}} {
		index.SetApplied(step.set)
		token, err := index.Position(t.Context())
		if err != nil || uint64(token.Seq(eventstream.LogStream)) != step.want || index.Applied() != step.want {
			t.Errorf("after %d: %v, %v", step.set, token, err)
		}
		if text, err := token.Encode(eventstream.Epoch{}); err != nil || text == "" {
			t.Errorf("the token cannot be encoded: %v", err)
		}
	}
}

func TestAWordThatIsCommonOnlyLateInTheOrder(t *testing.T) {
	var judge searchtest.Judge
	documents := crowd(2000, 1)
	for i := range documents {
		if documents[i].Name = fmt.Sprintf("early %d", i); i%2 == 0 || i == 7 {
			documents[i].Name = fmt.Sprintf("late %d", i)
		}
		if i == 7 {
			documents[i].Name = "alone late"
		}
		documents[i].Username = documents[i].Name
	}
	index := memsearch.New(memsearch.Options{Buffer: 1000})
	if err := index.Put(t.Context(), documents); err != nil {
		t.Fatal(err)
	}
	judge.Put(documents)
	for _, sort := range []queries.Sort{queries.ByName, queries.ByRelevance, queries.ByUsername, queries.ByID} {
		for _, text := range []string{"late", "lat", "l", ""} {
			c := queries.Criteria{Kind: domain.UserMember, Text: text, Sort: sort}
			right := judge.Search(c)
			found, err := index.Search(t.Context(), c, nil, 10)
			if err != nil || found.Next == nil || !slices.Equal(right[:10], found.IDs) {
				t.Errorf("by %s, %q, more %t, %v (-right +index):\n%s", sort, text, found.Next != nil, err, cmp.Diff(right[:10], found.IDs))
			}
		}
	}
}

func TestADocumentOfNoKindIsRefused(t *testing.T) {
	if err := memsearch.New(memsearch.Options{}).Put(t.Context(), []queries.Document{{Revision: 1}}); !errors.Is(err, domain.Invalid) {
		t.Errorf("error is %v", err)
	}
}

func TestAnEndedContextEndsASearch(t *testing.T) {
	index := memsearch.New(memsearch.Options{Buffer: 2})
	if err := index.Put(t.Context(), crowd(20, 1)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := index.Search(ctx, queries.Criteria{Kind: domain.UserMember}, nil, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func FuzzSearch(f *testing.F) {
	var judge searchtest.Judge
	documents := searchtest.Documents(80)
	index := memsearch.New(memsearch.Options{Buffer: 7})
	if err := index.Put(context.Background(), documents[:70]); err != nil {
		f.Fatal(err)
	}
	if err := index.Put(context.Background(), documents[70:]); err != nil {
		f.Fatal(err)
	}
	judge.Put(documents)
	f.Add("maria", "name", false, []byte(nil), 3)
	f.Add("김민 ma@ex", "", true, []byte("\x01\x00\x01\x02aaaaaaaaaaaaaaaakey"), 1)
	f.Add("mraia o'neill @example.com 田中", "created", false, []byte("\x01\x03\x00\x00aaaaaaaaaaaaaaaa12345678"), 500)
	f.Fuzz(func(t *testing.T, text, sort string, descending bool, from []byte, limit int) {
		c := queries.Criteria{Kind: domain.UserMember, Text: text, Sort: queries.Sort(sort), Descending: descending}
		if _, err := index.Search(t.Context(), c, from, limit); err != nil {
			if !errors.Is(err, domain.Invalid) {
				t.Errorf("error is %v", err)
			}
			return
		}
		if right, got := judge.Search(c), first(t, index, c, 100); !slices.Equal(right, got) {
			t.Errorf("results (-right +index):\n%s", cmp.Diff(right, got))
		}
	})
}
