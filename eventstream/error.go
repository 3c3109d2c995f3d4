package eventstream

import (
	"errors"
	"fmt"
)

// The ways in which a store fails. A conflict is a *ConflictError.
var (
	// ErrInvalid: the transaction is not one that any store accepts.
	ErrInvalid = errors.New("invalid transaction")
	// ErrTooLarge: a commit or a transaction is over its limit.
	ErrTooLarge = errors.New("transaction too large")
	// ErrUnavailable: the storage cannot serve now; nothing was written.
	ErrUnavailable = errors.New("storage unavailable")
	// ErrThrottled: the storage asks to slow down; nothing was written.
	ErrThrottled = fmt.Errorf("throttled: %w", ErrUnavailable)
	// ErrUnknownOutcome: it cannot be told whether the transaction was written.
	ErrUnknownOutcome = fmt.Errorf("unknown outcome: %w", ErrUnavailable)
	// ErrClosed: the store was closed.
	ErrClosed = fmt.Errorf("store closed: %w", ErrUnavailable)
	// ErrCorrupt: what is stored is not what was written.
	ErrCorrupt = errors.New("storage corrupt")
	// ErrMoved: what is folded from a stream is not where the commits given to it
	// begin; nothing was folded.
	ErrMoved = errors.New("fold has moved")
)

// The ways in which a view is not where somebody needs it. They stand here
// because those who keep views and those who read them share only this package.
var (
	// ErrBehind: the view did not get there in time.
	ErrBehind = errors.New("view behind")
	// ErrParked: the view cannot apply the stream until an operator steps in.
	ErrParked = errors.New("stream parked")
	// ErrUnknownPosition: the stream has no such commit.
	ErrUnknownPosition = errors.New("unknown position")
)

// ErrConflict is the target for errors.Is of every *ConflictError.
var ErrConflict = errors.New("conflict")

// ConflictError tells which expectations of a transaction did not hold.
type ConflictError struct{ Conflicts []Conflict }

// Conflict is an entry whose expectation did not hold.
type Conflict struct {
	// Index is the entry's place in the transaction.
	Index  int
	Stream StreamID
	Expect Expect
	// Head is where the stream was.
	Head Seq
	// Winners are the commits after what was expected, oldest first; of an entry
	// that expected existence there are none.
	Winners []Commit
}

// Error names the kinds of stream in conflict, not the streams.
func (e *ConflictError) Error() string {
	if len(e.Conflicts) == 0 {
		return "conflict"
	}
	first := e.Conflicts[0]
	return fmt.Sprintf("conflict in %d stream(s), first of kind %s: expected %s, is at %d",
		len(e.Conflicts), first.Stream.Kind(), first.Expect, first.Head)
}

// Is makes every conflict an ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }
