package memview

import (
	"iter"
	"slices"

	"github.com/google/uuid"
)

// key is where an entry stands in a sorted set: by owner, then by id.
type key struct {
	owner     ref
	high, low uint64
}

func keyOf(owner ref, id uuid.UUID) key {
	high, low := halves(id)
	return key{owner, high, low}
}

func (k key) compare(other key) int {
	switch {
	case k.owner != other.owner:
		return order(k.owner < other.owner)
	case k.high != other.high:
		return order(k.high < other.high)
	case k.low != other.low:
		return order(k.low < other.low)
	}
	return 0
}

func order(less bool) int {
	if less {
		return -1
	}
	return 1
}

// entry is what sorted sets hold: flat, without its id, which its node has.
type entry interface {
	key(nodes *nodes) key
	// compare is key(nodes).compare(k), without looking at nodes where the owner
	// tells already.
	compare(nodes *nodes, k key) int
}

// sorted is a set of entries in the order of their keys, in blocks of at most
// most entries. To find, add or remove one costs the logarithm of their number.
// It is not safe for concurrent use.
type sorted[E entry] struct {
	nodes *nodes
	most  int
	count int
	// blocks are never empty. Every entry of blocks[i] is at least floors[i], every
	// one before it less.
	floors []key
	blocks [][]E
}

func newSorted[E entry](nodes *nodes, most int) sorted[E] {
	return sorted[E]{nodes: nodes, most: most}
}

// seek gives the block and the place in it where the key is, or would be added.
func (s *sorted[E]) seek(k key) (block, at int, found bool) {
	low, high := 0, len(s.floors)
	for low < high {
		middle := int(uint(low+high) / 2)
		if s.floors[middle].compare(k) <= 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	block = max(low-1, 0)
	if len(s.blocks) == 0 {
		return 0, 0, false
	}
	entries := s.blocks[block]
	// Most entries that come last are added in order.
	if block == len(s.blocks)-1 && entries[len(entries)-1].compare(s.nodes, k) < 0 {
		return block, len(entries), false
	}
	low, high = 0, len(entries)
	for low < high {
		middle := int(uint(low+high) / 2)
		switch c := entries[middle].compare(s.nodes, k); {
		case c == 0:
			return block, middle, true
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return block, low, false
}

// get gives the entry of a key, nil if there is none. It may be changed in
// place, but for its key, until the set is.
func (s *sorted[E]) get(k key) *E {
	block, at, found := s.seek(k)
	if !found {
		return nil
	}
	return &s.blocks[block][at]
}

// put adds an entry, or replaces the one of its key.
func (s *sorted[E]) put(e E) {
	k := e.key(s.nodes)
	block, at, found := s.seek(k)
	if found {
		s.blocks[block][at] = e
		return
	}
	s.count++
	if len(s.blocks) == 0 {
		s.blocks, s.floors = append(s.blocks, []E{e}), append(s.floors, k)
		return
	}
	if len(s.blocks[block]) >= s.most {
		block, at = s.split(block, at, k)
	}
	if at == 0 && k.compare(s.floors[block]) < 0 {
		s.floors[block] = k
	}
	s.blocks[block] = insert(s.blocks[block], at, e)
}

// split makes room in a full block for an entry at a place in it, and says where
// that is now. In the middle it halves the block; at the end it begins a new one,
// so that what comes in order fills its blocks.
func (s *sorted[E]) split(block, at int, k key) (int, int) {
	entries := s.blocks[block]
	if at == len(entries) {
		s.blocks = slices.Insert(s.blocks, block+1, []E(nil))
		s.floors = slices.Insert(s.floors, block+1, k)
		return block + 1, 0
	}
	half := len(entries) / 2
	upper := slices.Clone(entries[half:])
	s.blocks = slices.Insert(s.blocks, block+1, upper)
	s.floors = slices.Insert(s.floors, block+1, upper[0].key(s.nodes))
	s.blocks[block] = slices.Clone(entries[:half])
	if at > half {
		return block + 1, at - half
	}
	return block, at
}

// insert adds an entry to a block, whose room grows by a quarter: append would
// double it.
func insert[E any](entries []E, at int, e E) []E {
	if len(entries) == cap(entries) {
		grown := make([]E, len(entries), len(entries)+max(len(entries)/4, 8))
		copy(grown, entries)
		entries = grown
	}
	return slices.Insert(entries, at, e)
}

// remove takes the entry of a key out, and tells whether there was one.
func (s *sorted[E]) remove(k key) bool {
	block, at, found := s.seek(k)
	if !found {
		return false
	}
	s.count--
	entries := slices.Delete(s.blocks[block], at, at+1)
	s.blocks[block] = entries
	switch {
	case len(entries) == 0:
		s.blocks = slices.Delete(s.blocks, block, block+1)
		s.floors = slices.Delete(s.floors, block, block+1)
	case len(entries) < s.most/4:
		s.merge(block)
	}
	return true
}

// merge joins a small block with the next one, if both fill half a block at
// most; else it gives back room that the block no longer needs.
func (s *sorted[E]) merge(block int) {
	if block+1 == len(s.blocks) || len(s.blocks[block])+len(s.blocks[block+1]) > s.most/2 {
		if entries := s.blocks[block]; cap(entries) > 2*len(entries)+8 {
			s.blocks[block] = slices.Clone(entries)
		}
		return
	}
	s.blocks[block] = slices.Concat(s.blocks[block], s.blocks[block+1])
	s.blocks = slices.Delete(s.blocks, block+1, block+2)
	s.floors = slices.Delete(s.floors, block+1, block+2)
}

// after gives the entries beyond a key, in order. The set must not change
// meanwhile.
func (s *sorted[E]) after(k key) iter.Seq[*E] {
	return func(yield func(*E) bool) {
		block, at, found := s.seek(k)
		if found {
			at++
		}
		for ; block < len(s.blocks); block, at = block+1, 0 {
			for ; at < len(s.blocks[block]); at++ {
				if !yield(&s.blocks[block][at]) {
					return
				}
			}
		}
	}
}

// load fills an empty set with entries in order, and leaves a little room in
// every block.
func (s *sorted[E]) load(entries []E) {
	fill := s.most - s.most/8
	s.count = len(entries)
	for part := range slices.Chunk(entries, fill) {
		s.blocks = append(s.blocks, slices.Clip(slices.Clone(part)))
		s.floors = append(s.floors, part[0].key(s.nodes))
	}
}

// held is the room of all blocks, in entries.
func (s *sorted[E]) held() int {
	room := 0
	for _, block := range s.blocks {
		room += cap(block)
	}
	return room
}
