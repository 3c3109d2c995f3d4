package httpapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxDepth is how deep values may nest; the deepest good body has 3 levels.
	maxDepth = 32
	// maxFieldErrors bounds a problem about a body that is wrong everywhere.
	maxFieldErrors = 100
	// maxPointerName is how much of an unknown field's name a pointer shows.
	maxPointerName = 128
)

// body is a request's body while it is read: it collects what is wrong with the
// values, so that one answer names it all.
type body struct {
	raw    []byte
	errors []fieldError
}

var bodies = sync.Pool{New: func() any { return new(body) }}

func (b *body) release() {
	if cap(b.raw) > maxKept {
		b.raw = nil
	}
	b.raw, b.errors = b.raw[:0], nil
	bodies.Put(b)
}

// The media types of bodies.
var (
	postTypes  = []string{"application/json"}
	patchTypes = []string{"application/merge-patch+json", "application/json"}
)

// readObject reads the request's body, which must be one JSON object of one of
// the media types, gives each member to field, and at last the whole to finish,
// if that is not nil. A body that cannot be read at all is one problem; otherwise
// what was reported is another, all at once.
func (x *exchange) readObject(accept []string, field func(b *body, name string, value jsontext.Value), finish func(b *body)) error {
	b := bodies.Get().(*body)
	defer b.release()
	if err := x.checkMediaType(accept); err != nil {
		return err
	}
	if err := b.read(x); err != nil {
		return err
	}
	if err := b.parse(field, finish); err != nil {
		return err
	}
	return x.digest(b.raw)
}

// readNothing takes a body that says nothing: none, or an object without members.
func (x *exchange) readNothing() error {
	return x.readOptional(func(b *body, name string, _ jsontext.Value) { b.unknown("", name) })
}

// readOptional is readObject for a body that need not be there.
func (x *exchange) readOptional(field func(b *body, name string, value jsontext.Value)) error {
	if x.r.ContentLength == 0 {
		return nil
	}
	b := bodies.Get().(*body)
	defer b.release()
	if err := b.read(x); err != nil || len(b.raw) == 0 {
		return err
	}
	if err := x.checkMediaType(postTypes); err != nil {
		return err
	}
	return b.parse(field, nil)
}

// parse gives the members of the body's object.
func (b *body) parse(field func(b *body, name string, value jsontext.Value), finish func(b *body)) error {
	if err := checkNesting(b.raw); err != nil {
		return err
	}
	if err := b.members("", b.raw, func(name string, value jsontext.Value) { field(b, name, value) }); err != nil {
		return err
	}
	if finish != nil && (len(b.errors) == 0 || b.errors[0].pointer != "") {
		finish(b)
	}
	if len(b.errors) > 0 {
		return invalid(b.errors...)
	}
	return nil
}

// checkMediaType demands one of the media types, in UTF-8 if it says a charset,
// and no content coding.
func (x *exchange) checkMediaType(accept []string) error {
	lines := x.r.Header["Content-Type"]
	if len(lines) == 1 && slices.Contains(accept, lines[0]) && x.r.Header["Content-Encoding"] == nil {
		return nil
	}
	good := len(lines) == 1 && x.r.Header["Content-Encoding"] == nil
	if good {
		media, parameters, err := mime.ParseMediaType(lines[0])
		charset, given := parameters["charset"]
		good = err == nil && slices.Contains(accept, media) && (!given || strings.EqualFold(charset, "utf-8"))
	}
	if good {
		return nil
	}
	name := "Accept-Post"
	if x.r.Method == http.MethodPatch {
		name = "Accept-Patch"
	}
	x.Header().Set(name, strings.Join(accept, ", "))
	return refuse(http.StatusUnsupportedMediaType, "unsupported_media_type", "the body must be "+strings.Join(accept, " or ")+", in UTF-8 and not compressed")
}

// read takes the whole body in, up to the limit.
func (b *body) read(x *exchange) error { return b.readUpTo(x, x.api.config.MaxBody) }

// readUpTo is read with another limit, in bytes.
func (b *body) readUpTo(x *exchange, limit int64) error {
	tooLarge := refuse(http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the body has more than %d bytes", limit))
	if x.r.ContentLength > limit {
		return tooLarge
	}
	if x.r.ContentLength > 0 {
		b.raw = slices.Grow(b.raw[:0], int(min(x.r.ContentLength, maxKept))+1)
	}
	reader := io.LimitedReader{R: x.r.Body, N: limit + 1}
	for {
		if len(b.raw) == cap(b.raw) {
			b.raw = slices.Grow(b.raw, 512)
		}
		n, err := reader.Read(b.raw[len(b.raw):cap(b.raw)])
		b.raw = b.raw[:len(b.raw)+n]
		switch {
		case int64(len(b.raw)) > limit:
			return tooLarge
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return readProblem(err)
		}
	}
}

// readProblem is the answer to a body that did not arrive: too slow, or cut off.
func readProblem(err error) error {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return refuse(http.StatusRequestTimeout, "timeout", "the body did not arrive in time")
	}
	return malformedBody("the body was cut off")
}

// wrong reports a value.
func (b *body) wrong(pointer, detail string) {
	if len(b.errors) < maxFieldErrors {
		b.errors = append(b.errors, fieldError{pointer: pointer, detail: detail})
	}
}

// unknown reports a field that there is none of.
func (b *body) unknown(parent, name string) {
	b.wrong(parent+"/"+pointerName(name), "is not a field of this")
}

// pointerName escapes a name for a JSON pointer, and shortens one that no field
// has: the place must be found, but what stands there is not ours to repeat.
func pointerName(name string) string {
	if len(name) > maxPointerName {
		name = strings.ToValidUTF8(name[:maxPointerName], "") + "…"
	}
	return pointerEscapes.Replace(name)
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")
