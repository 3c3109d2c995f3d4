package logstore

import (
	"encoding/binary"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/heads"
)

// recentHeads remembers the heads of streams that were written lately, so that
// appending to a busy one reads nothing. The writer alone puts into it, all that
// it publishes: a head that is in here is the newest.
type recentHeads struct {
	mu    sync.RWMutex
	slots [1024]recentHead // a key has one slot; the last one written has it
}

type recentHead struct {
	key heads.Key
	knownHead
}

func slotOf(key heads.Key) int { return int(binary.BigEndian.Uint16(key[:]) % 1024) }

func (r *recentHeads) get(key heads.Key) (knownHead, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	slot := &r.slots[slotOf(key)]
	return slot.knownHead, slot.address != 0 && slot.key == key
}

func (r *recentHeads) has(key heads.Key) bool {
	_, found := r.get(key)
	return found
}

func (r *recentHeads) put(all map[heads.Key]knownHead) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, head := range all {
		r.slots[slotOf(key)] = recentHead{key, head}
	}
}
