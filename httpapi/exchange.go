package httpapi

import (
	"net/http"
	"sync"
	"time"
)

// exchange is one request and its answer. It is the ResponseWriter that the
// router passes on, so that handlers find it without a context value, and it is
// used again for later requests, with its buffers.
type exchange struct {
	api   *api
	w     http.ResponseWriter
	r     *http.Request
	start time.Time
	id    string // the request's, in X-Request-Id

	// Set on the way in.
	route *route // nil for a request that no route takes
	by    principal
	query []queryValue

	// Set on the way out.
	status int
	bytes  int

	// requestDigest identifies what was asked, if it is to happen once.
	requestDigest string

	out []byte // the answer's body

	// goOn is what a detached exchange has left to do; it begins when the handler has
	// returned.
	goOn func()

	access Access // as the log is told of it

	// values are those of the answer's headers, in one piece of memory. It is not
	// used again: the headers may outlive the exchange.
	values []string
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// maxKept is the largest buffer that is kept for later requests.
const maxKept = 64 << 10

func (a *api) begin(w http.ResponseWriter, r *http.Request) *exchange {
	x := exchanges.Get().(*exchange)
	x.api, x.w, x.r, x.start = a, w, r, time.Now()
	x.id = requestID(r.Header["X-Request-Id"])
	return x
}

// release gives the exchange back. Nothing may use it, or a slice of its buffers,
// after that.
func (x *exchange) release() {
	out, query := x.out[:0], x.query
	clear(query)
	if cap(out) > maxKept {
		out = nil
	}
	*x = exchange{out: out, query: query[:0]}
	exchanges.Put(x)
}

// Header implements http.ResponseWriter.
func (x *exchange) Header() http.Header { return x.w.Header() }

// WriteHeader implements http.ResponseWriter; only the first call counts.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
		x.w.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(p []byte) (int, error) {
	x.WriteHeader(http.StatusOK)
	n, err := x.w.Write(p)
	x.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.w }
