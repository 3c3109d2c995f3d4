package httpapi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/seed5b6a70b4/identity/queries"
)

// beatEvery is how often an answer that waits shows that it goes on.
const beatEvery = 15 * time.Second

// form is how changes are streamed.
type form interface {
	media() []string
	// endless tells whether the answer goes on when everything was told.
	endless(asked *following) bool
	begin(dst []byte) []byte
	change(dst []byte, f *queries.Follower, change *queries.Change) ([]byte, error)
	// beat shows that the answer goes on, and how far it has got.
	beat(dst []byte, f *queries.Follower) ([]byte, error)
	kind() answerKind
}

// form is what the client asks for; nil is a page of JSON.
func (x *exchange) form() form {
	switch x.wants() {
	case eventStreamType[0]:
		return eventForm{}
	case linesMedia:
		return lineForm{}
	}
	return nil
}

// eventForm is a stream of server-sent events.
type eventForm struct{}

func (eventForm) media() []string         { return eventStreamType }
func (eventForm) endless(*following) bool { return true }
func (eventForm) kind() answerKind        { return eventAnswer }
func (eventForm) begin(dst []byte) []byte { return append(dst, "retry: 2000\n\n"...) }

func (eventForm) change(dst []byte, f *queries.Follower, change *queries.Change) ([]byte, error) {
	dst, err := f.AppendPosition(append(dst, "event: change\nid: "...), change)
	if err != nil {
		return dst, err
	}
	if dst, err = appendChange(append(dst, "\ndata: "...), f, change); err != nil {
		return dst, err
	}
	return append(dst, "\n\n"...), nil
}

// An id without data is no event, but the client resumes from it.
func (eventForm) beat(dst []byte, f *queries.Follower) ([]byte, error) {
	position, err := f.Position()
	dst = append(dst, ":\nid: "...)
	return append(append(dst, position...), "\n\n"...), err
}

// lineForm is JSON, an item a line.
type lineForm struct{}

func (lineForm) media() []string               { return ndjsonType }
func (lineForm) endless(asked *following) bool { return asked.wait > 0 }
func (lineForm) kind() answerKind              { return lineAnswer }
func (lineForm) begin(dst []byte) []byte       { return dst }

func (lineForm) change(dst []byte, f *queries.Follower, change *queries.Change) ([]byte, error) {
	dst, err := appendChange(dst, f, change)
	return append(dst, '\n'), err
}

func (lineForm) beat(dst []byte, _ *queries.Follower) ([]byte, error) { return append(dst, '\n'), nil }

// streamChanges answers without end, or with all that there is. What can be refused
// is refused before the answer begins.
func (x *exchange) streamChanges(ctx context.Context, asked *following) error {
	page, err := asked.read(ctx, x, nil, pageChanges)
	if err != nil {
		return err
	}
	if err := x.setConsistency(asked.follower.RestsOn()); err != nil {
		return err
	}
	stream := func(ctx context.Context) {
		defer x.api.metrics.follow(asked.form.kind())()
		if !x.startStream(asked.form.media()) {
			return
		}
		x.out = asked.form.begin(x.out[:0])
		if err := x.tellChanges(ctx, asked, page); err != nil {
			x.api.metrics.endOf(err)
			x.abandon(err)
		}
	}
	if x.r.Method == http.MethodHead || !asked.form.endless(asked) || !x.detach(stream) {
		stream(ctx)
	}
	return nil
}

// abandon ends an answer that was begun so that it does not look complete. Of a
// client that is gone nobody need hear.
func (x *exchange) abandon(err error) {
	var network net.Error
	if !errors.As(err, &network) && !errors.Is(err, errEnded) && !errors.Is(err, context.Canceled) {
		x.fail(err)
	}
	panic(http.ErrAbortHandler)
}

// pageChanges is how many items are read at a time, flushBytes how much is sent.
const (
	pageChanges = 256
	flushBytes  = 32 << 10
)

// tellChanges tells a page and all that come, until there are no more or the answer
// cannot go on. While it waits it holds no buffers.
func (x *exchange) tellChanges(ctx context.Context, asked *following, page []queries.Change) error {
	endless := asked.form.endless(asked)
	for {
		if err := x.tellPage(asked, page); err != nil {
			return err
		}
		page = page[:0]
		if asked.follower.Told() {
			if err := x.flush(); err != nil || !endless {
				return err
			}
			page, x.out = nil, nil
			if err := x.await(ctx, asked); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			if endless {
				return nil
			}
			return context.Cause(ctx)
		}
		var err error
		if page, err = asked.goOn(ctx, x, page, pageChanges); err != nil {
			return err
		}
	}
}

func (x *exchange) tellPage(asked *following, page []queries.Change) (err error) {
	for i := range page {
		if x.out, err = asked.form.change(x.out, asked.follower, &page[i]); err != nil {
			return err
		}
		if len(x.out) >= flushBytes {
			if err := x.flush(); err != nil {
				return err
			}
		}
	}
	x.api.metrics.told(len(page))
	return nil
}

// await returns when there may be something to tell, after a while in any case, or
// when ctx ends.
func (x *exchange) await(ctx context.Context, asked *following) error {
	waiting, cancel := context.WithTimeout(ctx, beatEvery)
	err := asked.follower.Wait(waiting)
	cancel()
	if err == nil || ctx.Err() != nil {
		return nil
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	x.out, err = asked.form.beat(x.out, asked.follower)
	return err
}
