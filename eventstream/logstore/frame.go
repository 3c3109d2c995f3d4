package logstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"iter"

	"github.com/seed5b6a70b4/identity/eventstream"
)

const (
	frameMagic  = "idfr"
	frameHeader = 24
	entryHeader = 16
	readAhead   = 256 << 10
)

// frame is what was written and synced at once.
type frame struct {
	segment *segment
	offset  int64
	first   uint64 // position of the first transaction
	count   int
	body    []byte // valid until the next frame is read
}

// entry is one transaction in a frame.
type entry struct {
	segment  *segment
	position uint64
	offset   int64
	sum      uint32
	payload  []byte // valid as long as the frame
}

func (e *entry) address() address { return addressOf(e.segment.number, e.offset) }

// corrupt says that the entry's checksum holds and yet something is wrong.
func (e *entry) corrupt(reason string) error {
	return e.segment.corrupt(e.offset, e.position, reason)
}

// checkSum checks the entry's own checksum, which the frame's says nothing about.
func (e *entry) checkSum() error {
	var head [12]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(e.payload)))
	binary.BigEndian.PutUint64(head[4:], e.position)
	if e.segment.sum(e.offset, head[:], e.payload) != e.sum {
		return e.corrupt("entry does not match its checksum")
	}
	return nil
}

// verify checks all that the entry says of itself: its checksum, and the hashes
// of its commits.
func (e *entry) verify() error {
	if err := e.checkSum(); err != nil {
		return err
	}
	commits, err := e.commits()
	if err != nil {
		return err
	}
	for i := range commits {
		if commits[i].ComputeHash() != commits[i].Hash {
			return e.corrupt("a commit does not match its hash")
		}
	}
	return nil
}

// commits decodes the entry.
func (e *entry) commits() ([]eventstream.Commit, error) {
	commits, err := decodeTransaction(e.payload, e.position)
	if err != nil {
		return nil, e.corrupt(err.Error())
	}
	return commits, nil
}

// A frame, big-endian:
//
//	 0  magic   4 bytes   "idfr"
//	 4  length  4 bytes   of the whole frame, a multiple of 8
//	 8  first   8 bytes   position of the first transaction
//	16  count   4 bytes   of transactions
//	20  sum     4 bytes   CRC-32C of the store's id, the segment's number, the
//	                      frame's offset (8 bytes), the 20 bytes before and the body
//	24  body
//
// An entry in it, padded with zeros to a multiple of 8:
//
//	 0  length    4 bytes   of the payload
//	 4  position  8 bytes
//	12  sum       4 bytes   CRC-32C of the store's id, the segment's number, the
//	                        entry's offset (8 bytes), the 12 bytes before and the payload
//	16  payload             see appendTransaction
func (s *segment) sum(offset int64, head, body []byte) uint32 {
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(offset))
	sum := crc32.Update(s.seed, castagnoli, at[:])
	sum = crc32.Update(sum, castagnoli, head)
	return crc32.Update(sum, castagnoli, body)
}

// beginFrame reserves the frame's header at the beginning of an empty buffer.
func beginFrame(buffer []byte) []byte { return append(buffer[:0], make([]byte, frameHeader)...) }

// beginEntry reserves an entry's header; what is appended then is its payload,
// until endEntry.
func beginEntry(buffer []byte) []byte { return append(buffer, make([]byte, entryHeader)...) }

// endEntry completes the entry that begins at from in the buffer of a frame.
func (s *segment) endEntry(buffer []byte, from int, frameOffset int64, position uint64) []byte {
	head, payload := buffer[from:from+entryHeader], buffer[from+entryHeader:]
	binary.BigEndian.PutUint32(head, uint32(len(payload)))
	binary.BigEndian.PutUint64(head[4:], position)
	binary.BigEndian.PutUint32(head[12:], s.sum(frameOffset+int64(from), head[:12], payload))
	return append(buffer, make([]byte, padding(len(payload)))...)
}

// endFrame completes the frame that the buffer holds.
func (s *segment) endFrame(buffer []byte, offset int64, first uint64, count int) {
	copy(buffer, frameMagic)
	binary.BigEndian.PutUint32(buffer[4:], uint32(len(buffer)))
	binary.BigEndian.PutUint64(buffer[8:], first)
	binary.BigEndian.PutUint32(buffer[16:], uint32(count))
	binary.BigEndian.PutUint32(buffer[20:], s.sum(offset, buffer[:20], buffer[frameHeader:]))
}

func padding(length int) int { return -length & 7 }

// entries gives the transactions of the frame, whose checksum holds: after an
// error there is none.
func (f *frame) entries() iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		at, rest := f.offset+frameHeader, f.body
		for i := range f.count {
			position := f.first + uint64(i)
			if len(rest) < entryHeader {
				yield(entry{}, f.segment.corrupt(at, position, "frame holds fewer entries than it says"))
				return
			}
			length := int64(binary.BigEndian.Uint32(rest))
			size := entryHeader + length + int64(padding(int(length)))
			if size > int64(len(rest)) || binary.BigEndian.Uint64(rest[4:]) != position {
				yield(entry{}, f.segment.corrupt(at, position, "entry does not fit its frame"))
				return
			}
			if !yield(entry{f.segment, position, at, binary.BigEndian.Uint32(rest[12:]), rest[entryHeader : entryHeader+length]}, nil) {
				return
			}
			at, rest = at+size, rest[size:]
		}
		if len(rest) > 0 {
			yield(entry{}, f.segment.corrupt(at, f.first+uint64(f.count), "frame holds more entries than it says"))
		}
	}
}

// errNoFrame: what is there is not a frame.
var errNoFrame = errors.New("frame does not match its checksum")

// frameReader reads the frames of a segment one after the other.
type frameReader struct {
	segment *segment
	at      int64 // where the next frame begins
	limit   int64 // where the last one ends at most
	buffer  []byte
	from    int64 // where the buffer's bytes are from
}

// reset begins anew elsewhere, keeping the buffer's memory.
func (r *frameReader) reset(segment *segment, at, limit int64) {
	r.segment, r.at, r.limit = segment, at, limit
	r.buffer, r.from = r.buffer[:0], at
}

// next gives the next frame. It answers io.EOF at the limit, or when nothing
// follows but zeros as far as a header goes, and errNoFrame for anything else
// that is not a frame; then the reader stays where it is.
func (r *frameReader) next() (frame, error) {
	if r.limit-r.at < frameHeader {
		return frame{}, io.EOF
	}
	head, err := r.window(frameHeader)
	if err != nil {
		return frame{}, err
	}
	length := int64(binary.BigEndian.Uint32(head[4:]))
	if string(head[:4]) != frameMagic || length <= frameHeader || length%8 != 0 || length > r.limit-r.at {
		if len(bytes.TrimLeft(head, "\x00")) == 0 {
			return frame{}, io.EOF
		}
		return frame{}, errNoFrame
	}
	whole, err := r.window(int(length))
	if err != nil {
		return frame{}, err
	}
	if r.segment.sum(r.at, whole[:20], whole[frameHeader:]) != binary.BigEndian.Uint32(whole[20:]) {
		return frame{}, errNoFrame
	}
	read := frame{
		segment: r.segment, offset: r.at, body: whole[frameHeader:],
		first: binary.BigEndian.Uint64(whole[8:]), count: int(binary.BigEndian.Uint32(whole[16:])),
	}
	r.at += length
	return read, nil
}

// window gives the bytes at the reader's place. A file that ends before the
// limit is no frame.
func (r *frameReader) window(size int) ([]byte, error) {
	for r.at+int64(size) > r.from+int64(len(r.buffer)) {
		kept := copy(r.buffer, r.buffer[min(int64(len(r.buffer)), r.at-r.from):])
		r.from = r.at
		want := int(min(r.limit-r.at, int64(max(size, readAhead))))
		if cap(r.buffer) < want {
			r.buffer = append(make([]byte, 0, want), r.buffer[:kept]...)
		}
		n, err := r.segment.file.ReadAt(r.buffer[kept:want], r.from+int64(kept))
		r.buffer = r.buffer[:kept+n]
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if len(r.buffer) < size {
			return nil, errNoFrame
		}
	}
	return r.buffer[r.at-r.from:][:size], nil
}
