package httpapi

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
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

// Headers are set by the names that RFCs spell, ETag and WWW-Authenticate too,
// which net/http's canonical form does not, so that they go out like that.

// Header values that many answers share; nobody may change them.
var (
	jsonType    = []string{"application/json"}
	problemType = []string{"application/problem+json"}
	noStore     = []string{"no-store"}
	revalidate  = []string{"private, no-cache"}
	bearer      = []string{"Bearer"}
	noSniff     = []string{"nosniff"}
)

// send writes an answer whose body is x.out.
func (x *exchange) send(status int, contentType []string) {
	header := x.w.Header()
	header["Content-Type"] = contentType
	header["X-Content-Type-Options"] = noSniff
	if header["Cache-Control"] == nil {
		header["Cache-Control"] = revalidate
	}
	x.setHeader("Content-Length", strconv.Itoa(len(x.out)))
	x.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		_, _ = x.Write(x.out) // a client that has gone is not our fault
	}
}

// ofSuccess are the headers that a handler may have set before it failed.
var ofSuccess = []string{"ETag", "X-Consistency", "Location", "Link", "Cache-Control", "Content-Encoding"}

// fail answers an error. It answers nothing if an answer was begun.
func (x *exchange) fail(err error) {
	p := asProblem(err)
	if p.cause != nil {
		x.logFault(p)
	}
	if x.status != 0 {
		return
	}
	header := x.w.Header()
	for _, name := range ofSuccess {
		delete(header, name)
	}
	if p.retryAfter > 0 {
		x.setHeader(string(retryAfter), strconv.Itoa(p.retryAfter))
	}
	if p.status == http.StatusUnauthorized {
		header["WWW-Authenticate"] = bearer
	}
	if p.current != nil {
		if text, err := p.current.Encode(x.api.config.Epoch); err == nil {
			x.setHeader(string(etag), `"`+text+`"`)
		}
	}
	header["Cache-Control"] = noStore
	x.out = p.append(x.out[:0])
	x.send(p.status, problemType)
}

// setHeader sets a header by its canonical name.
func (x *exchange) setHeader(name, value string) {
	if x.values == nil {
		x.values = make([]string, 0, 6)
	}
	x.values = append(x.values, value)
	last := len(x.values)
	x.w.Header()[name] = x.values[last-1 : last : last]
}

// setETag names the state that the body shows, and that the answer rests on it.
// It gives the tag without its quotes.
func (x *exchange) setETag(shows eventstream.Token) (string, error) {
	quoted, err := shows.AppendEncode(append(x.out[:0], '"'), x.api.config.Epoch)
	if err != nil {
		return "", err
	}
	tag := string(append(quoted, '"'))
	x.setHeader(string(etag), tag)
	x.setHeader(string(consistency), tag[1:len(tag)-1])
	return tag[1 : len(tag)-1], nil
}

// setConsistency names what the answer rests on, or what it wrote.
func (x *exchange) setConsistency(token eventstream.Token) error {
	text, err := token.AppendEncode(x.out[:0], x.api.config.Epoch)
	if err != nil {
		return err
	}
	x.setHeader(string(consistency), string(text))
	return nil
}

// pathID reads an id of the path. One that is malformed names nothing.
func pathID[E any](x *exchange, name string) (domain.ID[E], error) {
	id, err := domain.ParseID[E](x.r.PathValue(name))
	if err != nil {
		return id, notFound()
	}
	return id, nil
}

func (x *exchange) pathUUID(name string) (uuid.UUID, error) {
	id, err := pathID[domain.User](x, name)
	return id.UUID, err
}

const maxRequestID = 128

// requestID takes the client's id if it is one line of harmless characters, and
// makes one otherwise.
func requestID(lines []string) string {
	if len(lines) == 1 && len(lines[0]) > 0 && len(lines[0]) <= maxRequestID && isHarmless(lines[0]) {
		return lines[0]
	}
	var raw [16]byte
	high, low := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		raw[i], raw[8+i] = byte(high>>(8*i)), byte(low>>(8*i))
	}
	text := make([]byte, 0, 32)
	for _, b := range raw {
		text = append(text, hexDigits[b>>4], hexDigits[b&15])
	}
	return string(text)
}

func isHarmless(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=':
		default:
			return false
		}
	}
	return true
}
