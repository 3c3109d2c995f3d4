package httpapi

import (
	"net/http"
	"strconv"

	"github.com/seed5b6a70b4/identity/eventstream"
)

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

// setHeader sets a header, by the name as it goes out.
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
