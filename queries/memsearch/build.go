package memsearch

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// build makes a segment of versions, each of another entity.
func build(versions []*version) *segment {
	slices.SortFunc(versions, compareVersions)
	terms, numbers := numbered(versions)
	labels, labelled := gathered(versions)
	n := sizes{Documents: len(versions), Terms: len(terms), Labels: len(labels), DocTerms: len(numbers)}
	for _, v := range versions {
		if v.removed {
			n.Removed++
		}
	}
	for _, term := range terms {
		n.TermBytes += len(term)
	}
	for _, ordinals := range labelled {
		n.LabelData += packedSize(len(ordinals), n.Documents)
	}
	b := newBuilder(n)
	for _, term := range terms {
		b.term([]byte(term))
	}
	for _, v := range versions {
		own := numbers[:len(v.terms)]
		numbers = numbers[len(v.terms):]
		username := uint32(0)
		if v.username != "" {
			username = own[slices.Index(v.terms, loginTerm(v.username))] + 1
		}
		b.document(v.id, v.revision, v.created, username, v.name, own)
	}
	for _, l := range slices.SortedFunc(maps.Keys(labels), compareLabels) {
		b.label(l, labelled[labels[l]])
	}
	return b.segment()
}

// ownTerms is about how many terms an entity has that no other one has.
const ownTerms = 2

// numbered gives the terms of versions, sorted, and, version by version, the
// numbers of theirs.
func numbered(versions []*version) (terms []string, numbers []uint32) {
	seen := make(map[string]uint32, ownTerms*len(versions))
	found := make([]foundTerm, 0, ownTerms*len(versions))
	for _, v := range versions {
		for _, term := range v.terms {
			number, known := seen[term]
			if !known {
				number = uint32(len(found))
				seen[term] = number
				found = append(found, foundTerm{beginning(term), term, number})
			}
			numbers = append(numbers, number)
		}
	}
	slices.SortFunc(found, compareFound)
	terms = make([]string, len(found))
	final := make([]uint32, len(found))
	for number, f := range found {
		terms[number], final[f.number] = f.term, uint32(number)
	}
	for i, first := range numbers {
		numbers[i] = final[first]
	}
	return terms, numbers
}

// foundTerm is a term as it was found: so many others were before it.
type foundTerm struct {
	beginning uint64
	term      string
	number    uint32
}

func compareFound(a, b foundTerm) int {
	if a.beginning != b.beginning {
		return cmp.Compare(a.beginning, b.beginning)
	}
	return strings.Compare(a.term, b.term)
}

// beginning is the first eight bytes of a term, as a number that compares as they
// do: most terms differ in it.
func beginning(term string) uint64 {
	var first [8]byte
	copy(first[:], term)
	return binary.BigEndian.Uint64(first[:])
}

// gathered numbers the labels of versions, and lists who has each.
func gathered(versions []*version) (labels map[label]int, labelled [][]uint32) {
	labels = map[label]int{}
	for ordinal, v := range versions {
		for _, l := range v.labels {
			number, found := labels[l]
			if !found {
				number = len(labelled)
				labels[l] = number
				labelled = append(labelled, nil)
			}
			labelled[number] = append(labelled[number], uint32(ordinal))
		}
	}
	return labels, labelled
}

// builder fills a segment of known sizes: terms, documents and labels, each in
// their order.
type builder struct {
	s    *segment
	done sizes
}

func newBuilder(n sizes) *builder { return &builder{s: newSegment(n)} }

func (b *builder) term(text []byte) {
	b.done.TermBytes += copy(b.s.terms.text[b.done.TermBytes:], text)
	b.s.terms.ends[b.done.Terms] = uint32(b.done.TermBytes)
	b.done.Terms++
}

func (b *builder) document(id uuid.UUID, revision uint64, created int64, username uint32, nameWords int, terms []uint32) {
	s, ordinal := b.s, b.done.Documents
	s.ids[ordinal], s.revisions[ordinal], s.created[ordinal] = id, revision, created
	s.usernames[ordinal], s.nameWords[ordinal] = username, uint8(nameWords)
	b.done.DocTerms += copy(s.docTerms[b.done.DocTerms:], terms)
	s.termsEnd[ordinal] = uint32(b.done.DocTerms)
	b.done.Documents++
}

func (b *builder) label(l label, ordinals []uint32) {
	s, at := b.s, b.done.Labels
	end := b.done.LabelData + packedSize(len(ordinals), b.done.Documents)
	pack(ordinals, s.labelData[b.done.LabelData:end])
	s.labels[at], s.labelCounts[at], s.labelEnds[at] = l, uint32(len(ordinals)), uint32(end)
	b.done.LabelData = end
	b.done.Labels++
}

// segment makes the postings and the other orders of what was filled in.
func (b *builder) segment() *segment {
	s := b.s
	s.post()
	s.order(s.byID, 0, func(ordinal uint32) uint64 { return binary.BigEndian.Uint64(s.ids[ordinal][:]) })
	s.order(s.byUsername, s.size.Removed, func(ordinal uint32) uint64 { return uint64(s.usernames[ordinal]) })
	s.order(s.byCreated, s.size.Removed, func(ordinal uint32) uint64 { return instant(s.created[ordinal]) })
	return s
}

// post turns the documents' terms into the terms' postings.
func (s *segment) post() {
	for _, term := range s.docTerms {
		s.postEnds[term]++
	}
	sum := uint32(0)
	for term, count := range s.postEnds {
		s.postEnds[term] = sum
		sum += count
	}
	for ordinal := range uint32(len(s.ids)) {
		for _, term := range s.termsOf(ordinal) {
			s.postings[s.postEnds[term]] = ordinal
			s.postEnds[term]++
		}
	}
}

// order sorts ordinals, from the first, by a key and then id.
func (s *segment) order(ordinals []uint32, first int, key func(uint32) uint64) {
	type keyed struct {
		key     uint64
		ordinal uint32
	}
	sorted := make([]keyed, len(ordinals))
	for i := range sorted {
		ordinal := uint32(first + i)
		sorted[i] = keyed{key(ordinal), ordinal}
	}
	slices.SortFunc(sorted, func(a, b keyed) int {
		if order := cmp.Compare(a.key, b.key); order != 0 {
			return order
		}
		return bytes.Compare(s.ids[a.ordinal][:], s.ids[b.ordinal][:])
	})
	for i, k := range sorted {
		ordinals[i] = k.ordinal
	}
}

// instant is a time as a number that compares as times do.
func instant(milliseconds int64) uint64 { return uint64(milliseconds) ^ 1<<63 }
