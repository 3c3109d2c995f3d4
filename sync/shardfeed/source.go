package shardfeed

import (
	"context"
	"errors"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// What a Source may say of why it cannot read. Any other error is taken to pass.
var (
	// ErrExpired says that an iterator is too old and has to be opened again.
	ErrExpired = errors.New("the iterator has expired")
	// ErrTrimmed says that records after a checkpoint are no longer kept.
	ErrTrimmed = errors.New("records were trimmed before they were read")
	// ErrThrottled says that there were too many requests.
	ErrThrottled = errors.New("reads are throttled")
	// ErrGone says that there is no such shard, or no such source.
	ErrGone = errors.New("there is no such shard")
)

// Source is a stream of records in shards. All methods may be called
// concurrently, and do not try again by themselves.
type Source interface {
	// Shards lists all shards there are, or fails.
	Shards(ctx context.Context) (Listing, error)
	// Open gives an iterator over a shard: after the record of a sequence number,
	// or from the oldest record that is kept if that is empty.
	Open(ctx context.Context, shard, after string) (iterator string, err error)
	// Read gives the next records. An iterator may be used again.
	Read(ctx context.Context, iterator string) (Page, error)
}

// Listing is what a source has at one moment.
type Listing struct {
	Shards []Shard
	// Retention is how long records are kept.
	Retention time.Duration
}

// Shard is a part of a source, within which records have an order.
type Shard struct {
	ID string
	// Parents are those which it succeeds; they may be gone.
	Parents []string
	// Closed says that no record will be added.
	Closed bool
}

// Page is what one read gave.
type Page struct {
	Positions []eventstream.Position
	// Unknown counts records that tell of no commit, and are left.
	Unknown int
	// Last is the sequence number of the last record, known or not; empty if there
	// was none.
	Last string
	// Next is the iterator to go on with; empty at the end of a closed shard.
	Next string
	// More says that further records are known to be there.
	More bool
	// Behind is how far the page is behind the latest record, as far as it is known.
	Behind time.Duration
	// Until is an instant: what was written to the shard before it, is in this page
	// or in those before. Zero if that is not known.
	Until time.Time
}
