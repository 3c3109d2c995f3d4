// Package heads keeps, for each stream, the number and the address of its last
// commit: 27 bytes a stream and a fifth for growth, outside the garbage
// collector's sight.
//
// A table has 256 shards by the first byte of the key. A shard is an open
// addressing table whose slots are in the order of their keys: a key's home is
// its share of the key space, and the keys of a crowded region stand one after
// the other. So a look-up of what is not there ends at the first greater key, a
// shard is written and read in order, and growth is one pass of copying.
package heads

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"sync"
	"sync/atomic"
)

// Key stands for a stream: the first 16 bytes of the SHA-256 of its id.
type Key [16]byte

// KeyOf is the key of a stream's id.
func KeyOf[ID ~string | ~[]byte](id ID) Key {
	var short [256]byte
	sum := sha256.Sum256(append(short[:0], id...))
	return Key(sum[:16])
}

// Head is where a stream ends. Sequence is below 1<<40 and Address below 1<<48;
// neither is zero in a table.
type Head struct{ Sequence, Address uint64 }

const (
	shardCount   = 256
	slotBytes    = 27 // key 16, sequence 5, address 6
	smallest     = 512
	fullPercent  = 88
	growPercent  = 125
	addressMask  = 1<<48 - 1
	maxShardKeys = 1 << 28
)

// Table maps keys to heads. All methods may be called concurrently.
type Table struct {
	shards [shardCount]shard
	count  atomic.Int64
	bytes  atomic.Int64
	closed atomic.Bool
}

type shard struct {
	mu sync.RWMutex
	area
	used int
}

// area is the memory of a shard.
type area struct {
	slots []byte
	room  int // slots that are the home of a key; a few more follow
	total int
}

func newArea(size int) area {
	total := size / slotBytes
	return area{slots: allocate(size), room: total - total/128 - 2, total: total}
}

// Get gives the head of a key. After Close there is none.
func (t *Table) Get(key Key) (Head, bool) {
	s := &t.shards[key[0]]
	s.mu.RLock()
	defer s.mu.RUnlock()
	at, found := s.find(&key)
	if !found {
		return Head{}, false
	}
	return s.head(at), true
}

// Put sets the head of a key. After Close it does nothing.
func (t *Table) Put(key Key, head Head) {
	t.Update(key, func(Head) (Head, bool) { return head, true })
}

// Update sets the head of a key to what change makes of the one that it has, the
// zero Head if it has none, unless change tells false. Meanwhile the key's shard
// is locked. After Close it does nothing.
func (t *Table) Update(key Key, change func(Head) (Head, bool)) {
	s := &t.shards[key[0]]
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.closed.Load() {
		return
	}
	at, found := s.find(&key)
	var head Head
	if found {
		head = s.head(at)
	}
	head, changed := change(head)
	if !changed {
		return
	}
	if !found {
		at = t.insert(s, &key, at)
		t.count.Add(1)
	}
	s.set(at, head)
}

// Len is the number of keys.
func (t *Table) Len() int { return int(t.count.Load()) }

// Bytes is the memory that the table takes.
func (t *Table) Bytes() int64 { return t.bytes.Load() }

// Close frees the memory.
func (t *Table) Close() {
	t.closed.Store(true)
	t.Clear()
}

// Clear removes all keys.
func (t *Table) Clear() {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		t.replace(s, area{})
		t.count.Add(-int64(s.used))
		s.used = 0
		s.mu.Unlock()
	}
}

// home is the first slot where a key may be.
func (a *area) home(key *Key) int {
	share, _ := bits.Mul64(binary.BigEndian.Uint64(key[1:9]), uint64(a.room))
	return int(share)
}

// find gives the slot of a key, or the one where it would have to go.
func (a *area) find(key *Key) (at int, found bool) {
	for at = a.home(key); at < a.total && !a.empty(at); at++ {
		switch order := bytes.Compare(a.key(at), key[:]); {
		case order == 0:
			return at, true
		case order > 0:
			return at, false
		}
	}
	return at, false
}

func (a *area) slot(at int) []byte { return a.slots[at*slotBytes : (at+1)*slotBytes] }
func (a *area) key(at int) []byte  { return a.slots[at*slotBytes : at*slotBytes+16] }
func (a *area) empty(at int) bool  { return a.head(at).Address == 0 }

func (a *area) head(at int) Head {
	slot := a.slot(at)
	return Head{
		Sequence: binary.BigEndian.Uint64(slot[13:21]) & (1<<40 - 1),
		Address:  binary.BigEndian.Uint64(slot[19:27]) & addressMask,
	}
}

func (a *area) set(at int, head Head) {
	slot := a.slot(at)
	slot[16] = byte(head.Sequence >> 32)
	binary.BigEndian.PutUint32(slot[17:21], uint32(head.Sequence))
	binary.BigEndian.PutUint16(slot[21:23], uint16(head.Address>>32))
	binary.BigEndian.PutUint32(slot[23:27], uint32(head.Address))
}

// insert makes room for a key that would have to go to a slot, and gives the slot
// where it went; its head is still to be set.
func (t *Table) insert(s *shard, key *Key, at int) int {
	free := at
	for free < s.total && !s.empty(free) {
		free++
	}
	if free == s.total || (s.used+1)*100 > s.room*fullPercent {
		t.grow(s, s.used+1)
		at, _ = s.find(key)
		return t.insert(s, key, at)
	}
	copy(s.slots[(at+1)*slotBytes:(free+1)*slotBytes], s.slots[at*slotBytes:free*slotBytes])
	copy(s.key(at), key[:])
	s.used++
	return at
}

// grow moves the shard to where there is ample room for a number of keys.
func (t *Table) grow(s *shard, keys int) {
	size := max(smallest, len(s.slots)*growPercent/100, keys*slotBytes*100/fullPercent*growPercent/100)
	for ; ; size = size * growPercent / 100 {
		wider := newArea(size)
		if wider.copyInOrder(&s.area) {
			t.replace(s, wider)
			return
		}
		release(wider.slots)
	}
}

// copyInOrder fills an empty area; it tells false if the last keys do not fit.
func (a *area) copyInOrder(from *area) bool {
	next := 0
	for at := range from.total {
		if from.empty(at) {
			continue
		}
		key := Key(from.key(at))
		next = max(next, a.home(&key))
		if next >= a.total {
			return false
		}
		copy(a.slot(next), from.slot(at))
		next++
	}
	return true
}

func (t *Table) replace(s *shard, area area) {
	t.bytes.Add(int64(len(area.slots)) - int64(len(s.slots)))
	release(s.slots)
	s.area = area
}
