package memsearch

import (
	"bytes"
	"slices"
	"sort"
	"sync/atomic"

	"github.com/google/uuid"
)

// segment holds documents that no longer change, in flat arrays. A document's
// ordinal is its place in the order of name and id; removed ones, of which only
// id and revision are left, come first. Only dead and garbage change.
type segment struct {
	slab *slab
	size sizes

	// by ordinal
	ids       []uuid.UUID
	revisions []uint64
	created   []int64  // milliseconds
	usernames []uint32 // the term's number + 1; 0 for none
	nameWords []uint8  // how many of the first terms are the name
	termsEnd  []uint32 // where the document's terms end
	dead      []atomic.Uint64

	// ordinals in other orders; removed documents are in byID only
	byID, byUsername, byCreated []uint32

	docTerms []uint32 // the terms of each document: the name in order, then others
	terms    dictionary
	postEnds []uint32 // by term: where its postings end
	postings []uint32 // ordinals, sorted within a term

	labels      []label
	labelCounts []uint32
	labelEnds   []uint32
	labelData   []uint32

	garbage atomic.Int64 // how many are dead

	// killed are those that died during a merge of this segment. Guarded by the
	// shelf's lock.
	merging bool
	killed  []uint32
}

// sizes are the lengths of a segment's arrays, which are its header on disk.
type sizes struct {
	Documents, Removed, DocTerms, Terms, TermBytes, Labels, LabelData int
}

func (n sizes) add(o sizes) sizes {
	return sizes{
		n.Documents + o.Documents, n.Removed + o.Removed, n.DocTerms + o.DocTerms, n.Terms + o.Terms,
		n.TermBytes + o.TermBytes, n.Labels + o.Labels, n.LabelData + o.LabelData,
	}
}

func (n sizes) numbers() [7]uint64 {
	return [7]uint64{uint64(n.Documents), uint64(n.Removed), uint64(n.DocTerms), uint64(n.Terms), uint64(n.TermBytes), uint64(n.Labels), uint64(n.LabelData)}
}

func sizesOf(n [7]uint64) sizes {
	return sizes{int(n[0]), int(n[1]), int(n[2]), int(n[3]), int(n[4]), int(n[5]), int(n[6])}
}

func (n sizes) bytes() int {
	live := n.Documents - n.Removed
	return room[uuid.UUID](n.Documents) + 3*room[uint64](n.Documents) + 3*room[uint32](n.Documents) + room[uint8](n.Documents) +
		2*room[uint32](live) + 2*room[uint32](n.DocTerms) + 2*room[uint32](n.Terms) + room[byte](n.TermBytes) +
		room[label](n.Labels) + 2*room[uint32](n.Labels) + room[uint32](n.LabelData)
}

func newSegment(n sizes) *segment {
	s := &segment{slab: newSlab(n.bytes()), size: n}
	live := n.Documents - n.Removed
	s.ids = carve[uuid.UUID](s.slab, n.Documents)
	s.revisions = carve[uint64](s.slab, n.Documents)
	s.created = carve[int64](s.slab, n.Documents)
	s.usernames = carve[uint32](s.slab, n.Documents)
	s.nameWords = carve[uint8](s.slab, n.Documents)
	s.termsEnd = carve[uint32](s.slab, n.Documents)
	s.dead = carve[atomic.Uint64](s.slab, n.Documents)
	s.byID = carve[uint32](s.slab, n.Documents)
	s.byUsername = carve[uint32](s.slab, live)
	s.byCreated = carve[uint32](s.slab, live)
	s.docTerms = carve[uint32](s.slab, n.DocTerms)
	s.terms = dictionary{carve[uint32](s.slab, n.Terms), carve[byte](s.slab, n.TermBytes)}
	s.postEnds = carve[uint32](s.slab, n.Terms)
	s.postings = carve[uint32](s.slab, n.DocTerms)
	s.labels = carve[label](s.slab, n.Labels)
	s.labelCounts = carve[uint32](s.slab, n.Labels)
	s.labelEnds = carve[uint32](s.slab, n.Labels)
	s.labelData = carve[uint32](s.slab, n.LabelData)
	return s
}

// arrays is the memory of all arrays but dead, in the order in which they are
// kept on disk.
func (s *segment) arrays() [][]byte {
	return [][]byte{
		bytesOf(s.ids), bytesOf(s.revisions), bytesOf(s.created), bytesOf(s.usernames), bytesOf(s.nameWords), bytesOf(s.termsEnd),
		bytesOf(s.byID), bytesOf(s.byUsername), bytesOf(s.byCreated), bytesOf(s.docTerms),
		bytesOf(s.terms.ends), s.terms.text, bytesOf(s.postEnds), bytesOf(s.postings),
		bytesOf(s.labels), bytesOf(s.labelCounts), bytesOf(s.labelEnds), bytesOf(s.labelData),
	}
}

func (s *segment) documents() int { return s.size.Documents }

// visible tells whether a document is there at a sequence.
func (s *segment) visible(ordinal uint32, at uint64) bool {
	died := s.dead[ordinal].Load()
	return died == 0 || died > at
}

func (s *segment) removed(ordinal uint32) bool { return int(ordinal) < s.size.Removed }

func (s *segment) kill(ordinal uint32, at uint64) {
	s.dead[ordinal].Store(at)
	s.garbage.Add(1)
	if s.merging {
		s.killed = append(s.killed, ordinal)
	}
}

// find gives the ordinal of an id, dead ones passed over.
func (s *segment) find(id uuid.UUID) (uint32, bool) {
	at := sort.Search(len(s.byID), func(i int) bool { return bytes.Compare(s.ids[s.byID[i]][:], id[:]) >= 0 })
	if at == len(s.byID) || s.ids[s.byID[at]] != id {
		return 0, false
	}
	return s.byID[at], s.dead[s.byID[at]].Load() == 0
}

// termsOf are the numbers of a document's terms.
func (s *segment) termsOf(ordinal uint32) []uint32 {
	if ordinal == 0 {
		return s.docTerms[:s.termsEnd[0]]
	}
	return s.docTerms[s.termsEnd[ordinal-1]:s.termsEnd[ordinal]]
}

// name are the numbers of the name's words, in order.
func (s *segment) name(ordinal uint32) []uint32 { return s.termsOf(ordinal)[:s.nameWords[ordinal]] }

// nameKey is what the document is sorted by: the words with spaces between them.
func (s *segment) nameKey(buffer []byte, ordinal uint32) []byte {
	for i, term := range s.name(ordinal) {
		if i > 0 {
			buffer = append(buffer, ' ')
		}
		buffer = append(buffer, s.terms.term(term)...)
	}
	return buffer
}

// posts are the postings of a run of terms; sorted if it is of one term.
func (s *segment) posts(terms span) []uint32 {
	if terms.empty() {
		return nil
	}
	from := uint32(0)
	if terms.from > 0 {
		from = s.postEnds[terms.from-1]
	}
	return s.postings[from:s.postEnds[terms.to-1]]
}

// has is who has a label.
func (s *segment) has(l label) set {
	at, found := slices.BinarySearchFunc(s.labels, l, compareLabels)
	if !found {
		return set{}
	}
	return s.labelled(at)
}

func (s *segment) labelled(at int) set {
	from := uint32(0)
	if at > 0 {
		from = s.labelEnds[at-1]
	}
	return set{int(s.labelCounts[at]), s.labelData[from:s.labelEnds[at]]}
}
