package eventstream

import (
	"context"
	"iter"
	"time"
)

// Store is what a backend implements; callers use Streams. All methods may be
// called concurrently, end early when ctx does, and fail with an error that is
// ErrUnavailable when the storage behind them does.
type Store interface {
	// Append writes a transaction that Check accepts: all of it, durable before
	// it returns, or nothing. The commits are returned in the order of the
	// entries that write. If an expectation does not hold, the error is a
	// *ConflictError with every entry that failed and the commits that beat it,
	// and nothing was written. If the error is ErrUnknownOutcome, the transaction
	// may or may not have been written. The transaction's data is neither kept
	// past the call nor changed.
	Append(ctx context.Context, tx Transaction) ([]Commit, error)

	// Read gives the commits of a stream after a number, in order and without
	// gaps, as the stream was at some instant after the call began. A stream that
	// does not exist, or has nothing after, gives none.
	Read(ctx context.Context, stream StreamID, after Seq) iter.Seq2[Commit, error]

	// Last gives the newest commit of a stream, the zero Commit if it has none.
	Last(ctx context.Context, stream StreamID) (Commit, error)

	// Recent names the streams that have moved since the instant, with their last
	// commits' numbers or earlier ones. It may repeat, and may name streams that
	// moved a little before; it leaves none out.
	Recent(ctx context.Context, since time.Time) iter.Seq2[Position, error]

	// Close ends the store. It waits for appends under way; later calls fail.
	Close() error
}

// Log is what a Store also implements if it numbers its transactions.
type Log interface {
	// Tail gives the transactions after a position, in order and without gaps,
	// up to the last one that was durable when the call began. What it gives is the
	// caller's to keep, and not to change.
	Tail(ctx context.Context, after uint64) iter.Seq2[[]Commit, error]
	// End is the position of the last durable transaction.
	End() uint64
}

// Observer is told of every batch of transactions of a Log, in order, once they
// are durable and before any of their appends returns: so that whoever was
// answered finds them applied. It may read the store, which shows the batch
// already; it must not call Append. Batches come one at a time.
type Observer func(transactions [][]Commit)
