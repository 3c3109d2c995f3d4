package queries

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Entity is an answer about one entity.
type Entity[T any] struct {
	Value T
	// Shows is what the value is made of: its entity tag.
	Shows eventstream.Token
}

// Page is an answer about many.
type Page[T any] struct {
	Items []T
	// Next is the cursor of the next page, empty after the last one.
	Next string
	// RestsOn is the position of what answered, taken before it did.
	RestsOn eventstream.Token
}

// Limits of a page.
const (
	DefaultLimit = 50
	MaxLimit     = 500
)

// Listing says which page of many is asked for.
type Listing struct {
	// Cursor is the Next of the page before; empty asks for the first page.
	Cursor string
	// Limit is the most items of the page, 1 to MaxLimit; 0 is DefaultLimit.
	Limit int
	// After begins a list by id behind this id, whether it is anybody's or not; the
	// zero id begins at the begin. It goes with no cursor and with no search.
	After uuid.UUID
}

func (l Listing) limit() (int, error) {
	switch {
	case l.Limit == 0:
		return DefaultLimit, nil
	case l.Limit < 0 || l.Limit > MaxLimit:
		return 0, domain.RefuseField("limit", fmt.Sprintf("must be 1 to %d", MaxLimit))
	}
	return l.Limit, nil
}

func one[T any](value T, stream eventstream.StreamID, seq uint64) Entity[T] {
	return Entity[T]{Value: value, Shows: eventstream.Token{{Stream: stream, Seq: eventstream.Seq(seq)}}}
}
