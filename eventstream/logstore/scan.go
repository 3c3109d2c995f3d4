package logstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ending is where the log ends, and what is after.
type ending struct {
	place
	// lastFrame is the offset of the last frame in the last segment; 0 if there is
	// none.
	lastFrame int64
	// torn is where the last thing ends that is not a frame; the place's own offset
	// if nothing follows it.
	torn int64
}

// scan goes over all frames from a place on. visit is given each, and answers the
// latest time of a commit in it. What is not a frame is a CorruptError if it was
// acknowledged, that is, if anything follows it; else it is what a crash cut
// short, and the log ends before it.
func (s *segments) scan(from place, visit func(*frame) (int64, error)) (ending, error) {
	last, end := s.last(), ending{place: from}
	see := func(read *frame) error {
		s.post(end.place)
		latest, err := visit(read)
		if err != nil {
			return err
		}
		end.signpost = signpost{
			offset: read.offset + frameHeader + int64(len(read.body)),
			next:   read.first + uint64(read.count),
			latest: max(end.latest, latest),
		}
		return nil
	}
	if from.segment != last {
		if err := s.scanSealed(&end, place{last, last.signposts[0]}, see); err != nil {
			return ending{}, err
		}
	}
	return end, s.scanLast(&end, see)
}

// scanSealed goes over the segments before the last one.
func (s *segments) scanSealed(end *ending, last place, see func(*frame) error) error {
	for c := s.cursor(end.place, last); ; {
		read, err := c.frame()
		if errors.Is(err, io.EOF) {
			latest := end.latest
			end.place = last
			end.latest = max(latest, last.latest)
			return nil
		}
		if err != nil {
			return err
		}
		if read.segment != end.segment {
			end.segment, end.offset = read.segment, segmentHeader
		}
		if err := see(&read); err != nil {
			return err
		}
	}
}

// scanLast goes over the last segment, whose end is not written anywhere.
func (s *segments) scanLast(end *ending, see func(*frame) error) error {
	size, err := end.segment.file.Size()
	if err != nil {
		return err
	}
	reader := frameReader{}
	for reader.reset(end.segment, end.offset, size); ; {
		read, err := reader.next()
		if errors.Is(err, io.EOF) || errors.Is(err, errNoFrame) {
			end.torn, err = beyond(end.segment, end.signpost, size)
			return err
		}
		if err != nil {
			return err
		}
		if read.first != end.next {
			return end.segment.corrupt(read.offset, end.next, "frame does not follow the one before")
		}
		end.lastFrame = read.offset
		if err := see(&read); err != nil {
			return err
		}
	}
}

// beyond looks for whatever follows the last frame in a segment, and gives where
// it ends. A frame there means that one before it is lost: each was written only
// after the one before it was durable.
func beyond(in *segment, end signpost, size int64) (int64, error) {
	torn := end.offset
	chunk := make([]byte, min(int64(len(zeros)), size-end.offset))
	for at := end.offset; at < size; at += int64(len(chunk)) {
		part := chunk[:min(int64(len(chunk)), size-at)]
		if n, err := in.file.ReadAt(part, at); err != nil && !errors.Is(err, io.EOF) || n < len(part) {
			return 0, fmt.Errorf("read %s: %w", in.name, errors.Join(err, io.ErrUnexpectedEOF))
		}
		if bytes.Equal(part, zeros[:len(part)]) {
			continue
		}
		torn = at + int64(len(bytes.TrimRight(part, "\x00")))
		for from := 0; from+len(frameMagic) <= len(part); from += 8 {
			if string(part[from:from+len(frameMagic)]) != frameMagic {
				continue
			}
			reader := frameReader{}
			reader.reset(in, at+int64(from), size)
			if read, err := reader.next(); err == nil {
				return 0, in.corrupt(end.offset, end.next, fmt.Sprintf("acknowledged data is damaged: position %d follows at offset %d", read.first, read.offset))
			} else if !errors.Is(err, errNoFrame) {
				return 0, err
			}
		}
	}
	return torn, nil
}

var zeros [256 << 10]byte

// latestTime gives the latest time of a commit in the frame.
func (f *frame) latestTime() (int64, error) {
	latest := int64(noTime)
	for each, err := range f.entries() {
		if err != nil {
			return 0, err
		}
		reader := newTransactionReader(each.payload)
		for stored := (storedCommit{}); reader.next(&stored); {
			latest = max(latest, stored.time)
		}
		if _, err := reader.end(); err != nil {
			return 0, each.corrupt(err.Error())
		}
	}
	return latest, nil
}
