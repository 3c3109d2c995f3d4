package memsearch

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

// label is something that an entity has or has not, and that a filter asks for:
// being active or not, being in a group, having a value of an attribute. It is a
// digest, because values may be long.
type label [16]byte

func newLabel(kind string, parts ...string) label {
	var room [256]byte
	text := append(room[:0], kind...)
	for _, part := range parts {
		text = binary.AppendUvarint(text, uint64(len(part)))
		text = append(text, part...)
	}
	sum := sha256.Sum256(text)
	return label(sum[:])
}

var activity = map[bool]label{true: newLabel("active"), false: newLabel("inactive")}

func groupLabel(id domain.GroupID) label { return newLabel("group", string(id.UUID[:])) }

func attributeLabel(name, value string) label { return newLabel("attribute", name, value) }

// labelsOf are the labels of a document, sorted, none twice.
func labelsOf(d *queries.Document) []label {
	labels := make([]label, 0, 1+len(d.Groups)+len(d.Attributes))
	labels = append(labels, activity[d.Active])
	for _, id := range d.Groups {
		labels = append(labels, groupLabel(id))
	}
	for name, attribute := range d.Attributes {
		for _, value := range attribute.Values() {
			labels = append(labels, attributeLabel(name, value))
		}
	}
	slices.SortFunc(labels, compareLabels)
	return slices.Compact(labels)
}

// asked are the labels that all must be there.
func asked(c *queries.Criteria) []label {
	var labels []label
	if c.Active != nil {
		labels = append(labels, activity[*c.Active])
	}
	if !c.Group.IsZero() {
		labels = append(labels, groupLabel(c.Group))
	}
	for name, value := range c.Attributes {
		labels = append(labels, attributeLabel(name, value))
	}
	return labels
}

func compareLabels(a, b label) int { return bytes.Compare(a[:], b[:]) }

// set is who has a label, by ordinal: a sorted list, or, where that is smaller,
// one bit for each document of the segment.
type set struct {
	count int
	data  []uint32
}

func (s set) isList() bool { return len(s.data) == s.count }

func (s set) holds(ordinal uint32) bool {
	if s.isList() {
		_, found := slices.BinarySearch(s.data, ordinal)
		return found
	}
	return s.data[ordinal/32]>>(ordinal%32)&1 != 0
}

// list is the ordinals in order.
func (s set) list() []uint32 {
	if s.isList() {
		return s.data
	}
	list := make([]uint32, 0, s.count)
	for i, word := range s.data {
		for ; word != 0; word &= word - 1 {
			list = append(list, uint32(32*i+bits.TrailingZeros32(word)))
		}
	}
	return list
}

// packedSize is how much data a set takes up in a segment of so many documents.
func packedSize(count, documents int) int { return min(count, (documents+31)/32) }

// pack writes a sorted list of ordinals as the data of a set.
func pack(ordinals []uint32, data []uint32) {
	if len(data) == len(ordinals) {
		copy(data, ordinals)
		return
	}
	for _, ordinal := range ordinals {
		data[ordinal/32] |= 1 << (ordinal % 32)
	}
}
