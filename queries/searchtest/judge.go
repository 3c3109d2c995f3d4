package searchtest

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/internal/words"
	"github.com/seed5b6a70b4/identity/queries"
)

// Judge knows the right answer to every search. The zero Judge is empty.
type Judge struct {
	documents map[uuid.UUID]entry
}

type entry struct {
	queries.Document
	terms words.Terms
}

// Put takes documents in, as an index must: not those of a revision that is not
// above the one it has.
func (j *Judge) Put(documents []queries.Document) {
	if j.documents == nil {
		j.documents = map[uuid.UUID]entry{}
	}
	for _, d := range documents {
		if old, found := j.documents[d.ID]; !found || old.Revision < d.Revision {
			j.documents[d.ID] = entry{d, words.Of(d.Name, d.Username, d.Email, d.GivenName, d.FamilyName)}
		}
	}
}

// Search lists all results in order.
func (j *Judge) Search(c queries.Criteria) []uuid.UUID {
	var results []result
	for _, e := range j.documents {
		if e.Removed || e.Kind != c.Kind || !passes(e.Document, c) {
			continue
		}
		if tier := judge(e.terms, c.Text); tier < noMatch {
			results = append(results, result{e, tier})
		}
	}
	slices.SortFunc(results, func(a, b result) int { return compare(a, b, c) })
	ids := make([]uuid.UUID, len(results))
	for i, r := range results {
		ids[i] = r.ID
	}
	return ids
}

func passes(d queries.Document, c queries.Criteria) bool {
	if c.Active != nil && d.Active != *c.Active {
		return false
	}
	if !c.Group.IsZero() && !slices.Contains(d.Groups, c.Group) {
		return false
	}
	for name, value := range c.Attributes {
		if !slices.Contains(d.Attributes[name].Values(), value) {
			return false
		}
	}
	return true
}

// The tiers, best first.
const (
	wholeWord = iota
	prefixOfWord
	prefixOfHost
	withTypo
	noMatch
)

type result struct {
	entry
	tier int
}

// judge finds how well terms match a text: as well as its worst matched word.
func judge(terms words.Terms, text string) int {
	typed := words.InText(text)
	if len(typed) == 0 && strings.TrimSpace(text) != "" {
		return noMatch
	}
	worst := wholeWord
	for _, word := range typed {
		worst = max(worst, best(word, terms))
	}
	return worst
}

// best finds the tier of the best match of a word.
func best(typed words.Typed, terms words.Terms) int {
	best := noMatch
	if typed.Where == words.InLogins { // with its end, as a letter that must be matched too
		typed.Text += "@"
		for _, login := range terms.Logins {
			best = min(best, match(typed, login+"@", wholeWord, noMatch))
		}
		return best
	}
	if typed.Where == words.Anywhere {
		for _, word := range slices.Concat(terms.Words, terms.Logins) {
			best = min(best, match(typed, word, wholeWord, prefixOfWord))
		}
	}
	for _, host := range terms.Hosts {
		best = min(best, match(typed, host, prefixOfHost, prefixOfHost))
	}
	return best
}

func match(typed words.Typed, term string, ifWhole, ifPrefix int) int {
	switch {
	case term == typed.Text:
		return ifWhole
	case strings.HasPrefix(term, typed.Text):
		return ifPrefix
	case typed.Typo && oneTypo([]rune(typed.Text), []rune(term)):
		return withTypo
	}
	return noMatch
}

// oneTypo tells whether a word becomes the beginning of a term by putting right
// the first letter in which they differ: by replacing it, leaving it out, putting
// the missing one before it, or swapping it with the next. If it is the word's
// last letter, replacing it or leaving it out must give the whole term.
func oneTypo(word, term []rune) bool {
	at := 0
	for at < len(word) && at < len(term) && word[at] == term[at] {
		at++
	}
	last := at == len(word)-1
	begins := func(parts ...[]rune) bool {
		corrected := slices.Concat(parts...)
		return len(corrected) <= len(term) && slices.Equal(corrected, term[:len(corrected)])
	}
	is := func(parts ...[]rune) bool { return begins(parts...) && len(slices.Concat(parts...)) == len(term) }
	before, rest := word[:at], word[at+1:]
	if last && is(before) || !last && begins(before, rest) { // left out
		return true
	}
	if at == len(term) {
		return false
	}
	right := term[at : at+1]
	if last && is(before, right) || !last && begins(before, right, rest) { // replaced
		return true
	}
	if begins(before, right, word[at:]) { // put before it
		return true
	}
	return !last && begins(before, rest[:1], word[at:at+1], rest[1:]) // swapped
}

// compare orders results.
func compare(a, b result, c queries.Criteria) int {
	order := 0
	switch c.Sort {
	case queries.ByRelevance, "":
		order = cmp.Or(cmp.Compare(a.tier, b.tier), strings.Compare(a.terms.NameKey(), b.terms.NameKey()))
	case queries.ByName:
		order = strings.Compare(a.terms.NameKey(), b.terms.NameKey())
	case queries.ByUsername:
		order = strings.Compare(a.terms.Username, b.terms.Username)
	case queries.ByCreated:
		order = cmp.Compare(a.CreatedAt.UnixMilli(), b.CreatedAt.UnixMilli())
	}
	order = cmp.Or(order, bytes.Compare(a.ID[:], b.ID[:]))
	if c.Descending {
		return -order
	}
	return order
}
