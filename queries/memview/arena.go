package memview

import (
	"encoding/binary"
	"fmt"
)

// place says where a row stands in its shard's arena: chunk and offset. The zero
// place is nowhere.
type place uint32

const (
	offsetBits = 16
	chunkSize  = 1 << offsetBits
	maxChunks  = 1 << (32 - offsetBits)
	headerSize = 8
	// sparePercent is how much of an arena may be garbage before it is compacted.
	sparePercent = 20
)

// arena holds rows as bytes in chunks. A row is preceded by whose it is and how
// much room it has:
//
//	owner  4 bytes   node, little-endian
//	room   4 bytes   bytes that follow, and in the highest bit the side
//
// It is not safe for concurrent use; the shard's lock covers it.
type arena struct {
	chunks  []chunk // the first is none, so that the zero place is nowhere
	free    []int   // numbers of chunks that were given up
	tail    int     // the chunk being filled
	garbage int     // bytes, headers included
	held    int     // bytes of all chunks
}

type chunk struct {
	bytes   []byte // length is how far it is filled
	garbage int
}

const sideBit = 1 << 31

// row gives the bytes of a row. They may be followed by spare room.
func (a *arena) row(at place) []byte {
	bytes := a.chunks[at>>offsetBits].bytes[at&(chunkSize-1):]
	room := binary.LittleEndian.Uint32(bytes[4:]) &^ sideBit
	return bytes[headerSize : headerSize+room]
}

// put stores a row that replaces the one at old, if there is one, and says where
// it stands now.
func (a *arena) put(old place, owner ref, s side, row []byte) (place, error) {
	if old != 0 {
		if room := a.row(old); len(row) <= len(room) && len(row) >= len(room)-len(room)/4 {
			copy(room, row)
			return old, nil
		}
	}
	at, err := a.add(owner, s, row)
	if err != nil {
		return old, err
	}
	if old != 0 {
		a.drop(old)
	}
	return at, nil
}

func (a *arena) add(owner ref, s side, row []byte) (place, error) {
	size := headerSize + len(row)
	if a.tail == 0 || len(a.chunks[a.tail].bytes)+size > cap(a.chunks[a.tail].bytes) {
		if err := a.newChunk(size); err != nil {
			return 0, err
		}
	}
	c := &a.chunks[a.tail]
	at := place(a.tail<<offsetBits | len(c.bytes))
	c.bytes = binary.LittleEndian.AppendUint32(c.bytes, uint32(owner))
	c.bytes = binary.LittleEndian.AppendUint32(c.bytes, uint32(len(row))|uint32(s)*sideBit)
	c.bytes = append(c.bytes, row...)
	return at, nil
}

// newChunk begins a chunk: of the usual size, or for one row that is larger.
func (a *arena) newChunk(size int) error {
	if a.chunks == nil {
		a.chunks = make([]chunk, 1, 4)
	}
	number := len(a.chunks)
	if n := len(a.free); n > 0 {
		number, a.free = a.free[n-1], a.free[:n-1]
	} else if number == maxChunks {
		return fmt.Errorf("a shard holds %d chunks of rows, which is all it can", number)
	} else {
		a.chunks = append(a.chunks, chunk{})
	}
	a.chunks[number] = chunk{bytes: make([]byte, 0, max(size, chunkSize))}
	a.tail = number
	a.held += max(size, chunkSize)
	return nil
}

// drop makes a row garbage, and gives up its chunk if nothing else is in it.
func (a *arena) drop(at place) {
	size := headerSize + len(a.row(at))
	number := int(at >> offsetBits)
	c := &a.chunks[number]
	c.garbage += size
	a.garbage += size
	if c.garbage == len(c.bytes) && number != a.tail {
		a.release(number)
	}
}

func (a *arena) release(number int) {
	c := &a.chunks[number]
	a.garbage -= c.garbage
	a.held -= cap(c.bytes)
	*c = chunk{}
	a.free = append(a.free, number)
}

// compact empties the chunk with the most garbage, if there is too much of it in
// all: whose gives the place that an owner knows for its row, to be changed when
// the row moves. One call is a step of a few dozen microseconds.
func (a *arena) compact(whose func(owner ref, s side) *place) {
	if a.garbage < 2*chunkSize || a.garbage*100 < a.held*sparePercent {
		return
	}
	worst := 0
	for number := range a.chunks {
		if number != a.tail && a.chunks[number].garbage > a.chunks[worst].garbage {
			worst = number
		}
	}
	old := a.chunks[worst].bytes
	for offset := 0; offset < len(old); {
		owner := ref(binary.LittleEndian.Uint32(old[offset:]))
		room := binary.LittleEndian.Uint32(old[offset+4:])
		s, end := side(room/sideBit), offset+headerSize+int(room&^sideBit)
		if at := whose(owner, s); *at == place(worst<<offsetBits|offset) {
			moved, err := a.add(owner, s, old[offset+headerSize:end])
			if err != nil {
				return // the rest stays where it is
			}
			a.chunks[worst].garbage += end - offset
			a.garbage += end - offset
			*at = moved
		}
		offset = end
	}
	a.release(worst)
}
