package memsearch

import "bytes"

// dictionary holds the terms of a segment: sorted, one after the other. A term's
// number is its place, so that numbers compare as terms do.
type dictionary struct {
	ends []uint32
	text []byte
}

// span is a run of terms, by number.
type span struct{ from, to uint32 }

func (s span) empty() bool          { return s.from >= s.to }
func (s span) holds(at uint32) bool { return s.from <= at && at < s.to }
func (d *dictionary) all() span     { return span{0, uint32(len(d.ends))} }
func (d *dictionary) term(at uint32) []byte {
	if at == 0 {
		return d.text[:d.ends[0]]
	}
	return d.text[d.ends[at-1]:d.ends[at]]
}

// lower is the first term within a span that is not less than a word.
func (d *dictionary) lower(within span, word []byte) uint32 {
	from, to := within.from, within.to
	for from < to {
		if middle := from + (to-from)/2; bytes.Compare(d.term(middle), word) < 0 {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from
}

// past is the first term within a span, whose terms are not less than a prefix,
// that does not begin with it. It looks near the beginning first.
func (d *dictionary) past(within span, prefix []byte) uint32 {
	from, step := within.from, uint32(1)
	for from+step <= within.to && bytes.HasPrefix(d.term(from+step-1), prefix) {
		from += step
		step *= 2
	}
	to := min(from+step, within.to)
	for from < to {
		if middle := from + (to-from)/2; bytes.HasPrefix(d.term(middle), prefix) {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from
}

// run is the terms within a span that begin with a prefix.
func (d *dictionary) run(within span, prefix []byte) span {
	from := d.lower(within, prefix)
	return span{from, d.past(span{from, within.to}, prefix)}
}

// whole is the terms within a span that are a word: the word, and the login that
// is written alike.
func (d *dictionary) whole(within span, word []byte) span {
	from := d.lower(within, word)
	to := from
	if to < within.to && bytes.Equal(d.term(to), word) {
		to++
	}
	if to < within.to && isLogin(d.term(to), word) {
		to++
	}
	return span{from, to}
}

func isLogin(term, word []byte) bool {
	return len(term) == len(word)+1 && term[len(word)] == mark && bytes.HasPrefix(term, word)
}

// exactly is the term within a span that is a text, or an empty span.
func (d *dictionary) exactly(within span, word []byte) span {
	at := d.lower(within, word)
	if at < within.to && bytes.Equal(d.term(at), word) {
		return span{at, at + 1}
	}
	return span{at, at}
}
