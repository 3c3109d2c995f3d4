package memsearch

import (
	"cmp"
	"slices"

	"github.com/seed5b6a70b4/identity/internal/words"
)

// reach is the terms of a segment that a typed word matches, by tier.
type reach struct {
	typed               words.Typed
	whole, prefix, host span
	typos               []span
	tolerant            bool // typos were looked for
}

func newReach(d *dictionary, typed words.Typed) reach {
	r := reach{typed: typed}
	if typed.Where == words.InLogins {
		r.whole = d.exactly(d.all(), []byte(loginTerm(typed.Text)))
		r.prefix = r.whole
		return r
	}
	r.host = d.run(d.all(), []byte(hostTerm(typed.Text)))
	if typed.Where == words.Anywhere {
		r.prefix = d.run(d.all(), []byte(typed.Text))
		r.whole = d.whole(r.prefix, []byte(typed.Text))
	}
	return r
}

// tolerate looks for typos, once.
func (r *reach) tolerate(d *dictionary) {
	if r.tolerant || !r.typed.Typo {
		return
	}
	r.tolerant = true
	switch r.typed.Where {
	case words.InLogins:
		r.typos = d.typos("", loginTerm(r.typed.Text))
	case words.InHosts:
		r.typos = d.typos(string(mark), r.typed.Text)
	default:
		r.typos = disjoint(append(d.typos("", r.typed.Text), d.typos(string(mark), r.typed.Text)...))
	}
}

// upTo is the terms of a tier or better ones.
func (r *reach) upTo(limit tier) []span {
	switch limit {
	case whole:
		return []span{r.whole}
	case prefix:
		return []span{r.prefix}
	case host:
		return []span{r.prefix, r.host}
	default:
		return append([]span{r.prefix, r.host}, r.typos...)
	}
}

func (r *reach) tier(term uint32) tier {
	switch {
	case r.whole.holds(term):
		return whole
	case r.prefix.holds(term):
		return prefix
	case r.host.holds(term):
		return host
	}
	at, found := slices.BinarySearchFunc(r.typos, term, func(s span, term uint32) int { return cmp.Compare(s.from, term) })
	if found || at > 0 && r.typos[at-1].holds(term) {
		return typo
	}
	return none
}
