package memsearch

import (
	"bytes"
	"math"
	"math/bits"
	"slices"
)

// gone is the new ordinal of a document that a merge leaves out.
const gone = math.MaxUint32

// merging makes one segment of several: those documents that are visible at a
// sequence.
type merging struct {
	from []*segment
	at   uint64
	// pause is called now and then; its error ends the merge.
	pause func() error

	joint []origin   // the terms of all, sorted: where each comes from
	terms [][]uint32 // by segment and its term: the joint number
	used  []uint32   // by joint number: 1 + the number in the result, 0 if no document is left

	order []origin   // the documents of the result, in order
	moved [][]uint32 // by segment and its ordinal: the new ordinal, or gone
}

// origin is a term or a document of one of the segments.
type origin struct{ segment, at uint32 }

// merge gives the new segment and where the documents went.
func merge(from []*segment, at uint64, pause func() error) (*segment, [][]uint32, error) {
	m := &merging{from: from, at: at, pause: pause}
	for _, step := range []func() error{m.joinTerms, m.orderDocuments, m.dropTerms} {
		if err := step(); err != nil {
			return nil, nil, err
		}
	}
	merged, err := m.build()
	return merged, m.moved, err
}

// joined walks several sorted sequences as one: less compares the heads of two
// of them, take is given the one that comes first.
func (m *merging) joined(heads []uint32, ends []uint32, less func(a, b int) bool, take func(segment int)) error {
	var next []int // those not at their end: a heap
	for i := range heads {
		if heads[i] < ends[i] {
			next = append(next, i)
		}
	}
	for i := len(next)/2 - 1; i >= 0; i-- {
		sink(next, i, less)
	}
	for steps := 0; len(next) > 0; steps++ {
		first := next[0]
		take(first)
		if heads[first]++; heads[first] == ends[first] {
			next[0] = next[len(next)-1]
			next = next[:len(next)-1]
		}
		sink(next, 0, less)
		if steps%1024 == 0 {
			if err := m.pause(); err != nil {
				return err
			}
		}
	}
	return nil
}

// sink brings what stands at a place of a heap down to where nothing below comes
// before it.
func sink(heap []int, at int, less func(a, b int) bool) {
	for {
		first := at
		for child := 2*at + 1; child <= 2*at+2 && child < len(heap); child++ {
			if less(heap[child], heap[first]) {
				first = child
			}
		}
		if first == at {
			return
		}
		heap[at], heap[first] = heap[first], heap[at]
		at = first
	}
}

func (m *merging) joinTerms() error {
	heads, ends := make([]uint32, len(m.from)), make([]uint32, len(m.from))
	for i, s := range m.from {
		ends[i] = uint32(s.size.Terms)
		m.terms = append(m.terms, make([]uint32, s.size.Terms))
	}
	term := func(i int) []byte { return m.from[i].terms.term(heads[i]) }
	var last []byte
	return m.joined(heads, ends, func(a, b int) bool { return bytes.Compare(term(a), term(b)) < 0 }, func(i int) {
		if len(m.joint) == 0 || !bytes.Equal(term(i), last) {
			last = term(i)
			m.joint = append(m.joint, origin{uint32(i), heads[i]})
		}
		m.terms[i][heads[i]] = uint32(len(m.joint) - 1)
	})
}

func (m *merging) orderDocuments() error {
	heads, ends := make([]uint32, len(m.from)), make([]uint32, len(m.from))
	for i, s := range m.from {
		ends[i] = uint32(s.documents())
		m.moved = append(m.moved, make([]uint32, s.documents()))
	}
	before := func(a, b int) bool { return m.compareDocuments(a, heads[a], b, heads[b]) < 0 }
	return m.joined(heads, ends, before, func(i int) {
		ordinal := heads[i]
		if !m.from[i].visible(ordinal, m.at) {
			m.moved[i][ordinal] = gone
			return
		}
		m.moved[i][ordinal] = uint32(len(m.order))
		m.order = append(m.order, origin{uint32(i), ordinal})
	})
}

// compareDocuments orders as compareVersions does.
func (m *merging) compareDocuments(a int, x uint32, b int, y uint32) int {
	s, t := m.from[a], m.from[b]
	switch {
	case s.removed(x) && !t.removed(y):
		return -1
	case t.removed(y) && !s.removed(x):
		return 1
	}
	left, right := s.name(x), t.name(y)
	for i := range min(len(left), len(right)) {
		if p, q := m.terms[a][left[i]], m.terms[b][right[i]]; p != q {
			return int(p) - int(q)
		}
	}
	if len(left) != len(right) {
		return len(left) - len(right)
	}
	return bytes.Compare(s.ids[x][:], t.ids[y][:])
}

// dropTerms numbers the terms that documents are left of.
func (m *merging) dropTerms() error {
	m.used = make([]uint32, len(m.joint))
	for i, document := range m.order {
		for _, term := range m.from[document.segment].termsOf(document.at) {
			m.used[m.terms[document.segment][term]] = 1
		}
		if i%1024 == 0 {
			if err := m.pause(); err != nil {
				return err
			}
		}
	}
	kept := uint32(0)
	for joint, used := range m.used {
		if used != 0 {
			kept++
			m.used[joint] = kept
		}
	}
	return nil
}

func (m *merging) build() (*segment, error) {
	b := newBuilder(m.sizes())
	for joint, o := range m.joint {
		if m.used[joint] != 0 {
			b.term(m.from[o.segment].terms.term(o.at))
		}
	}
	var terms []uint32
	for i, o := range m.order {
		s := m.from[o.segment]
		terms = terms[:0]
		for _, term := range s.termsOf(o.at) {
			terms = append(terms, m.number(o.segment, term))
		}
		username := s.usernames[o.at]
		if username != 0 {
			username = m.number(o.segment, username-1) + 1
		}
		b.document(s.ids[o.at], s.revisions[o.at], s.created[o.at], username, int(s.nameWords[o.at]), terms)
		if i%1024 == 0 {
			if err := m.pause(); err != nil {
				return nil, err
			}
		}
	}
	var seen []uint32
	for l, ordinals := range m.labelled {
		seen = inOrder(ordinals, len(m.order), seen)
		b.label(l, ordinals)
	}
	return b.segment(), nil
}

func (m *merging) number(segment uint32, term uint32) uint32 {
	return m.used[m.terms[segment][term]] - 1
}

func (m *merging) sizes() sizes {
	n := sizes{Documents: len(m.order)}
	for _, o := range m.order {
		n.DocTerms += len(m.from[o.segment].termsOf(o.at))
		if m.from[o.segment].removed(o.at) {
			n.Removed++
		}
	}
	for joint, o := range m.joint {
		if m.used[joint] != 0 {
			n.Terms++
			n.TermBytes += len(m.from[o.segment].terms.term(o.at))
		}
	}
	for _, ordinals := range m.labelled {
		n.Labels++
		n.LabelData += packedSize(len(ordinals), n.Documents)
	}
	return n
}

// labelled gives the labels that documents are left of, in order, and which
// documents, in no order.
func (m *merging) labelled(yield func(label, []uint32) bool) {
	heads := make([]int, len(m.from))
	var ordinals []uint32
	for {
		var next *label
		for i, s := range m.from {
			if heads[i] < len(s.labels) && (next == nil || compareLabels(s.labels[heads[i]], *next) < 0) {
				next = &s.labels[heads[i]]
			}
		}
		if next == nil {
			return
		}
		ordinals = ordinals[:0]
		for i, s := range m.from {
			if heads[i] < len(s.labels) && s.labels[heads[i]] == *next {
				for _, ordinal := range s.labelled(heads[i]).list() {
					if moved := m.moved[i][ordinal]; moved != gone {
						ordinals = append(ordinals, moved)
					}
				}
				heads[i]++
			}
		}
		if len(ordinals) > 0 && !yield(*next, ordinals) {
			return
		}
	}
}

// inOrder sorts ordinals below a count: where they are many, by marking them in a
// set, whose room is given and given back for the next time.
func inOrder(ordinals []uint32, count int, room []uint32) []uint32 {
	words := (count + 31) / 32
	if len(ordinals) < words {
		slices.Sort(ordinals)
		return room
	}
	room = slices.Grow(room[:0], words)[:words]
	clear(room)
	for _, ordinal := range ordinals {
		room[ordinal/32] |= 1 << (ordinal % 32)
	}
	ordinals = ordinals[:0]
	for i, word := range room {
		for ; word != 0; word &= word - 1 {
			ordinals = append(ordinals, uint32(32*i+bits.TrailingZeros32(word)))
		}
	}
	return room
}
