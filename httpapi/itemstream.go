package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/commands"
)

const (
	// maxImports is how many streams of items are read at a time.
	maxImports = 16
	// streamWindow is how many items of one stream may be done, or under way, and
	// not answered yet: the client that does not read is not read either.
	streamWindow = 512
	// streamWidth is how many of them are done at a time.
	streamWidth = 256
	// fullBuffer is how much of the answer is sent at once, if there is as much.
	fullBuffer = 32 << 10
	// keyTime is how long a stream relies on its key; a key that was revoked ends it.
	keyTime = 5 * time.Second
)

// itemStream is a stream of items on its way in and of results on its way out.
type itemStream struct {
	x     *exchange
	lines *lineReader
	queue chan batchItem

	// Of the reader; others look when the queue is closed.
	end      error // why there is no more, nil at the end of the body
	panicked any
}

// streamUsers does items that come on lines, for as long as they come, and
// answers each on a line, in order.
func streamUsers(ctx context.Context, x *exchange) error {
	if err := x.api.imports.tryEnter(); err != nil {
		return err
	}
	defer x.api.imports.leave()
	x.startDuplex()
	ctx, stop := context.WithCancel(ctx)
	s := &itemStream{x: x, lines: newLineReader(ctx, x), queue: make(chan batchItem, streamWindow)}
	// What ends the context ends the wait for more of the body, too; not when this
	// has returned, when the connection may be another request's.
	told := make(chan struct{})
	untell := context.AfterFunc(ctx, func() { defer close(told); x.awaitNoMore() })
	var reading sync.WaitGroup
	reading.Go(func() { s.read(ctx) })
	written := false
	defer func() {
		if !written {
			stop()
			for range s.queue { // which is closed when the reader has ended
			}
		}
		reading.Wait()
		if !untell() {
			<-told
		}
		stop()
	}()
	if written = s.write() == nil; written && s.panicked != nil {
		panic(s.panicked)
	}
	return nil // if it was not written, the client is gone or takes too long
}

// awaitNoMore ends the wait for more of the body.
func (x *exchange) awaitNoMore() {
	_ = http.NewResponseController(x.w).SetReadDeadline(time.Unix(1, 0))
}

// read begins items until there are no more.
func (s *itemStream) read(ctx context.Context) {
	defer close(s.queue)
	defer func() { s.panicked = recover() }()
	// What was begun is finished, whatever ends the stream.
	finished := context.WithoutCancel(ctx)
	series := s.x.api.config.Commands.NewSeries(streamWidth, s.x.api.config.Timeout)
	defer series.Close()
	request := commands.Request{Actor: s.x.by.actor, Correlation: s.x.correlation(ctx)}
	trusted := time.Now()
	for {
		line, err := s.lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil && !errors.Is(err, errLongLine):
			s.end = err
			return
		}
		if time.Since(trusted) > keyTime {
			if s.end = s.x.trustStill(ctx); s.end != nil {
				s.lines.number--
				return
			}
			trusted = time.Now()
		}
		item := batchItem{err: err}
		if err == nil {
			item = s.x.beginLine(finished, series, request, line)
		}
		item.line = s.lines.number
		s.queue <- item
	}
}

// beginLine reads a line as an item and begins it.
func (x *exchange) beginLine(ctx context.Context, series *commands.Series, request commands.Request, line []byte) batchItem {
	if err := checkNesting(line); err != nil {
		return batchItem{err: err}
	}
	return x.beginItem(ctx, series, request, line)
}

// trustStill looks the request's key up again.
func (x *exchange) trustStill(ctx context.Context) error {
	by, err := x.api.identify(ctx, x.r.Header["Authorization"])
	if err == nil && !by.allows(x.route.scope) {
		err = unauthorized()
	}
	if err != nil {
		return asProblem(err)
	}
	return nil
}

// write answers items until there are no more. An error is that the client is
// gone, or does not read.
func (s *itemStream) write() error {
	x := s.x
	x.out = x.out[:0]
	var begun bool
	begin := func() error {
		if begun {
			return nil
		}
		begun = true
		x.startStream(linesType)
		return x.flush()
	}
	// Who expects 100 Continue sends nothing before it, and that is sent on reading.
	if x.r.Header["Expect"] == nil {
		if err := begin(); err != nil {
			return err
		}
	}
	var faults faultLog
	for {
		item, more, err := s.take()
		if err == nil {
			err = begin()
		}
		if err != nil {
			return err
		}
		if !more {
			break
		}
		x.out = append(x.appendItem(x.out, &item, &faults), '\n')
		if len(x.out) >= fullBuffer {
			if err := x.flush(); err != nil {
				return err
			}
		}
	}
	if s.end != nil {
		x.out = s.appendEnd(x.out, &faults)
	}
	return x.flush()
}

// take gives the next item when it is done. Before it waits, it sends what is
// there.
func (s *itemStream) take() (item batchItem, more bool, err error) {
	select {
	case item, more = <-s.queue:
	default:
		if err := s.send(); err != nil {
			return item, false, err
		}
		item, more = <-s.queue
	}
	if item.underway == nil {
		return item, more, nil
	}
	select {
	case <-item.underway.Done():
		return item, more, nil
	default:
		return item, more, s.send()
	}
}

func (s *itemStream) send() error {
	if len(s.x.out) == 0 {
		return nil
	}
	return s.x.flush()
}

// appendEnd writes the last line of a stream that ends before its body does: why,
// and with which line to go on.
func (s *itemStream) appendEnd(dst []byte, faults *faultLog) []byte {
	err := s.end
	var own *problem
	switch {
	case errors.Is(err, errEnded):
		own = refuse(http.StatusServiceUnavailable, "draining", "the service is about to stop; go on with another, or when it is back")
		own.retryAfter = 1
	case errors.As(err, &own):
	default:
		errors.As(readProblem(err), &own)
	}
	faults.tell(s.x, own)
	dst = append(dst, `{"next":`...)
	dst = strconv.AppendInt(dst, int64(s.lines.number+1), 10)
	dst = append(dst, ',')
	return append(own.appendItem(dst, s.x.api.config.Epoch), '\n')
}
