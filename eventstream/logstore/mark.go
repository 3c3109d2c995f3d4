package logstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/vfs"
)

const (
	markName  = "acknowledged"
	markMagic = "identmrk"
	newMark   = "acknowledged.tmp"
	slotSize  = 48
	slotApart = 4096 // slots share no sector and no page
	markSize  = 2 * slotApart
)

// mark is the file that promises how far the log has been acknowledged: a log
// that ends before has lost something. It has two slots, written in turns, so
// that a torn write leaves the other.
type mark struct {
	id   storeID
	file vfs.File

	mu       sync.Mutex
	turn     uint64 // how often it was written
	position uint64
	torn     bool // the slot whose turn it is is not whole
}

// encodeSlot writes a slot, big-endian:
//
//	 0  magic     8 bytes   "identmrk"
//	 8  store    16 bytes
//	24  turn      8 bytes   how often the file was written; odd in the second slot
//	32  position  8 bytes   the highest that is promised
//	40  zero      4 bytes
//	44  sum       4 bytes   CRC-32C of all before
func encodeSlot(id storeID, turn, position uint64) []byte {
	slot := append(make([]byte, 0, slotSize), markMagic...)
	slot = append(slot, id[:]...)
	slot = binary.BigEndian.AppendUint64(slot, turn)
	slot = binary.BigEndian.AppendUint64(slot, position)
	slot = append(slot, 0, 0, 0, 0)
	return binary.BigEndian.AppendUint32(slot, crc32.Checksum(slot, castagnoli))
}

// createMark makes the file, promising nothing yet or what is known to be there.
func createMark(fs vfs.FS, id storeID, position uint64) (*mark, error) {
	file, err := fs.Create(newMark)
	if err != nil {
		return nil, err
	}
	m := &mark{id: id, file: file, turn: 1, position: position}
	err = file.Allocate(markSize)
	for turn := range uint64(2) {
		if err == nil {
			_, err = file.WriteAt(encodeSlot(id, turn, position), int64(turn)*slotApart)
		}
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = fs.Rename(newMark, markName)
	}
	if err == nil {
		err = fs.SyncDir()
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return m, nil
}

// openMark reads the file. A slot that is not whole is told to warn.
func openMark(file vfs.File, warn func(reason string)) (*mark, error) {
	m, found := &mark{file: file}, 0
	for number := range uint64(2) {
		slot := make([]byte, slotSize)
		if _, err := file.ReadAt(slot, int64(number)*slotApart); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		id, turn, position := storeID(slot[8:24]), binary.BigEndian.Uint64(slot[24:]), binary.BigEndian.Uint64(slot[32:])
		if turn%2 != number || string(slot) != string(encodeSlot(id, turn, position)) {
			warn(fmt.Sprintf("slot %d of the mark is torn or damaged", number))
			continue
		}
		if found++; found == 1 || turn > m.turn {
			m.id, m.turn, m.position = id, turn, position
		}
	}
	m.torn = found < 2
	if found == 0 {
		return nil, &CorruptError{File: markName, Reason: "neither slot is whole: what was acknowledged cannot be told"}
	}
	return m, nil
}

// promise writes a position, durably, unless as much was promised before. A slot
// that is not whole is the one to be written next: it is mended in any case.
func (m *mark) promise(position uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if position <= m.position && !m.torn {
		return nil
	}
	turn, position := m.turn+1, max(position, m.position)
	if _, err := m.file.WriteAt(encodeSlot(m.id, turn, position), int64(turn%2)*slotApart); err != nil {
		return fmt.Errorf("write mark: %w", err)
	}
	if err := m.file.Sync(); err != nil {
		return &syncError{err}
	}
	m.turn, m.position, m.torn = turn, position, false
	return nil
}

// promised is the highest position promised.
func (m *mark) promised() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.position
}
