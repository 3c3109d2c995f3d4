package eventstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Importer is what a Store also implements if it takes commits as another store
// sealed them: for copies of it.
type Importer interface {
	// Import writes transactions of another store as they are, with their times,
	// commands and hashes, in the order given, each whole and durable or not at all.
	// It returns how many of them, from the first on, are there, and why the next one
	// is not; of those after that, none was written by this call.
	//
	// A transaction that is there already, equal in everything, counts and writes
	// nothing: so an import that was cut off may be made again. One that is not as it
	// was sealed, that says otherwise than the store what stands somewhere, or whose
	// streams have not got to where it begins, is an *ImportError, and nothing of it
	// was written. If the error is ErrUnknownOutcome, the transaction after those
	// counted may have been written.
	//
	// Observers and feeds hear of what was written as of any other. Recent goes by
	// the time in the commits: those who keep views by it alone must be told of an
	// import. Commit.Log is the store's own: a log that is imported from its beginning
	// into an empty store keeps its positions. What is given is the store's from then
	// on, also after the call: the caller must not change it.
	Import(ctx context.Context, transactions [][]Commit) (done int, err error)
}

// The ways in which a transaction cannot be imported.
var (
	// ErrAltered: it is not as it was sealed.
	ErrAltered = errors.New("is not as it was sealed")
	// ErrContradicts: the store has something else where it stands, or before.
	ErrContradicts = errors.New("contradicts what is there")
	// ErrGap: what comes before it in a stream is missing.
	ErrGap = errors.New("what comes before it is missing")
)

// ImportError names a commit that cannot be imported.
type ImportError struct {
	Position
	// Head is where the stream was, if that was looked at.
	Head Seq
	// Kind is ErrAltered, ErrContradicts or ErrGap.
	Kind error
}

// Error names the stream: whoever imports has it before him.
func (e *ImportError) Error() string {
	if errors.Is(e.Kind, ErrGap) {
		return fmt.Sprintf("commit %d of stream %s: %s: the stream is at %d", e.Seq, e.Stream, e.Kind, e.Head)
	}
	return fmt.Sprintf("commit %d of stream %s %s", e.Seq, e.Stream, e.Kind)
}

// Unwrap gives the kind.
func (e *ImportError) Unwrap() error { return e.Kind }

// Importer is the store's import, nil if it has none.
func (s *Streams) Importer() Importer {
	importer, _ := s.store.(Importer)
	return importer
}

// CheckSealed tells whether the commits are one whole transaction as some store
// sealed it: within the limits, of one command, no stream twice, each the sibling of
// all others, each with the hash that it must have. Whether it continues anything
// it does not tell. The error is an *ImportError.
func CheckSealed(transaction []Commit) error {
	if len(transaction) == 0 {
		return &ImportError{Kind: ErrAltered}
	}
	if len(transaction) > MaxEntries {
		return altered(&transaction[0])
	}
	size := 0
	for i := range transaction {
		c := &transaction[i]
		size += len(c.Data)
		if !c.wellFormed(&transaction[0]) || size > MaxTransaction || !c.siblingOf(transaction) || c.ComputeHash() != c.Hash {
			return altered(c)
		}
	}
	return nil
}

func altered(c *Commit) error { return &ImportError{Position: c.Position(), Kind: ErrAltered} }

// wellFormed tells whether a store could have made the commit beside another one.
func (c *Commit) wellFormed(first *Commit) bool {
	switch {
	case c.Stream == "" || len(c.Stream) > MaxStreamID || !utf8.ValidString(string(c.Stream)):
		return false
	case c.Seq == 0 || (c.Seq == 1) != (c.Previous == Hash{}) || len(c.Data) > MaxData:
		return false
	case c.Command == uuid.Nil || c.Command != first.Command || c.Actor != first.Actor || c.Correlation != first.Correlation:
		return false
	case len(c.Actor) > MaxActor || len(c.Correlation) > MaxActor || !utf8.ValidString(c.Actor) || !utf8.ValidString(c.Correlation):
		return false
	}
	return true
}

// siblingOf tells whether the commit names exactly the others, in order. Streams
// that are sorted and as many as the others are none of them twice.
func (c *Commit) siblingOf(transaction []Commit) bool {
	if len(c.Siblings) != len(transaction)-1 {
		return false
	}
	for i := range c.Siblings {
		if i > 0 && c.Siblings[i-1].Stream >= c.Siblings[i].Stream || c.Siblings[i].Stream == c.Stream {
			return false
		}
	}
	for i := range transaction {
		other := &transaction[i]
		if other.Stream != c.Stream && !slices.Contains(c.Siblings, other.Position()) {
			return false
		}
	}
	return true
}

// Continues tells whether a sealed commit may come next on a stream that is at the
// head: nil, or an *ImportError.
func (c *Commit) Continues(head Head) error {
	switch {
	case c.Seq > head.Seq+1:
		return &ImportError{Position: c.Position(), Head: head.Seq, Kind: ErrGap}
	case c.Seq <= head.Seq || c.Previous != head.Hash:
		return &ImportError{Position: c.Position(), Head: head.Seq, Kind: ErrContradicts}
	}
	return nil
}
