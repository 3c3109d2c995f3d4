package querysync

import (
	"context"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// View is what the synchroniser keeps up to date: rows, each folded from one
// stream and knowing how far. All methods may be called concurrently.
type View interface {
	// Name is the view's in metrics, logs and the list of parked streams.
	Name() string
	// Shows tells whether the view has a row for the stream.
	Shows(stream eventstream.StreamID) bool
	// Seq is how far the stream's row has got; 0 if there is none.
	Seq(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error)
	// Apply folds commits of one stream, consecutive and at least one, into its
	// row, in one step, provided the row stands right before the first of them;
	// otherwise it changes nothing and answers eventstream.ErrMoved. An error that is
	// ErrUnavailable may pass; any other means that the commits cannot be applied.
	Apply(ctx context.Context, commits []eventstream.Commit) error
}

// Positioned is what a View of a store that numbers its transactions also
// implements: it remembers up to where all of them were handed to it.
type Positioned interface {
	// Applied is the last position that was set.
	Applied() uint64
	// SetApplied is called when every transaction up to the position was applied
	// or parked. It never goes back.
	SetApplied(position uint64)
}

// The ways in which a view is not where it should be: those of eventstream, by
// the names that this package's callers look for.
var (
	// ErrBehind: the view did not get there in time.
	ErrBehind = eventstream.ErrBehind
	// ErrParked: the stream cannot be applied until an operator steps in.
	ErrParked = eventstream.ErrParked
	// ErrUnknownPosition: the stream has no such commit.
	ErrUnknownPosition = eventstream.ErrUnknownPosition
)
