package logstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/vfs"
)

const (
	segmentMagic   = "identlog"
	segmentVersion = 1
	segmentSuffix  = ".log"
	segmentHeader  = 64
	newSegment     = "next.tmp" // a segment that is being made

	// signpostEvery is how many bytes of a segment there are between signposts.
	signpostEvery = 256 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// storeID is random for each directory, so that files of another are recognised.
type storeID [16]byte

// segment is one file of the log.
type segment struct {
	segmentInfo
	name string
	file vfs.File
	// seed begins every checksum in the segment.
	seed uint32
	// signposts stand at some of its frames, in order; the first at the first.
	// They are guarded by segments.mu.
	signposts []signpost
}

// segmentInfo is what a segment's header says.
type segmentInfo struct {
	number uint32 // from 1
	id     storeID
	first  uint64 // position of the first transaction
	latest int64  // the latest time of a commit in segments before, milliseconds since 1970
	before int64  // where the frames of the segment before end
}

// signpost is the beginning of a frame, and what precedes it.
type signpost struct {
	offset int64
	next   uint64 // position of the frame's first transaction
	latest int64  // the latest time of a commit before the frame
}

// place is a point in the log between two frames.
type place struct {
	segment *segment
	signpost
}

// encode writes the header of a segment, big-endian:
//
//	 0  magic    8 bytes   "identlog"
//	 8  version  4 bytes   1
//	12  number   4 bytes
//	16  store   16 bytes
//	32  first    8 bytes
//	40  latest   8 bytes
//	48  before   8 bytes
//	56  zero     4 bytes
//	60  sum      4 bytes   CRC-32C of all before
func (i *segmentInfo) encode() []byte {
	header := make([]byte, 0, segmentHeader)
	header = append(header, segmentMagic...)
	header = binary.BigEndian.AppendUint32(header, segmentVersion)
	header = binary.BigEndian.AppendUint32(header, i.number)
	header = append(header, i.id[:]...)
	header = binary.BigEndian.AppendUint64(header, i.first)
	header = binary.BigEndian.AppendUint64(header, uint64(i.latest))
	header = binary.BigEndian.AppendUint64(header, uint64(i.before))
	header = append(header, 0, 0, 0, 0)
	return binary.BigEndian.AppendUint32(header, crc32.Checksum(header, castagnoli))
}

// decode reads a header; the error says what is wrong with it.
func (i *segmentInfo) decode(header []byte) error {
	*i = segmentInfo{
		number: binary.BigEndian.Uint32(header[12:]),
		id:     storeID(header[16:32]),
		first:  binary.BigEndian.Uint64(header[32:]),
		latest: int64(binary.BigEndian.Uint64(header[40:])),
		before: int64(binary.BigEndian.Uint64(header[48:])),
	}
	switch version := binary.BigEndian.Uint32(header[8:]); {
	case string(header[:8]) != segmentMagic:
		return errors.New("not a segment of a log")
	case version != segmentVersion:
		return fmt.Errorf("segment of format %d, not %d", version, segmentVersion)
	case string(header) != string(i.encode()):
		return errors.New("segment header does not match its checksum")
	}
	return nil
}

func newSegmentOf(info segmentInfo, name string, file vfs.File) *segment {
	salt := binary.BigEndian.AppendUint32(slices.Clone(info.id[:]), info.number)
	return &segment{
		segmentInfo: info, name: name, file: file,
		seed:      crc32.Checksum(salt, castagnoli),
		signposts: []signpost{{offset: segmentHeader, next: info.first, latest: info.latest}},
	}
}

func segmentName(first uint64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

func isSegmentName(name string) bool {
	digits, found := strings.CutSuffix(name, segmentSuffix)
	return found && len(digits) == 20 && strings.Trim(digits, "0123456789") == ""
}

func (s *segment) corrupt(offset int64, position uint64, reason string) *CorruptError {
	return &CorruptError{File: s.name, Offset: offset, Position: position, Reason: reason}
}

// segments are the files of a log, in order.
type segments struct {
	fs vfs.FS

	mu  sync.RWMutex
	all []*segment
}

// byNumber gives a segment, nil if there is none.
func (s *segments) byNumber(number uint32) *segment {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if number == 0 || int(number) > len(s.all) {
		return nil
	}
	return s.all[number-1]
}

// last gives the newest segment.
func (s *segments) last() *segment {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.all[len(s.all)-1]
}

// post remembers where a frame begins, if it is far enough from the signpost
// before.
func (s *segments) post(at place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	posts := at.segment.signposts
	if at.offset >= posts[len(posts)-1].offset+signpostEvery {
		at.segment.signposts = append(posts, at.signpost)
	}
}

// before gives the last signpost for which after does not hold; it holds from
// some signpost on. The first one of all is given in any case.
func (s *segments) before(after func(signpost) bool) place {
	s.mu.RLock()
	defer s.mu.RUnlock()
	number, _ := slices.BinarySearchFunc(s.all, true, func(g *segment, _ bool) int { return order(after(g.signposts[0])) })
	in := s.all[max(0, number-1)]
	at, _ := slices.BinarySearchFunc(in.signposts, true, func(p signpost, _ bool) int { return order(after(p)) })
	return place{in, in.signposts[max(0, at-1)]}
}

func order(after bool) int {
	if after {
		return 1
	}
	return -1
}

// beforePosition gives a place at or before a transaction.
func (s *segments) beforePosition(position uint64) place {
	return s.before(func(p signpost) bool { return p.next > position })
}

// beforeTime gives a place before which no commit is of the instant or later.
func (s *segments) beforeTime(instant time.Time) place {
	least := instant.UnixMilli()
	return s.before(func(p signpost) bool { return p.latest >= least })
}

// create adds a segment of at least a size after the end of the log, durably.
// After an error the log is as it was; a syncError must end the store.
func (s *segments) create(id storeID, end place, size int64) (*segment, error) {
	info := segmentInfo{number: 1, id: id, first: end.next, latest: end.latest, before: end.offset}
	if end.segment != nil {
		info.number = end.segment.number + 1
	}
	if info.number > 1<<24-1 {
		return nil, errors.New("the log has as many segments as it can")
	}
	file, err := s.fs.Create(newSegment)
	if err != nil {
		return nil, err
	}
	name := segmentName(info.first)
	if err := s.install(file, info, name, size); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	made := newSegmentOf(info, name, file)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, made)
	return made, nil
}

func (s *segments) install(file vfs.File, info segmentInfo, name string, size int64) error {
	if err := file.Allocate(size); err != nil {
		return errors.Join(err, s.fs.Remove(newSegment))
	}
	if _, err := file.WriteAt(info.encode(), 0); err != nil {
		return errors.Join(err, s.fs.Remove(newSegment))
	}
	if err := file.Sync(); err != nil {
		return &syncError{err}
	}
	if err := s.fs.Rename(newSegment, name); err != nil {
		return errors.Join(err, s.fs.Remove(newSegment))
	}
	if err := s.fs.SyncDir(); err != nil {
		return &syncError{err}
	}
	return nil
}

// close closes all files.
func (s *segments) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, each := range s.all {
		errs = append(errs, each.file.Close())
	}
	return errors.Join(errs...)
}

// syncError is a failed sync: what was written before it may be on the disk, or
// not, and asking again would not tell.
type syncError struct{ err error }

func (e *syncError) Error() string { return "sync: " + e.err.Error() }
func (e *syncError) Unwrap() error { return e.err }

// noTime is before all times of commits.
const noTime = math.MinInt64
