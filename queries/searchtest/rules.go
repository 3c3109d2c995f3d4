package searchtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

// names lists a search's results by the name of the document.
func (f *fixture) names(t *testing.T, c queries.Criteria) []string {
	t.Helper()
	if c.Kind == "" {
		c.Kind = domain.UserMember
	}
	names := []string{}
	for _, id := range f.walk(t, c, 2) {
		names = append(names, f.judge.documents[id].Name)
	}
	return names
}

func (f *fixture) expect(t *testing.T, what string, c queries.Criteria, names ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, names...), f.names(t, c)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func testTiers(t *testing.T, f *fixture) {
	login := f.user("Yan")
	login.Username = "mar.tin"
	atHost := f.user("Zed")
	atHost.Email = "zed@martin.example"
	f.put(t, f.user("Martina Abel"), f.user("Mratin"), f.user("Zoe Martin"), f.user("Martin Zorn"), f.user("Marin"), f.user("Adam Martins"), f.user("Other"), login, atHost)
	all := []string{"Martin Zorn", "Yan", "Zoe Martin", "Adam Martins", "Martina Abel", "Zed", "Marin", "Mratin"}
	f.expect(t, "whole words, beginnings, hosts, typos, by name in each", queries.Criteria{Text: "martin"}, all...)
	slices.Reverse(all)
	f.expect(t, "descending is the exact reverse", queries.Criteria{Text: "martin", Descending: true}, all...)
	f.expect(t, "the worst word decides", queries.Criteria{Text: "martin z"}, "Martin Zorn", "Zoe Martin", "Zed")
	f.expect(t, "relevance of no text is the name", queries.Criteria{Sort: queries.ByRelevance},
		"Adam Martins", "Marin", "Martin Zorn", "Martina Abel", "Mratin", "Other", "Yan", "Zed", "Zoe Martin")
}

func testFilters(t *testing.T, f *fixture) {
	ann, ben, cleo, team := f.user("Ann"), f.user("Ben"), f.user("Cleo"), f.user("Ann's team")
	here, there := domain.NewID[domain.Group](), domain.NewID[domain.Group]()
	ann.Groups, ben.Groups = []domain.GroupID{here, there}, []domain.GroupID{here}
	ben.Active = false
	ann.Attributes = attributes(t, `["red","7"]`, `true`)
	ben.Attributes = attributes(t, `"red"`, `12.50`)
	cleo.Attributes = attributes(t, `["a b","ü"]`, `[1,false]`)
	team.Kind, team.Groups = domain.GroupMember, []domain.GroupID{there}
	f.put(t, ann, ben, cleo, team)
	yes, no := true, false
	f.expect(t, "users", queries.Criteria{}, "Ann", "Ben", "Cleo")
	f.expect(t, "groups", queries.Criteria{Kind: domain.GroupMember, Text: "ann"}, "Ann's team")
	f.expect(t, "active", queries.Criteria{Active: &yes}, "Ann", "Cleo")
	f.expect(t, "not active", queries.Criteria{Active: &no}, "Ben")
	f.expect(t, "members of a group", queries.Criteria{Group: here}, "Ann", "Ben")
	f.expect(t, "groups in a group", queries.Criteria{Kind: domain.GroupMember, Group: there}, "Ann's team")
	f.expect(t, "a group that nobody is in", queries.Criteria{Group: domain.NewID[domain.Group]()})
	for value, names := range map[string][]string{"red": {"Ann", "Ben"}, "7": {"Ann"}, "a b": {"Cleo"}, "ü": {"Cleo"}, "u": nil, "RED": nil, `["red","7"]`: nil, "": nil} {
		f.expect(t, "the attribute a is "+value, queries.Criteria{Attributes: map[string]string{"a": value}}, names...)
	}
	for value, names := range map[string][]string{"true": {"Ann"}, "12.50": {"Ben"}, "1": {"Cleo"}, "false": {"Cleo"}, "red": nil} {
		f.expect(t, "the attribute b is "+value, queries.Criteria{Attributes: map[string]string{"b": value}}, names...)
	}
	f.expect(t, "everything at once", queries.Criteria{Text: "be", Active: &no, Group: here, Attributes: map[string]string{"a": "red", "b": "12.50"}}, "Ben")
	f.expect(t, "one of all does not hold", queries.Criteria{Text: "be", Active: &no, Group: there, Attributes: map[string]string{"a": "red"}})
}

func attributes(t *testing.T, a, b string) domain.Attributes {
	t.Helper()
	all := domain.Attributes{}
	for name, raw := range map[string]string{"a": a, "b": b} {
		value, err := domain.ParseAttribute([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = value
	}
	return all
}

// testSorting has names, usernames and instants that differ and some that tie.
func testSorting(t *testing.T, f *fixture) {
	for i, name := range []string{"zoe", "Émile", "eva", "Zoé", "", "Eva Maria", "Evamaria", "Øre", "Яна", "zoe"} {
		d := f.user(name)
		d.Username = []string{"u.2", "U10", "u1", "", "u-2"}[i%5]
		d.CreatedAt = time.UnixMilli(int64(i * 7 % 4)).Add(time.Duration(i) * time.Microsecond)
		f.put(t, d)
	}
	f.expect(t, "by name, as folded, ties by id", queries.Criteria{Sort: queries.ByName},
		"", "Émile", "eva", "Eva Maria", "Evamaria", "Øre", "zoe", "Zoé", "zoe", "Яна")
	for _, sort := range []queries.Sort{queries.ByID, queries.ByRelevance, queries.ByName, queries.ByUsername, queries.ByCreated, ""} {
		for _, text := range []string{"", "z", "evam", "eva"} {
			for limit := 1; limit < 12; limit += 2 {
				f.agree(t, queries.Criteria{Kind: domain.UserMember, Sort: sort, Text: text}, limit)
				f.agree(t, queries.Criteria{Kind: domain.UserMember, Sort: sort, Text: text, Descending: true}, limit)
			}
		}
	}
}

func testRevisions(t *testing.T, f *fixture) {
	d := f.user("First")
	d.Revision = 5
	f.put(t, d)
	put := func(what, name string, revision uint64, removed bool, names ...string) {
		t.Helper()
		d.Name, d.Revision, d.Removed = name, revision, removed
		f.put(t, d)
		f.expect(t, what, queries.Criteria{}, names...)
	}
	put("the same revision is not taken", "Same", 5, false, "First")
	put("an older one is not", "Older", 4, false, "First")
	put("a newer one is", "Second", 7, false, "Second")
	f.expect(t, "what it was is forgotten", queries.Criteria{Text: "first"})
	put("removed documents are not found", "", 8, true)
	put("an older revision does not bring them back", "Back", 7, false)
	for i := range 100 { // nor do they come back when much else has happened
		f.put(t, f.user(fmt.Sprint("Other ", i)))
	}
	f.expect(t, "removed", queries.Criteria{Text: "second"})
	d.Revision, d.Removed, d.Name = 6, false, "Back"
	f.put(t, d)
	f.expect(t, "an older revision, later", queries.Criteria{Text: "back"})

	never := f.user("Never")
	never.Removed = true
	f.put(t, never)
	never.Removed, never.Revision = false, never.Revision-1
	f.put(t, never)
	f.expect(t, "removed before it was there", queries.Criteria{Text: "never"})

	twice := f.user("Once")
	again := twice
	again.Name, again.Revision = "Twice", twice.Revision+1
	f.next++
	f.put(t, again, twice)
	f.expect(t, "both orders in one call", queries.Criteria{Text: "once"})
	again.Revision += 2
	twice.Revision += 2
	f.put(t, twice, again)
	f.expect(t, "the newest of one call", queries.Criteria{Text: "twice"}, "Twice")
}
