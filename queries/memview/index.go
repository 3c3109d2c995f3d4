package memview

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
)

const (
	stripes     = 64
	firstSlots  = 64
	fullPercent = 85
)

// index finds nodes by id: open addressing in stripes, each growing on its own
// by half. Slots are set once, so finding takes no lock; whoever finds nothing in
// a table that was replaced meanwhile came before the id was added.
type index struct {
	seed    maphash.Seed
	stripes [stripes]stripe
}

type stripe struct {
	adding sync.Mutex
	used   int
	slots  atomic.Pointer[[]atomic.Uint64]
}

// A slot holds 32 bits of the id's hash, and the node's number + 1; 0 is empty.
type slot = uint64

func (x *index) init() {
	x.seed = maphash.MakeSeed()
	for i := range x.stripes {
		slots := make([]atomic.Uint64, firstSlots)
		x.stripes[i].slots.Store(&slots)
	}
}

// hash gives an id's stripe and the 32 bits by which its slot is found.
func (x *index) hash(id uuid.UUID) (*stripe, uint32) {
	sum := maphash.Comparable(x.seed, id)
	return &x.stripes[sum%stripes], uint32(sum >> 32)
}

func (x *index) find(nodes *nodes, id uuid.UUID) (ref, bool) {
	stripe, hash := x.hash(id)
	found, _, ok := probe(*stripe.slots.Load(), nodes, id, hash)
	return found, ok
}

func (x *index) findOrAdd(nodes *nodes, id uuid.UUID) ref {
	stripe, hash := x.hash(id)
	stripe.adding.Lock()
	defer stripe.adding.Unlock()
	slots := *stripe.slots.Load()
	found, empty, ok := probe(slots, nodes, id, hash)
	if ok {
		return found
	}
	added := nodes.add(id)
	stripe.set(slots, empty, hash, added)
	return added
}

// add makes the id of a node findable that is not yet.
func (x *index) add(id uuid.UUID, r ref) {
	stripe, hash := x.hash(id)
	stripe.adding.Lock()
	defer stripe.adding.Unlock()
	slots := *stripe.slots.Load()
	stripe.set(slots, empty(slots, hash), hash, r)
}

// set fills an empty slot. The caller holds adding.
func (s *stripe) set(slots []atomic.Uint64, at int, hash uint32, r ref) {
	slots[at].Store(slot(hash)<<32 | slot(r+1))
	if s.used++; s.used*100 > len(slots)*fullPercent {
		s.grow(len(slots) + len(slots)/2)
	}
}

// empty gives the first empty slot for a hash.
func empty(slots []atomic.Uint64, hash uint32) int {
	at := home(hash, len(slots))
	for slots[at].Load() != 0 {
		if at++; at == len(slots) {
			at = 0
		}
	}
	return at
}

// probe looks for an id's slot; if there is none it gives the one it would take.
func probe(slots []atomic.Uint64, nodes *nodes, id uuid.UUID, hash uint32) (found ref, empty int, ok bool) {
	for i := home(hash, len(slots)); ; {
		slot := slots[i].Load()
		if slot == 0 {
			return 0, i, false
		}
		if uint32(slot>>32) == hash {
			if r := ref(slot) - 1; nodes.at(r).id == id {
				return r, 0, true
			}
		}
		if i++; i == len(slots) {
			i = 0
		}
	}
}

// home is where the search for a hash begins: its share of the table.
func home(hash uint32, slots int) int { return int(uint64(hash) * uint64(slots) >> 32) }

// grow moves the slots to a table of the size. The caller holds adding.
func (s *stripe) grow(size int) {
	old := *s.slots.Load()
	if size <= len(old) {
		return
	}
	slots := make([]atomic.Uint64, size)
	for i := range old {
		if slot := old[i].Load(); slot != 0 {
			slots[empty(slots, uint32(slot>>32))].Store(slot)
		}
	}
	s.slots.Store(&slots)
}

// reserve makes room for so many ids in all.
func (x *index) reserve(ids int) {
	for i := range x.stripes {
		s := &x.stripes[i]
		s.adding.Lock()
		s.grow(ids/stripes*110/fullPercent + firstSlots)
		s.adding.Unlock()
	}
}
