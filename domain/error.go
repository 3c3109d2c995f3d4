package domain

import (
	"fmt"
	"time"
)

// Kind says what sort of refusal an error is, in the words of the caller. It is
// an error itself, so errors.Is(err, domain.NotFound) holds for every refusal of
// that kind, however it was wrapped.
type Kind string

// The kinds of refusal. None of them stands for a fault of the storage behind
// the directory: a fault is never one of these.
const (
	// Invalid: the request holds values that no state could accept.
	Invalid Kind = "invalid"
	// NotFound: what the request is about does not exist, or no longer does.
	NotFound Kind = "not_found"
	// Taken: an id or a unique value is held by somebody else.
	Taken Kind = "taken"
	// Stale: the entity is no longer where the caller's condition says.
	Stale Kind = "stale"
	// Cycle: the edge would make a group a member of itself.
	Cycle Kind = "cycle"
	// Mismatch: an idempotency key was used before with another request.
	Mismatch Kind = "mismatch"
	// Denied: the caller may not do this.
	Denied Kind = "denied"
)

// Error makes a Kind usable as a target of errors.Is.
func (k Kind) Error() string { return string(k) }

// Field is one value of a request that was refused.
type Field struct {
	// Pointer is the JSON pointer (RFC 6901) of the value within the body.
	Pointer string
	// Detail says what is wrong and what would be right. It never holds the
	// value itself, which may be personal data.
	Detail string
}

// Error is a refusal: a kind, and what the caller needs to put it right. Its
// text holds no value of any request.
type Error struct {
	Kind   Kind
	Code   string // stable and machine-readable; the kind's own word when empty
	Detail string
	Fields []Field
	// Until is set when a unique value is refused only because it was released
	// lately: the instant from which anybody may take it.
	Until time.Time
}

// Error describes the refusal without naming any value.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.StableCode()
	}
	return fmt.Sprintf("%s: %s", e.StableCode(), e.Detail)
}

// Unwrap gives the kind, for errors.Is.
func (e *Error) Unwrap() error { return e.Kind }

// StableCode is the code that clients may rely on.
func (e *Error) StableCode() string {
	if e.Code != "" {
		return e.Code
	}
	return string(e.Kind)
}

// Refuse makes a refusal of a kind with a code and a sentence for the caller.
func Refuse(kind Kind, code, detail string) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail}
}

// RefuseField makes an Invalid refusal of one value.
func RefuseField(pointer, detail string) *Error {
	return &Error{Kind: Invalid, Detail: "the request holds values that cannot be accepted", Fields: []Field{{pointer, detail}}}
}
