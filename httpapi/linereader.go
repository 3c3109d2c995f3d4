package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxLine is the longest line of a body in bytes, without its end.
const maxLine = 1 << 20

// lineReader gives the lines of a request's body, one at a time and in constant
// memory.
type lineReader struct {
	in   *bufio.Reader
	line []byte // what one buffer does not hold
	// number is that of the line last given, from 1.
	number int
}

// newLineReader reads the body until ctx ends.
func newLineReader(ctx context.Context, x *exchange) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(&arriving{ctx, x}, 64<<10)}
}

// arriving is a body that has to arrive in time.
type arriving struct {
	ctx context.Context
	x   *exchange
}

// Read implements io.Reader.
func (a *arriving) Read(p []byte) (int, error) {
	a.x.awaitMore()
	// Looked at after the deadline was set: what ends the context sets it too.
	if a.ctx.Err() != nil {
		return 0, context.Cause(a.ctx)
	}
	n, err := a.x.r.Body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && a.ctx.Err() != nil {
		err = context.Cause(a.ctx)
	}
	return n, err
}

var errLongLine = &problem{
	status: http.StatusRequestEntityTooLarge, code: "too_large", detail: fmt.Sprintf("the line has more than %d bytes", maxLine),
}

// next gives the next line that is not empty, good until the next call. After
// errLongLine, which is about one line, it goes on; a line that was cut off is
// not given. io.EOF is the end.
func (l *lineReader) next() ([]byte, error) {
	for {
		line, err := l.read()
		if errors.Is(err, io.EOF) && len(line) > 0 {
			err = nil // the last line need not end
		}
		if err != nil && !errors.Is(err, errLongLine) {
			return nil, err
		}
		l.number++
		if err != nil || len(bytes.TrimSpace(line)) > 0 {
			return line, err
		}
	}
}

// read gives a line, or what there is of one before the end.
func (l *lineReader) read() ([]byte, error) {
	part, err := l.in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return part, err
	}
	l.line = l.line[:0]
	long := false
	for {
		if long = long || len(l.line)+len(part) > maxLine+1; !long {
			l.line = append(l.line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			break
		}
		part, err = l.in.ReadSlice('\n')
	}
	if long && (err == nil || errors.Is(err, io.EOF)) {
		return nil, errLongLine
	}
	return l.line, err
}
