package searchtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

// testPlaces goes on from places whose document is no longer there, or not alike.
func testPlaces(t *testing.T, f *fixture) {
	for i := range 30 {
		d := f.user(fmt.Sprintf("Name %c", 'a'+i/3))
		d.Username = fmt.Sprintf("user%d", i/2)
		f.put(t, d)
	}
	for _, sort := range []queries.Sort{queries.ByRelevance, queries.ByName, queries.ByUsername, queries.ByCreated, queries.ByID} {
		for _, descending := range []bool{false, true} {
			c := queries.Criteria{Kind: domain.UserMember, Text: "name", Sort: sort, Descending: descending}
			right := f.judge.Search(c)
			found := f.page(t, c, nil, 10)
			last := f.judge.documents[right[9]].Document
			f.next++
			last.Removed, last.Revision = true, last.Revision+1000
			f.put(t, last)
			rest := f.page(t, c, found.Next, 100)
			if got, want := len(rest.IDs), len(right)-10; got != want || rest.IDs[0] != right[10] {
				t.Errorf("by %s, descending %t: %d results after the place of a removed document, not %d", sort, descending, got, want)
			}
			last.Removed, last.Revision = false, last.Revision+1
			f.put(t, last)
		}
	}
}

// testWalkUnderWrites walks in the order of ids while documents come, go and change.
func testWalkUnderWrites(t *testing.T, f *fixture) {
	stays := map[uuid.UUID]bool{}
	var all []queries.Document
	for i := range 200 {
		d := f.user(fmt.Sprint("Name ", i))
		all = append(all, d)
		stays[d.ID] = i%2 == 0
		f.put(t, d)
	}
	for _, descending := range []bool{false, true} {
		c := queries.Criteria{Kind: domain.UserMember, Sort: queries.ByID, Descending: descending}
		seen := map[uuid.UUID]int{}
		var from []byte
		for n := 0; ; n++ {
			found := f.page(t, c, from, 7)
			for _, id := range found.IDs {
				seen[id]++
			}
			if from = found.Next; from == nil {
				break
			}
			for i := range all {
				all[i].Revision += 1000
				all[i].Name = fmt.Sprint("Changed ", (i*31+n)%200)
				all[i].Removed = i%2 == 1 && (i+n)%3 == 0
			}
			f.put(t, all[n*5%140:][:60]...)
			f.put(t, f.user("New"))
		}
		for id, stayed := range stays {
			if stayed && seen[id] != 1 || seen[id] > 1 {
				t.Errorf("descending %t: something that stayed (%t) was seen %d times", descending, stayed, seen[id])
			}
		}
	}
}

func testRefusals(t *testing.T, f *fixture) {
	for i := range 10 {
		f.put(t, f.user(fmt.Sprint("Name ", i)))
	}
	good := queries.Criteria{Kind: domain.UserMember, Text: "name"}
	place := f.page(t, good, nil, 3).Next
	f.page(t, good, place, 3)
	f.invalid(t, "no kind", queries.Criteria{}, nil, 1)
	f.invalid(t, "a kind that is none", queries.Criteria{Kind: "thing"}, nil, 1)
	f.invalid(t, "an order that is none", queries.Criteria{Kind: domain.UserMember, Sort: "size"}, nil, 1)
	f.invalid(t, "no results", good, nil, 0)
	f.invalid(t, "fewer than no results", good, nil, -1)
	many := make([]string, 33)
	for i := range many {
		many[i] = fmt.Sprint("word", i)
	}
	f.page(t, queries.Criteria{Kind: domain.UserMember, Text: strings.Join(many[:32], " ")}, nil, 1)
	f.invalid(t, "too many words", queries.Criteria{Kind: domain.UserMember, Text: strings.Join(many, " ")}, nil, 1)
	for sort, descending := range map[queries.Sort]bool{queries.ByRelevance: true, queries.ByName: false, queries.ByUsername: false, queries.ByCreated: true, queries.ByID: false} {
		other := good
		other.Sort, other.Descending = sort, descending
		f.invalid(t, "a place in another order", other, place, 3)
	}
	f.invalid(t, "an empty place", good, []byte{}, 3)
	for cut := 1; cut < 20 && cut < len(place); cut++ {
		f.invalid(t, "a place that was cut", good, place[:cut], 3)
	}
	f.invalid(t, "a place that is none", good, []byte(strings.Repeat("x", 40)), 3)
	f.invalid(t, "a place that is too long", good, append(place[:len(place):len(place)], make([]byte, 4096)...), 3)
}
