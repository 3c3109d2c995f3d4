package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// An exchange that waits for long is taken off net/http: its goroutine, with the
// stack that the way through the router has made large, and its three buffers are
// most of what a connection costs. What goes on is a goroutine with a small stack
// and the bare connection, which is closed behind the answer.

// detach takes the connection off net/http, where it can be: go on is called then,
// in a goroutine of its own, once the handler has returned, and the exchange is its
// own until it returns. Nothing of the request may be used there but its method.
// Where it cannot, as with HTTP/2, detach answers false and has done nothing.
func (x *exchange) detach(goOn func(ctx context.Context)) bool {
	control := http.NewResponseController(x.w)
	header := x.w.Header()
	conn, _, err := control.Hijack()
	if err != nil {
		return false
	}
	_ = conn.SetReadDeadline(time.Time{})
	x.w = &bare{conn: conn, header: header}
	x.r = bareRequests[x.r.Method]
	x.query = nil
	x.by.key = nil
	ctx, done := x.api.config.Streams.detached()
	x.goOn = func() {
		defer done()
		defer func() { _ = conn.Close() }()
		goOn(ctx)
	}
	return true
}

var bareRequests = map[string]*http.Request{http.MethodGet: {Method: http.MethodGet}}

// own goes on with a detached exchange, to its end.
func (x *exchange) own() {
	defer x.finish()
	goOn := x.goOn
	x.goOn = nil
	goOn()
}

// bare is the answer on a connection that net/http has given away. Its length is
// told by Content-Length, or by the connection's end.
type bare struct {
	conn   net.Conn
	header http.Header
	head   []byte // not yet written
}

// Header implements http.ResponseWriter.
func (b *bare) Header() http.Header { return b.header }

// WriteHeader implements http.ResponseWriter.
func (b *bare) WriteHeader(status int) {
	var head bytes.Buffer
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	b.header["Date"] = []string{time.Now().UTC().Format(http.TimeFormat)}
	b.header["Connection"] = []string{"close"}
	w := bufio.NewWriterSize(&head, 16)
	_ = b.header.Write(w)
	_ = w.Flush()
	head.WriteString("\r\n")
	b.head, b.header = head.Bytes(), http.Header{}
}

// Write implements http.ResponseWriter. What is written goes out at once.
func (b *bare) Write(p []byte) (int, error) {
	if b.head == nil {
		if len(p) == 0 {
			return 0, nil
		}
		return b.conn.Write(p)
	}
	head := len(b.head)
	n, err := b.conn.Write(append(b.head, p...))
	b.head = nil
	return max(n-head, 0), err
}

// FlushError implements what http.ResponseController looks for.
func (b *bare) FlushError() error {
	if b.head == nil {
		return nil
	}
	_, err := b.Write(nil)
	return err
}

// SetWriteDeadline implements what http.ResponseController looks for.
func (b *bare) SetWriteDeadline(at time.Time) error { return b.conn.SetWriteDeadline(at) }

var errNotHere = errors.New("not on a connection that was taken off")

// SetReadDeadline refuses: nothing is read any more.
func (b *bare) SetReadDeadline(time.Time) error { return errNotHere }
