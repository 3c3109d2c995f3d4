package memsearch

import "slices"

// matcher answers one query in one segment.
type matcher struct {
	q     *query
	s     *segment
	order order
	words []reach
	sets  []set
}

func newMatcher(q *query, s *segment) *matcher {
	m := &matcher{q: q, s: s, order: s.inOrder(q.by, q.descending)}
	for _, typed := range q.words {
		m.words = append(m.words, newReach(&s.terms, typed))
	}
	for _, l := range q.labels {
		m.sets = append(m.sets, s.has(l))
	}
	return m
}

// candidate is a document that may become a result.
type candidate struct {
	place
	ordinal uint32
}

// find adds the segment's first results of a pass to a page.
func (m *matcher) find(p pass, page *top[hit]) {
	if p.limit == typo {
		for i := range m.words {
			m.words[i].tolerate(&m.s.terms)
		}
	}
	first := &top[candidate]{most: page.most, compare: func(a, b candidate) int { return m.order.compare(a.place, b.place) }}
	var after *place
	if m.q.after != nil && (!p.only || m.q.after.tier == p.limit) {
		place := m.order.placeOf(*m.q.after)
		after = &place
	}
	if !m.inOrder(p, after, first) {
		m.rarest(p, after, first)
	}
	for _, c := range first.items {
		h := hit{key: m.order.key(c.ordinal), id: m.s.ids[c.ordinal]}
		if p.only {
			h.tier = p.limit
		}
		page.add(h)
	}
}

// scanShare: going through the documents in order is worth a try if it is
// expected to fill the page within this share of what walking the rarest list
// takes, and is given up after twice that.
const scanShare = 8

// inOrder goes through the documents in order. It answers false, and leaves
// nothing behind, if that would take longer than walking the rarest list.
func (m *matcher) inOrder(p pass, after *place, first *top[candidate]) bool {
	documents := m.order.len
	rarest, visits := documents, float64(first.most)
	for _, count := range m.counts(p) {
		if count == 0 {
			return true
		}
		rarest = min(rarest, count)
		visits *= max(1, float64(documents)/float64(count))
	}
	budget := documents
	if len(m.words)+len(m.sets) > 0 {
		if visits*scanShare > float64(rarest) {
			return false
		}
		budget = rarest * 2 / scanShare
	}
	begin := 0
	if after != nil {
		begin = m.order.after(*after)
	}
	for n := begin; n < documents && len(first.items) < first.most; n++ {
		if n-begin > budget {
			first.items = first.items[:0]
			return false
		}
		if ordinal := m.order.nth(n); m.accepts(p, ordinal) {
			first.items = append(first.items, candidate{ordinal: ordinal})
		}
	}
	return true
}

// counts are how many postings each word and label has.
func (m *matcher) counts(p pass) []int {
	counts := make([]int, 0, len(m.words)+len(m.sets))
	for i := range m.words {
		count := 0
		for _, terms := range m.words[i].upTo(p.limit) {
			count += len(m.s.posts(terms))
		}
		counts = append(counts, count)
	}
	for _, set := range m.sets {
		counts = append(counts, set.count)
	}
	return counts
}

// rarest goes through the postings of the rarest word or label.
func (m *matcher) rarest(p pass, after *place, first *top[candidate]) {
	counts := m.counts(p)
	rarest := slices.Index(counts, slices.Min(counts))
	others := m.others(p, counts, rarest)
	for _, list := range m.postings(p, rarest) {
		for _, ordinal := range list {
			if !inAll(others, ordinal) {
				continue
			}
			c := candidate{m.order.place(ordinal), ordinal}
			if after != nil && m.order.compare(c.place, *after) <= 0 {
				continue
			}
			if first.wants(c) && m.accepts(p, ordinal) {
				first.add(c)
			}
		}
	}
}

// bitmapShare: setting a bit costs this share of looking at a document's terms.
const bitmapShare = 32

// others are the words but the rarest, as bitmaps of the documents that have them,
// where that is cheaper than looking at what each document of the rarest has.
func (m *matcher) others(p pass, counts []int, rarest int) [][]uint64 {
	var bitmaps [][]uint64
	for i := range m.words {
		if i == rarest || counts[i] > counts[rarest]*bitmapShare {
			continue
		}
		bitmap := make([]uint64, m.s.documents()/64+1)
		for _, list := range m.postings(p, i) {
			for _, ordinal := range list {
				bitmap[ordinal/64] |= 1 << (ordinal % 64)
			}
		}
		bitmaps = append(bitmaps, bitmap)
	}
	return bitmaps
}

func inAll(bitmaps [][]uint64, ordinal uint32) bool {
	for _, bitmap := range bitmaps {
		if bitmap[ordinal/64]>>(ordinal%64)&1 == 0 {
			return false
		}
	}
	return true
}

// postings are who has a word or a label, in lists; some more than once.
func (m *matcher) postings(p pass, at int) [][]uint32 {
	if at >= len(m.words) {
		return [][]uint32{m.sets[at-len(m.words)].list()}
	}
	var lists [][]uint32
	for _, terms := range m.words[at].upTo(p.limit) {
		lists = append(lists, m.s.posts(terms))
	}
	return lists
}

// accepts tells whether a document is a result of the pass.
func (m *matcher) accepts(p pass, ordinal uint32) bool {
	if m.s.removed(ordinal) || !m.s.visible(ordinal, m.q.at) {
		return false
	}
	for i := range m.sets {
		if !m.sets[i].holds(ordinal) {
			return false
		}
	}
	return p.takes(m.tierOf(ordinal, p.limit))
}

// tierOf is how well a document matches; none beyond the limit.
func (m *matcher) tierOf(ordinal uint32, limit tier) tier {
	worst := whole
	terms := m.s.termsOf(ordinal)
	for i := range m.words {
		best := none
		for _, term := range terms {
			best = min(best, m.words[i].tier(term))
		}
		if best > limit {
			return none
		}
		worst = max(worst, best)
	}
	return worst
}
