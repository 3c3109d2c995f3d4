package eventstream

import (
	"context"
	"iter"
	"time"
)

// Store is what a backend implements; callers use Streams. All methods may be
// called concurrently. A ctx that has ended before a call is the call's error;
// one that ends meanwhile ends it early, with an error, never silently. When the
// storage behind them fails, methods fail with an error that is ErrUnavailable.
type Store interface {
	// Append writes a transaction: all of it, durable before it returns, or
	// nothing. One that Check refuses is refused with that error. The commits are
	// returned in the order of the entries that write, as Read gives them. If an
	// expectation does not hold, the error is a *ConflictError with every entry
	// that failed and the commits that beat it, and nothing was written. If the
	// error is ErrUnknownOutcome, the transaction may or may not have been written,
	// and may still be; any other error says that it was not and will not be. The
	// transaction's slices are neither kept past the call nor changed.
	Append(ctx context.Context, tx Transaction) ([]Commit, error)

	// Read gives the commits of a stream after a number, in order and without
	// gaps, as the stream was at some instant after the call began. A stream that
	// does not exist, or has nothing after, gives none.
	Read(ctx context.Context, stream StreamID, after Seq) iter.Seq2[Commit, error]

	// Last gives the newest commit of a stream, the zero Commit if it has none.
	Last(ctx context.Context, stream StreamID) (Commit, error)

	// Recent names the streams that have commits of the instant's millisecond or
	// later, going by Commit.Time, with their last commits' numbers or earlier
	// ones. It may repeat, and may name streams that moved a little before; it
	// leaves none out.
	Recent(ctx context.Context, since time.Time) iter.Seq2[Position, error]

	// Close ends the store. It waits for appends under way; later calls fail with
	// ErrClosed. Closing again does nothing.
	Close() error
}

// Queue is what a Store also implements if appends need not be waited for one by
// one.
type Queue interface {
	// Enqueue begins what Append does. Of transactions that are enqueued one after
	// another, each finds those before it written, or refused. The transaction is the
	// store's from then on. An error says that it was not written and will not be.
	Enqueue(ctx context.Context, tx Transaction) (Appending, error)
}

// Appending is an append that goes on, whoever waits for it.
type Appending interface {
	// Wait gives what Append would have; the commits are not the caller's to change.
	// When ctx ends first, an append that has not begun is called off; otherwise the
	// error is ErrUnknownOutcome. It may be called once.
	Wait(ctx context.Context) ([]Commit, error)
}

// Log is what a Store also implements if it numbers its transactions.
type Log interface {
	// Tail gives the transactions after a position, in order and without gaps,
	// each as its Append answered it, up to the last one that was durable when the
	// call began or later. What it gives is the caller's to keep, and not to change.
	Tail(ctx context.Context, after uint64) iter.Seq2[[]Commit, error]
	// End is the position of the last durable transaction, 0 if there is none.
	End() uint64
}

// Heads is what a Store also implements if it knows the number of every stream's
// last commit without reading it.
type Heads interface {
	// Head is the number of a stream's newest commit, 0 if it has none: what Last
	// would say at the same instant, at next to no cost.
	Head(ctx context.Context, stream StreamID) (Seq, error)
}

// Observer is told of every batch of transactions that a store writes while it
// is open, in order, once they are durable and before any of their appends
// returns: so that whoever was answered finds them applied. Batches come one at a
// time. The observer may read from the store, and finds there what it is told of;
// it must not append to it nor close it. Other readers do not wait for it. The
// commits are not its to change.
type Observer func(transactions [][]Commit)
