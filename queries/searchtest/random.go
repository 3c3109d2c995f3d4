package searchtest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

// few of everything, so that much is alike: beginnings, ties, typos.
var (
	names = []string{
		"Maria", "Mario", "Marianne", "Mara", "Martin", "Amria", "Anna", "Ann", "Ana", "Hannah", "Jean-Pierre", "Jean", "O'Neill", "Neill", "Łukasz", "Øre", "Zoë",
		"Мария", "Марина", "Фёдор", "Федоров", "Γιώργος", "Γεωργία", "مُحَمَّد", "محمود", "אברהם", "अनिता", "अनिल", "สมชาย", "สมหญิง", "김민수", "김민", "이민수",
		"田中太郎", "田中", "山田花子", "マリア", "Ma", "M", "X Æ A-12",
	}
	hosts    = []string{"example.com", "mario.example", "ann.example.com", "例え.jp"}
	colours  = []string{"red", "green", "7"}
	groupIDs = someIDs[domain.GroupID](4, 'g')
	ids      = someIDs[uuid.UUID](40, 'i')
	orders   = []queries.Sort{queries.ByRelevance, queries.ByName, queries.ByUsername, queries.ByCreated, queries.ByID}
)

func someIDs[T any](n int, kind byte) []T {
	all := make([]T, n)
	for i := range all {
		id := uuid.UUID{0: byte(i * 37), 1: kind, 15: byte(i + 1)}
		switch p := any(&all[i]).(type) {
		case *domain.GroupID:
			p.UUID = id
		case *uuid.UUID:
			*p = id
		}
	}
	return all
}

// testRandom puts, replaces and removes documents at random, and walks the
// results of random searches in between.
func testRandom(t *testing.T, open func(t *testing.T) Index) {
	rapid.Check(t, func(r *rapid.T) {
		f := newFixture(t, open(t))
		r.Repeat(map[string]func(*rapid.T){
			"put": func(r *rapid.T) {
				f.put(r, rapid.SliceOfN(rapid.Custom(drawDocument), 1, 12).Draw(r, "documents")...)
			},
			"search": func(r *rapid.T) {
				f.agree(r, DrawCriteria(r), rapid.SampledFrom([]int{1, 2, 3, 7, 50}).Draw(r, "limit"))
			},
			"read": func(r *rapid.T) { f.held(r) },
		})
	})
}

// testMany walks the results of random searches among so many documents that an
// index has a choice of how to find them.
func testMany(t *testing.T, f *fixture) {
	documents := Documents(2000)
	f.put(t, documents[:1500]...)
	for _, d := range documents[1500:] {
		f.put(t, d)
	}
	for seed := range 48 {
		c := rapid.Custom(DrawCriteria).Example(seed)
		f.agree(t, c, []int{9, 50, 500}[seed%3])
	}
}

// Documents makes up documents, the same every time, of which many are alike.
func Documents(n int) []queries.Document {
	documents := make([]queries.Document, n)
	for i := range documents {
		d := rapid.Custom(drawDocument).Example(i)
		binary.BigEndian.PutUint32(d.ID[4:], uint32(i))
		documents[i] = d
	}
	return documents
}

func drawDocument(r *rapid.T) queries.Document {
	d := queries.Document{
		ID:       rapid.SampledFrom(ids).Draw(r, "id"),
		Revision: rapid.Uint64Range(1, 60).Draw(r, "revision"),
		Kind:     domain.UserMember,
		Removed:  rapid.IntRange(0, 9).Draw(r, "removed") == 0,
	}
	if d.ID[15]%4 == 0 { // an id is of one kind for ever
		d.Kind = domain.GroupMember
	}
	if d.Removed {
		return d
	}
	name := rapid.SampledFrom(names)
	d.Name = strings.Join(rapid.SliceOfN(name, 0, 3).Draw(r, "name"), " ")
	d.Active = rapid.Bool().Draw(r, "active")
	d.Groups = rapid.SliceOfDistinct(rapid.SampledFrom(groupIDs), func(id domain.GroupID) domain.GroupID { return id }).Draw(r, "groups")
	d.CreatedAt = time.UnixMilli(rapid.Int64Range(-3, 3).Draw(r, "created"))
	for _, key := range []string{"colour", "size"} {
		if values := rapid.SliceOfN(rapid.SampledFrom(colours), 0, 2).Draw(r, key); len(values) > 0 {
			d.Attributes = withAttribute(d.Attributes, key, values)
		}
	}
	if d.Kind == domain.UserMember {
		d.Username = rapid.SampledFrom(names).Draw(r, "username") + rapid.SampledFrom([]string{"", ".", "-b", "92", "@example.com"}).Draw(r, "more")
		d.GivenName, d.FamilyName = name.Draw(r, "given"), name.Draw(r, "family")
		d.Email = rapid.SampledFrom([]string{"", strings.ReplaceAll(name.Draw(r, "local"), " ", ".") + "@" + rapid.SampledFrom(hosts).Draw(r, "host")}).Draw(r, "email")
	}
	return d
}

func withAttribute(attributes domain.Attributes, name string, values []string) domain.Attributes {
	raw := fmt.Appendf(nil, "%q", values)
	value, err := domain.ParseAttribute(slices.Clone([]byte(strings.ReplaceAll(string(raw), `" "`, `","`))))
	if err != nil {
		panic(err)
	}
	if attributes == nil {
		attributes = domain.Attributes{}
	}
	attributes[name] = value
	return attributes
}

// DrawCriteria draws a search that some of many documents are likely to match:
// of words that are cut short, misspelt, put together or nonsense.
func DrawCriteria(r *rapid.T) queries.Criteria {
	c := queries.Criteria{
		Kind:       rapid.SampledFrom([]domain.MemberKind{domain.UserMember, domain.UserMember, domain.GroupMember}).Draw(r, "kind"),
		Text:       strings.Join(rapid.SliceOfN(rapid.Custom(drawTyped), 0, 2).Draw(r, "text"), " "),
		Sort:       rapid.SampledFrom(orders).Draw(r, "sort"),
		Descending: rapid.Bool().Draw(r, "descending"),
	}
	if rapid.IntRange(0, 2).Draw(r, "by activity") == 0 {
		active := rapid.Bool().Draw(r, "active")
		c.Active = &active
	}
	if rapid.IntRange(0, 2).Draw(r, "by group") == 0 {
		c.Group = rapid.SampledFrom(groupIDs).Draw(r, "group")
	}
	if rapid.IntRange(0, 2).Draw(r, "by attribute") == 0 {
		c.Attributes = map[string]string{rapid.SampledFrom([]string{"colour", "size", "none"}).Draw(r, "attribute"): rapid.SampledFrom(colours).Draw(r, "value")}
	}
	return c
}

func drawTyped(r *rapid.T) string {
	text := []rune(rapid.SampledFrom(append(names, hosts...)).Draw(r, "word"))
	if rapid.Bool().Draw(r, "cut short") {
		text = text[:rapid.IntRange(0, len(text)).Draw(r, "length")]
	}
	if len(text) > 1 && rapid.IntRange(0, 2).Draw(r, "misspelt") == 0 {
		at := rapid.IntRange(0, len(text)-2).Draw(r, "at")
		switch letter := []rune(rapid.SampledFrom(names).Draw(r, "letter of"))[0]; rapid.IntRange(0, 3).Draw(r, "how") {
		case 0:
			text[at], text[at+1] = text[at+1], text[at]
		case 1:
			text = slices.Delete(text, at, at+1)
		case 2:
			text = slices.Insert(text, at, letter)
		case 3:
			text[at+1] = letter
		}
	}
	return rapid.SampledFrom([]string{"", "", "", "@", "maria@"}).Draw(r, "before") + string(text)
}

func containsID(text string, id uuid.UUID) bool { return strings.Contains(text, id.String()) }

func describe(d entry) string {
	return fmt.Sprintf("%s revision %d, removed %t, created %d: words %q, logins %q, hosts %q, name %q\n", d.ID, d.Revision, d.Removed, d.CreatedAt.UnixMilli(), d.terms.Words, d.terms.Logins, d.terms.Hosts, d.terms.NameKey())
}
