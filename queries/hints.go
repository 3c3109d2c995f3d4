package queries

import (
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// hintCount is a power of two. A hint takes 24 bytes, from when it is first set.
const hintCount = 1 << 20

// hints remember who was found to hold a unique value, so that most look-ups need
// not read the value's claim. A hint can be wrong without harm: it only says whose
// row to look at first. The later of two values that share a slot keeps it.
type hints struct {
	seed  maphash.Seed
	slots []hint
}

// hint may be read while it is set: a mixture of two is a wrong hint.
type hint struct{ value, high, low atomic.Uint64 }

func newHints() *hints { return &hints{maphash.MakeSeed(), make([]hint, hintCount)} }

// slot gives where a value's hint stands, and what marks it as the value's.
func (h *hints) slot(kind domain.ClaimKind, key string) (*hint, uint64) {
	sum := maphash.Comparable(h.seed, struct {
		kind domain.ClaimKind
		key  string
	}{kind, key})
	return &h.slots[sum%hintCount], sum
}

func (h *hints) owner(kind domain.ClaimKind, key string) (id uuid.UUID, known bool) {
	if h == nil {
		return id, false
	}
	at, value := h.slot(kind, key)
	if at.value.Load() != value {
		return id, false
	}
	binary.BigEndian.PutUint64(id[:8], at.high.Load())
	binary.BigEndian.PutUint64(id[8:], at.low.Load())
	return id, true
}

func (h *hints) set(kind domain.ClaimKind, key string, owner uuid.UUID) {
	if h == nil {
		return
	}
	at, value := h.slot(kind, key)
	at.value.Store(value)
	at.high.Store(binary.BigEndian.Uint64(owner[:8]))
	at.low.Store(binary.BigEndian.Uint64(owner[8:]))
}
