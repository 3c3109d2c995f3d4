package memsearch

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/internal/words"
	"github.com/seed5b6a70b4/identity/queries"
)

// tier is how well a word is matched, and a document by its worst word.
type tier uint8

const (
	whole  tier = iota // it is one of the document's
	prefix             // it begins one
	host               // it begins one of a host
	typo               // as the others, but for one typo
	none
)

// query is what a search asks for, in the index's terms.
type query struct {
	words      []words.Typed
	labels     []label
	nothing    bool // what was typed has no word
	by         queries.Sort
	descending bool
	after      *hit // the last result of the page before
	at         uint64
}

// hit is a result, with what results are ordered by.
type hit struct {
	tier tier // whole, except by relevance
	key  []byte
	id   uuid.UUID
}

var sorts = []queries.Sort{queries.ByRelevance, queries.ByName, queries.ByUsername, queries.ByCreated, queries.ByID}

func newQuery(c *queries.Criteria, from []byte) (*query, error) {
	q := &query{words: words.InText(c.Text), labels: asked(c), by: c.Sort, descending: c.Descending}
	q.nothing = len(q.words) == 0 && strings.TrimSpace(c.Text) != ""
	if len(q.words) > words.MaxTyped {
		return nil, domain.RefuseField("q", fmt.Sprintf("must have at most %d different words", words.MaxTyped))
	}
	if q.by == "" {
		q.by = queries.ByRelevance
	}
	if !slices.Contains(sorts, q.by) {
		return nil, domain.Refuse(domain.Invalid, "", "results cannot be sorted so")
	}
	if from == nil {
		return q, nil
	}
	var err error
	q.after, err = q.decode(from)
	return q, err
}

func (q *query) compare(a, b hit) int {
	if q.descending {
		a, b = b, a
	}
	if order := cmp.Compare(a.tier, b.tier); order != 0 {
		return order
	}
	if order := bytes.Compare(a.key, b.key); order != 0 {
		return order
	}
	return bytes.Compare(a.id[:], b.id[:])
}

// pass is one round of collecting results: those whose tier is at most the limit,
// or just that.
type pass struct {
	limit tier
	only  bool
}

// passes are the rounds that give the results in order; a later one is only
// needed if the page is not full.
func (q *query) passes() []pass {
	if q.by != queries.ByRelevance {
		return []pass{{limit: typo}}
	}
	rounds := []pass{{whole, true}}
	if len(q.words) > 0 {
		rounds = append(rounds, pass{prefix, true}, pass{host, true})
		if slices.ContainsFunc(q.words, func(w words.Typed) bool { return w.Typo }) {
			rounds = append(rounds, pass{typo, true})
		}
	}
	if q.descending {
		slices.Reverse(rounds)
	}
	return slices.DeleteFunc(rounds, func(p pass) bool {
		return q.after != nil && (q.after.tier != p.limit && q.after.tier > p.limit != q.descending)
	})
}

// takes tells whether results of a tier belong to the pass.
func (p pass) takes(t tier) bool { return t == p.limit || t < p.limit && !p.only }
