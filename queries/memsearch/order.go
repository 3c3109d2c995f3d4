package memsearch

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"sort"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/queries"
)

// place is where a document stands in an order, among those of one segment.
type place struct {
	key uint64
	id  uuid.UUID
}

// order is a way to go through the documents of a segment.
type order struct {
	s          *segment
	by         queries.Sort
	descending bool
	ordinals   []uint32 // nil by name
	len        int
}

func (s *segment) inOrder(by queries.Sort, descending bool) order {
	o := order{s: s, by: by, descending: descending, len: s.documents() - s.size.Removed}
	switch by {
	case queries.ByID:
		o.ordinals, o.len = s.byID, s.documents()
	case queries.ByUsername:
		o.ordinals = s.byUsername
	case queries.ByCreated:
		o.ordinals = s.byCreated
	}
	return o
}

// nth gives the ordinal that comes after n others.
func (o *order) nth(n int) uint32 {
	if o.descending {
		n = o.len - 1 - n
	}
	if o.ordinals == nil {
		return uint32(o.s.size.Removed + n)
	}
	return o.ordinals[n]
}

// place is odd in key where it is that of a text, so that there is room between.
func (o *order) place(ordinal uint32) place {
	switch o.by {
	case queries.ByID:
		return place{id: o.s.ids[ordinal]}
	case queries.ByUsername:
		return place{2*uint64(o.s.usernames[ordinal]) + 1, o.s.ids[ordinal]}
	case queries.ByCreated:
		return place{instant(o.s.created[ordinal]), o.s.ids[ordinal]}
	default:
		return place{key: 2*uint64(ordinal) + 1}
	}
}

// placeOf is where a result of any segment would stand in this one.
func (o *order) placeOf(h hit) place {
	switch o.by {
	case queries.ByID:
		return place{id: h.id}
	case queries.ByCreated:
		return place{binary.BigEndian.Uint64(h.key), h.id}
	case queries.ByUsername:
		if len(h.key) == 0 {
			return place{1, h.id}
		}
		term := o.s.terms.exactly(o.s.terms.all(), []byte(loginTerm(string(h.key))))
		if term.empty() {
			return place{key: 2 * uint64(term.from+1)}
		}
		return place{2*uint64(term.from+1) + 1, h.id}
	default:
		return o.placeOfName(h)
	}
}

func (o *order) placeOfName(h hit) place {
	s, buffer := o.s, make([]byte, 0, 256)
	against := func(ordinal uint32) int {
		if order := bytes.Compare(s.nameKey(buffer, ordinal), h.key); order != 0 {
			return order
		}
		return bytes.Compare(s.ids[ordinal][:], h.id[:])
	}
	first := s.size.Removed
	at := first + sort.Search(o.len, func(i int) bool { return against(uint32(first+i)) >= 0 })
	if at < s.documents() && against(uint32(at)) == 0 {
		return place{key: 2*uint64(at) + 1}
	}
	return place{key: 2 * uint64(at)}
}

func (o *order) compare(a, b place) int {
	if o.descending {
		a, b = b, a
	}
	if order := cmp.Compare(a.key, b.key); order != 0 {
		return order
	}
	return bytes.Compare(a.id[:], b.id[:])
}

// after is how many documents do not come after a place.
func (o *order) after(p place) int {
	return sort.Search(o.len, func(n int) bool { return o.compare(o.place(o.nth(n)), p) > 0 })
}

// key is what the document is sorted by, comparable between segments.
func (o *order) key(ordinal uint32) []byte {
	switch o.by {
	case queries.ByID:
		return nil
	case queries.ByUsername:
		if number := o.s.usernames[ordinal]; number > 0 {
			return bytes.TrimSuffix(bytes.Clone(o.s.terms.term(number-1)), []byte{mark})
		}
		return nil
	case queries.ByCreated:
		return binary.BigEndian.AppendUint64(nil, instant(o.s.created[ordinal]))
	default:
		return o.s.nameKey(nil, ordinal)
	}
}
