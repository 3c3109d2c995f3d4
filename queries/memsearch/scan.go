package memsearch

import (
	"encoding/binary"
	"iter"
	"strings"

	"github.com/seed5b6a70b4/identity/internal/words"
	"github.com/seed5b6a70b4/identity/queries"
)

// scan finds the results among buffered documents, by looking at every one. They
// are in no order.
func (q *query) scan(versions iter.Seq[*version]) []hit {
	var found []hit
	for v := range versions {
		if v.removed || !v.visible(q.at) || !v.hasAll(q.labels) {
			continue
		}
		t := q.tierOf(v.terms)
		if t == none {
			continue
		}
		if q.by != queries.ByRelevance {
			t = whole
		}
		if h := (hit{t, q.keyOf(v), v.id}); q.after == nil || q.compare(h, *q.after) > 0 {
			found = append(found, h)
		}
	}
	return found
}

// keyOf is what a buffered document is sorted by.
func (q *query) keyOf(v *version) []byte {
	switch q.by {
	case queries.ByID:
		return nil
	case queries.ByUsername:
		return []byte(v.username)
	case queries.ByCreated:
		return binary.BigEndian.AppendUint64(nil, instant(v.created))
	default:
		return []byte(v.nameKey)
	}
}

// tierOf is how well terms match: the worst of the typed words' best.
func (q *query) tierOf(terms []string) tier {
	worst := whole
	for _, typed := range q.words {
		best := none
		for _, term := range terms {
			best = min(best, tierOf(typed, term))
		}
		worst = max(worst, best)
	}
	return worst
}

func tierOf(typed words.Typed, term string) tier {
	term, isHost := strings.CutPrefix(term, string(mark))
	name, isLogin := strings.CutSuffix(term, string(mark))
	text := typed.Text
	switch typed.Where {
	case words.InHosts:
		if !isHost {
			return none
		}
	case words.InLogins:
		if !isLogin {
			return none
		}
		text = loginTerm(text)
	default:
		term = name
	}
	switch {
	case isHost && strings.HasPrefix(term, text):
		return host
	case term == text:
		return whole
	case strings.HasPrefix(term, text):
		return prefix
	case typed.Typo && oneTypo(text, term):
		return typo
	}
	return none
}
