package queries

import (
	"errors"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// ErrSearchOff is the answer to a query that needs an index where there is none.
var ErrSearchOff = errors.New("search is off")

// Freshness is how fresh an answer must be. The zero Freshness takes what the
// view shows.
type Freshness struct {
	// AtLeast names positions that the answer must not be older than.
	AtLeast eventstream.Token
	// Latest demands an answer at least as fresh as the store is now.
	Latest bool
	// Wait bounds the waiting; 0 is the default, 500 ms, for search 2 s.
	Wait time.Duration
}

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
	// RestsOn is the position of the view that answered, taken before it did.
	RestsOn eventstream.Token
}
