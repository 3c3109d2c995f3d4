package memsearch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"unsafe"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/internal/snapshot"
	"github.com/seed5b6a70b4/identity/internal/words"
)

// A snapshot holds the arrays of segments as they are in memory, so that reading
// it takes as long as reading the file. For users, then for groups:
//
//	segments   8 bytes
//	each       its sizes, 7 × 8 bytes, and their CRC-32C, 8 bytes; its arrays; a bit
//	           for each document that is dead
//
// Numbers are as this machine has them; the fingerprint says how. What was in
// buffers is written as one more segment.

const (
	snapshotName   = "search"
	snapshotFormat = 1
)

var snapshotKinds = []domain.MemberKind{domain.UserMember, domain.GroupMember}

func (x *Index) fingerprint() string {
	one := uint16(1)
	littleEndian := *(*byte)(unsafe.Pointer(&one)) == 1
	return fmt.Sprintf("memsearch %d, little-endian %t, %s, %s", snapshotFormat, littleEndian, words.Fingerprint(), x.source)
}

// Save writes the index into a directory, as it is at one moment after the call.
// Documents may be put meanwhile.
func (x *Index) Save(dir string) error {
	position := x.Applied()
	return snapshot.Write(dir, x.name, x.fingerprint(), position, func(w io.Writer) error {
		for _, kind := range snapshotKinds {
			if err := x.shelves[kind].state.Load().write(w); err != nil {
				return err
			}
		}
		return nil
	})
}

// Load replaces the content of the index, which nobody uses yet, by the newest
// good snapshot of a directory, and answers false if there is none. warn is told
// of those that were passed over.
func (x *Index) Load(dir string, warn func(file string, reason error)) (bool, error) {
	var loaded []*state
	position, found, err := snapshot.Load(dir, x.name, x.fingerprint(), warn, func(_ uint64, body io.Reader) error {
		loaded = nil
		for range snapshotKinds {
			st, err := readState(body)
			if err != nil {
				return err
			}
			loaded = append(loaded, st)
		}
		return nil
	})
	if err != nil || !found {
		return false, err
	}
	for i, kind := range snapshotKinds {
		loaded[i].count()
		x.shelves[kind].state.Store(loaded[i])
	}
	x.SetApplied(position)
	return true, nil
}

func (s *state) write(w io.Writer) error {
	defer runtime.KeepAlive(s)
	segments := s.segments
	if made := s.ofBuffers(); made != nil {
		segments = append(segments[:len(segments):len(segments)], made)
	}
	if err := binary.Write(w, binary.NativeEndian, uint64(len(segments))); err != nil {
		return err
	}
	for _, segment := range segments {
		if err := segment.write(w, s.at); err != nil {
			return err
		}
	}
	return nil
}

// ofBuffers is a segment of what is in buffers, or nil.
func (s *state) ofBuffers() *segment {
	var visible []*version
	for v := range s.buffered {
		if v.visible(s.at) {
			visible = append(visible, v)
		}
	}
	if visible == nil {
		return nil
	}
	return build(visible)
}

func (s *segment) write(w io.Writer, at uint64) error {
	numbers := s.size.numbers()
	if err := binary.Write(w, binary.NativeEndian, append(numbers[:], sum(numbers))); err != nil {
		return err
	}
	for _, array := range s.arrays() {
		if _, err := w.Write(array); err != nil {
			return err
		}
	}
	dead := make([]byte, (s.documents()+7)/8)
	for ordinal := range uint32(s.documents()) {
		if !s.visible(ordinal, at) {
			dead[ordinal/8] |= 1 << (ordinal % 8)
		}
	}
	_, err := w.Write(dead)
	runtime.KeepAlive(s)
	return err
}

// sum protects the sizes, by which memory is taken before the file's checksum is
// known to be right.
func sum(numbers [7]uint64) uint64 {
	raw, _ := binary.Append(nil, binary.NativeEndian, numbers)
	return uint64(crc32.Checksum(raw, crc32.MakeTable(crc32.Castagnoli)))
}

func readState(r io.Reader) (*state, error) {
	var count uint64
	if err := binary.Read(r, binary.NativeEndian, &count); err != nil {
		return nil, err
	}
	st := &state{at: 1}
	for range count {
		segment, err := readSegment(r)
		if err != nil {
			return nil, err
		}
		st.exchange(nil, segment)
	}
	return st, nil
}

func readSegment(r io.Reader) (*segment, error) {
	var header struct {
		Sizes [7]uint64
		Sum   uint64
	}
	if err := binary.Read(r, binary.NativeEndian, &header); err != nil {
		return nil, err
	}
	if header.Sum != sum(header.Sizes) {
		return nil, snapshot.ErrDamaged
	}
	s := newSegment(sizesOf(header.Sizes))
	for _, array := range s.arrays() {
		if _, err := io.ReadFull(r, array); err != nil {
			return nil, err
		}
	}
	dead := make([]byte, (s.documents()+7)/8)
	if _, err := io.ReadFull(r, dead); err != nil {
		return nil, err
	}
	for ordinal := range uint32(s.documents()) {
		if dead[ordinal/8]>>(ordinal%8)&1 != 0 {
			s.kill(ordinal, 1)
		}
	}
	return s, nil
}
