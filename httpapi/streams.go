package httpapi

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// flushTime is how long a client may take for what is sent to it at once, and
// arriveTime for sending the next part of what it sends: a slower one is cut off,
// so that nothing is kept for it.
const (
	flushTime  = 20 * time.Second
	arriveTime = 30 * time.Second
)

// errEnded is why a stream's context is done when the server ends all of them.
var errEnded = errors.New("the server ends what goes on")

// Streams are the exchanges of a handler that last as long as the client likes:
// they have no timeout, and a server that waited for them would never be drained.
// All methods may be called concurrently.
type Streams struct {
	ended context.Context
	end   context.CancelCauseFunc

	mu    sync.Mutex
	under int
	none  chan struct{} // closed when none is under way; nil until somebody waits
}

// NewStreams makes the Streams of one handler.
func NewStreams() *Streams {
	s := &Streams{}
	s.ended, s.end = context.WithCancelCause(context.Background())
	return s
}

// End has all of them end at the next place where their client can go on, and
// those that come later do so at once. It does not wait.
func (s *Streams) End() { s.end(errEnded) }

// Wait returns when none is under way, or with an error when ctx ends first.
func (s *Streams) Wait(ctx context.Context) error {
	s.mu.Lock()
	if s.under == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.none == nil {
		s.none = make(chan struct{})
	}
	none := s.none
	s.mu.Unlock()
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// begin gives the context of a stream, which ends with the parent or with all of
// them; done must be called when the stream has ended.
func (s *Streams) begin(parent context.Context) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(parent)
	stop := context.AfterFunc(s.ended, func() { cancel(errEnded) })
	s.mu.Lock()
	s.under++
	s.mu.Unlock()
	return ctx, func() {
		stop()
		cancel(nil)
		s.over()
	}
}

// detached is begin for a stream that is no longer its request's.
func (s *Streams) detached() (ctx context.Context, done func()) {
	s.mu.Lock()
	s.under++
	s.mu.Unlock()
	return s.ended, s.over
}

func (s *Streams) over() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.under--; s.under == 0 && s.none != nil {
		close(s.none)
		s.none = nil
	}
}

// runStream runs a route that streams: what every route does first is bounded in
// time as everywhere, the rest is not. The context ends when the client goes away
// or all streams are to end.
func (x *exchange) runStream(rt *route) error {
	admitted, cancel := context.WithDeadline(x.r.Context(), x.start.Add(x.api.config.Timeout))
	err := x.admit(admitted, rt)
	cancel()
	if err != nil {
		return err
	}
	if rt.body == nil {
		_ = http.NewResponseController(x.w).SetReadDeadline(time.Time{})
	}
	ctx, done := x.api.config.Streams.begin(x.r.Context())
	defer done()
	ctx, span := x.api.startSpan(ctx, x)
	if span != nil {
		defer endSpan(span, x)
	}
	return rt.serve(ctx, x)
}

// startDuplex has the answer begin before all of the body was read. The connection
// is not used again: net/http would read the next request from it while it still
// waits for the rest of a body that was not read to its end.
func (x *exchange) startDuplex() {
	_ = http.NewResponseController(x.w).EnableFullDuplex()
	if x.r.ProtoMajor == 1 {
		x.setHeader("Connection", "close")
	}
}

// awaitMore gives the client time for the next part of a body that it streams. It
// must be called before each part is read.
func (x *exchange) awaitMore() {
	_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(arriveTime))
}

// startStream begins an answer whose length is not known, and tells whether it
// has a body. Proxies are told not to hold it back.
func (x *exchange) startStream(contentType []string) bool {
	header := x.w.Header()
	header["Content-Type"] = contentType
	header["X-Content-Type-Options"] = noSniff
	header["Cache-Control"] = noStore
	header["X-Accel-Buffering"] = noBuffering
	x.WriteHeader(http.StatusOK)
	return x.r.Method != http.MethodHead
}

var noBuffering = []string{"no"}

// flush sends what is in x.out to the client, and empties it. An error says that
// the client is gone or takes too long: the answer cannot go on.
func (x *exchange) flush() error {
	control := http.NewResponseController(x.w)
	_ = control.SetWriteDeadline(time.Now().Add(flushTime))
	_, err := x.Write(x.out)
	x.out = x.out[:0]
	if err != nil {
		return err
	}
	if err := control.Flush(); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
