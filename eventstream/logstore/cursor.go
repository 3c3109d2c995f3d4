package logstore

import (
	"errors"
	"io"
)

// cursor goes over the frames of the log, from a place to an end, and makes sure
// that nothing is left out.
type cursor struct {
	segments *segments
	end      place
	next     uint64 // position of the next transaction
	reader   frameReader
}

// cursor gives a cursor that begins at a place and ends at another.
func (s *segments) cursor(from, end place) *cursor {
	c := &cursor{segments: s, end: end, next: from.next}
	c.enter(from.segment, from.offset)
	return c
}

// enter goes to a place in a segment: up to where the segment after says that it
// ends.
func (c *cursor) enter(in *segment, offset int64) {
	limit := c.end.offset
	if in != c.end.segment {
		limit = c.segments.byNumber(in.number + 1).before
	}
	c.reader.reset(in, offset, limit)
}

// frame gives the next frame, io.EOF at the end. Anything between that is not
// the frame that belongs there is a CorruptError.
func (c *cursor) frame() (frame, error) {
	for {
		read, err := c.reader.next()
		switch {
		case err == nil && read.first != c.next:
			return frame{}, c.reader.segment.corrupt(read.offset, c.next, "frame does not follow the one before")
		case err == nil:
			c.next += uint64(read.count)
			return read, nil
		case errors.Is(err, io.EOF) && c.reader.at == c.reader.limit && c.reader.segment == c.end.segment:
			return frame{}, io.EOF
		case errors.Is(err, io.EOF) && c.reader.at == c.reader.limit:
			following := c.segments.byNumber(c.reader.segment.number + 1)
			if following.first != c.next {
				return frame{}, following.corrupt(0, c.next, "segment does not follow the one before")
			}
			c.enter(following, segmentHeader)
		case errors.Is(err, io.EOF) || errors.Is(err, errNoFrame):
			return frame{}, c.reader.segment.corrupt(c.reader.at, c.next, errNoFrame.Error())
		default:
			return frame{}, err
		}
	}
}
