package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// problem is a refusal on the wire: RFC 9457's members, a stable code, and what
// is wrong with which value, but never the value.
type problem struct {
	status int
	code   string
	detail string
	errors []fieldError
	// current is the entity's tag, for a condition that did not hold.
	current eventstream.Token
	// retryAfter tells when asking again makes sense, in whole seconds; 0 for never.
	retryAfter int
	// until tells when a unique value will be free.
	until time.Time
	// cause is what is behind it, if that is not the client's doing: it is logged.
	cause error
}

// fieldError says what is wrong with one value of a request.
type fieldError struct {
	// pointer is a JSON pointer into the body, or into the query as an object.
	pointer string
	// in is "query" or "header" for a value that is not in the body.
	in     string
	detail string
}

// Error is the problem's code.
func (p *problem) Error() string { return p.code }

// Codes that are made here; the others come from the domain's refusals.
const (
	codeInvalid       = "invalid"
	codeMalformedBody = "malformed_body"
)

func refuse(status int, code, detail string) *problem {
	return &problem{status: status, code: code, detail: detail}
}

func malformedBody(detail string) *problem {
	return refuse(http.StatusBadRequest, codeMalformedBody, detail)
}

func notFound() *problem {
	return refuse(http.StatusNotFound, "not_found", "there is no such thing")
}

func invalid(errors ...fieldError) *problem {
	return &problem{status: http.StatusUnprocessableEntity, code: codeInvalid, detail: "the request holds values that cannot be accepted", errors: errors}
}

// asProblem is the only translation of errors into answers.
func asProblem(err error) *problem {
	var (
		own     *problem
		stale   *commands.StaleError
		refusal *domain.Error
		kind    domain.Kind
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &stale):
		p := refusalProblem(domain.Stale, nil)
		p.current = stale.Current
		return p
	case errors.As(err, &refusal):
		return refusalProblem(refusal.Kind, refusal)
	case errors.As(err, &kind):
		return refusalProblem(kind, nil)
	}
	return faultProblem(err)
}

// refusalStatus gives the status of each kind of refusal, and the code of one
// that brings none.
var refusalStatus = map[domain.Kind]struct {
	status       int
	code, detail string
}{
	domain.Invalid:  {http.StatusUnprocessableEntity, codeInvalid, "the request holds values that cannot be accepted"},
	domain.NotFound: {http.StatusNotFound, "not_found", "there is no such thing"},
	domain.Taken:    {http.StatusConflict, "taken", "the value is held by another"},
	domain.Stale:    {http.StatusPreconditionFailed, "precondition_failed", "the entity is not where the condition says"},
	domain.Cycle:    {http.StatusConflict, "cycle", "the group would become a member of itself"},
	domain.Mismatch: {http.StatusUnprocessableEntity, "mismatch", "the idempotency key was used with another request"},
	domain.Denied:   {http.StatusForbidden, "forbidden", "the key does not allow this"},
}

func refusalProblem(kind domain.Kind, refusal *domain.Error) *problem {
	known, ok := refusalStatus[kind]
	if !ok {
		return internalProblem(kind)
	}
	p := refuse(known.status, known.code, known.detail)
	if refusal == nil {
		return p
	}
	if refusal.Code != "" && kind != domain.Stale {
		p.code = refusal.Code
	}
	if refusal.Detail != "" {
		p.detail = refusal.Detail
	}
	for _, field := range refusal.Fields {
		p.errors = append(p.errors, fieldOf(field))
	}
	p.until = refusal.Until
	return p
}

// fieldOf is a field of a refusal. Queries name their parameters by their bare
// names.
func fieldOf(field domain.Field) fieldError {
	if field.Pointer != "" && field.Pointer[0] != '/' {
		return fieldError{pointer: "/" + field.Pointer, in: "query", detail: field.Detail}
	}
	return fieldError{pointer: field.Pointer, detail: field.Detail}
}

// faults gives the answer to what is nobody's refusal, the first that matches.
var faults = []struct {
	target       error
	status       int
	code, detail string
	retryAfter   int
	logged       bool
}{
	{eventstream.ErrMalformedToken, http.StatusBadRequest, "malformed_token", "a token is none of this service's, or was cut or altered", 0, false},
	{eventstream.ErrForeignToken, http.StatusBadRequest, "foreign_token", "a token is of another life of the store", 0, false},
	{eventstream.ErrUnknownPosition, http.StatusBadRequest, "unknown_position", "a token names a position that does not exist", 0, false},
	{eventstream.ErrParked, http.StatusServiceUnavailable, "parked", "what was asked for cannot be shown until an operator steps in", 30, true},
	{eventstream.ErrBehind, http.StatusServiceUnavailable, "view_behind", "what was asked for is not there yet", 1, false},
	{queries.ErrLatestUnavailable, http.StatusBadRequest, "latest_unavailable", "no position names everything that was written; send the tokens of what was", 0, false},
	{queries.ErrChangesOff, http.StatusNotImplemented, "changes_off", "this service does not tell what has changed", 0, false},
	{ErrRebuilding, http.StatusConflict, "rebuilding", "another rebuild is under way; GET /views tells how it does", 0, false},
	{ErrNothingKept, http.StatusConflict, "nothing_kept", "no earlier generation is kept", 0, false},
	{ErrNoSuchView, http.StatusUnprocessableEntity, "no_such_view", "one of the views is not there in this service", 0, false},
	{ErrNotFollowing, http.StatusConflict, "not_a_replica", "the store follows no other", 0, false},
	{queries.ErrSearchOff, http.StatusNotImplemented, "search_off", "this service runs without search", 0, false},
	{commands.ErrStoreClosed, http.StatusServiceUnavailable, "store_closed", "another store has taken over from this one; write there", 30, false},
	{commands.ErrFollower, http.StatusServiceUnavailable, "replica", "this store follows another one, which takes the writes", 30, false},
	{eventstream.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large", "what would be stored is too large", 0, false},
	{eventstream.ErrConflict, http.StatusServiceUnavailable, "unavailable", "too many writers at once", 1, false},
	{eventstream.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", "the storage cannot serve now", 1, true},
	{eventstream.ErrCorrupt, http.StatusServiceUnavailable, "unavailable", "the storage cannot serve this", 30, true},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "unavailable", "it took too long", 1, false},
	{context.Canceled, http.StatusServiceUnavailable, "unavailable", "the request was given up", 1, false},
}

func faultProblem(err error) *problem {
	for i := range faults {
		fault := &faults[i]
		if !errors.Is(err, fault.target) {
			continue
		}
		p := refuse(fault.status, fault.code, fault.detail)
		p.retryAfter = fault.retryAfter
		if fault.logged {
			p.cause = err
		}
		return p
	}
	return internalProblem(err)
}

func internalProblem(cause error) *problem {
	p := refuse(http.StatusInternalServerError, "internal", "a fault of this service, which was logged")
	p.cause = cause
	return p
}

// append writes the problem as JSON.
func (p *problem) append(dst []byte) []byte {
	dst = append(dst, `{"type":"about:blank","title":`...)
	dst = appendString(dst, http.StatusText(p.status))
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(p.status), 10)
	dst = append(dst, `,"detail":`...)
	dst = appendString(dst, p.detail)
	dst = append(dst, `,"code":`...)
	dst = appendString(dst, p.code)
	return append(p.appendExtras(dst), '}')
}

// appendExtras writes the members that only some problems have.
func (p *problem) appendExtras(dst []byte) []byte {
	if !p.until.IsZero() {
		dst = append(dst, `,"until":`...)
		dst = appendTime(dst, p.until)
	}
	if len(p.errors) > 0 {
		dst = append(dst, `,"errors":[`...)
		for i, e := range p.errors {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.append(dst)
		}
		dst = append(dst, ']')
	}
	return dst
}

func (e *fieldError) append(dst []byte) []byte {
	dst = append(dst, `{"pointer":`...)
	dst = appendString(dst, e.pointer)
	if e.in != "" {
		dst = append(dst, `,"in":`...)
		dst = appendString(dst, e.in)
	}
	dst = append(dst, `,"detail":`...)
	dst = appendString(dst, e.detail)
	return append(dst, '}')
}
