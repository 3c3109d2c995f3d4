package elasticview_test

import (
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
)

func TestAGenerationIsFilledBesideAnotherAndTakesItsPlace(t *testing.T) {
	index := open(t)
	ctx := t.Context()
	for range 2 { // preparing what is there does nothing
		if err := index.Prepare(ctx, 1); err != nil {
			t.Fatal(err)
		}
		if err := index.Check(ctx); err != nil {
			t.Fatal(err)
		}
	}
	old := user("Before", 5)
	if err := index.Put(ctx, []queries.Document{old}); err != nil {
		t.Fatal(err)
	}
	next := index.At(2)
	for range 2 {
		if err := next.Make(ctx); err != nil {
			t.Fatal(err)
		}
	}
	again := old
	again.Name, again.Revision = "After", 4 // versions are of a generation
	if err := next.Put(ctx, []queries.Document{again}); err != nil {
		t.Fatal(err)
	}
	if len(find(t, index, "before")) != 1 || len(find(t, index, "after")) != 0 || len(find(t, next, "after")) != 1 {
		t.Error("what is put into one generation shows in the other")
	}
	for range 2 {
		if err := index.Switch(ctx, next); err != nil {
			t.Fatal(err)
		}
	}
	if len(find(t, index, "before")) != 0 || len(find(t, index, "after")) != 1 {
		t.Error("the alias does not name the other generation")
	}
	if name, err := index.Generation(ctx); err != nil || !strings.HasSuffix(name, "-2") {
		t.Errorf("the generation is %s, %v", name, err)
	}
}

// A typo is looked for in the longest words that it is forgiven in, and longer
// words are found without one.
func TestTyposInLongWords(t *testing.T) {
	index := open(t)
	letters := strings.Repeat("abcdefghijklmnopqrstuvwxyz", 9)
	long, longest := letters[:31], letters[3:]
	if err := index.Put(t.Context(), []queries.Document{user(long+" "+longest, 1)}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{
		long: 1, long[:20] + "x" + long[21:]: 1, long[:20] + long[21:]: 1, "x" + long: 1, long + "x": 1, long[:20] + "xx" + long[22:]: 0,
		"@" + long[:30] + "x": 0, longest: 1, longest[:40]: 1, longest[:40] + "x" + longest[41:]: 0,
	} {
		if found := find(t, index, text); len(found) != want {
			t.Errorf("found %d by a word of %d letters, not %d", len(found), len(text), want)
		}
	}
}

func TestBulksAreCutAndShownAtOnce(t *testing.T) {
	index := open(t, func(o *elasticview.Options) { o.Shards = 3 })
	documents := make([]queries.Document, 2500)
	for i := range documents {
		documents[i] = user("Somebody", 1)
	}
	if err := index.Put(t.Context(), documents); err != nil {
		t.Fatal(err)
	}
	seen, from := 0, []byte(nil)
	for {
		found, err := index.Search(t.Context(), queries.Criteria{Kind: documents[0].Kind, Text: "somebody"}, from, 1000)
		if err != nil {
			t.Fatal(err)
		}
		seen += len(found.IDs)
		if from = found.Next; from == nil {
			break
		}
	}
	if seen != len(documents) {
		t.Errorf("found %d of %d", seen, len(documents))
	}
}
