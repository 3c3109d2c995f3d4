package heads

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// ErrDamaged is why Load refuses what Save cannot have written.
var ErrDamaged = errors.New("damaged table of heads")

// Save writes all heads, shard by shard: the number of its keys in 4 bytes,
// big-endian, then its slots in the order of their keys. It locks one shard at a
// time, for as long as copying it takes, so what is written may mix older heads
// with newer ones.
func (t *Table) Save(w io.Writer) error {
	var image []byte
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.RLock()
		image = binary.BigEndian.AppendUint32(image[:0], uint32(s.used))
		for at := range s.total {
			if !s.empty(at) {
				image = append(image, s.slot(at)...)
			}
		}
		s.mu.RUnlock()
		if _, err := w.Write(image); err != nil {
			return err
		}
	}
	return nil
}

// Load replaces all heads by what Save wrote. After an error the table is empty.
func (t *Table) Load(r io.Reader) error {
	t.Clear()
	chunk := make([]byte, 2048*slotBytes)
	for i := range t.shards {
		if err := t.loadShard(byte(i), r, chunk); err != nil {
			t.Clear()
			return err
		}
	}
	return nil
}

func (t *Table) loadShard(number byte, r io.Reader, chunk []byte) error {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	count := int(binary.BigEndian.Uint32(size[:]))
	if count > maxShardKeys {
		return ErrDamaged
	}
	s := &t.shards[number]
	s.mu.Lock()
	defer s.mu.Unlock()
	if count > 0 {
		t.grow(s, count)
	}
	var last Key
	for next := 0; count > 0; {
		part := chunk[:min(count*slotBytes, len(chunk))]
		if _, err := io.ReadFull(r, part); err != nil {
			return err
		}
		for ; len(part) > 0; part = part[slotBytes:] {
			key := Key(part[:16])
			if key[0] != number || s.used > 0 && bytes.Compare(last[:], key[:]) >= 0 {
				return ErrDamaged
			}
			if next = t.append(s, next, count, part[:slotBytes]); next == 0 {
				return ErrDamaged
			}
			last = key
			count--
		}
	}
	return nil
}

// append puts the slot of a key that is greater than all others where it belongs,
// at a place or after it, with room for a number of keys. It gives the place that
// follows, or 0 if the slot is none.
func (t *Table) append(s *shard, at, keys int, slot []byte) int {
	key := Key(slot[:16])
	for at = max(at, s.home(&key)); at >= s.total; {
		t.grow(s, s.used+keys)
		at, _ = s.find(&key)
	}
	copy(s.slot(at), slot)
	if head := s.head(at); head.Address == 0 || head.Sequence == 0 {
		return 0
	}
	s.used++
	t.count.Add(1)
	return at + 1
}
