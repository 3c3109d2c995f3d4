package transfer

import (
	"context"
	"iter"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Source gives every transaction of a store. All methods may be called concurrently.
type Source interface {
	// After gives the transactions behind a place, whole, up to the last that there
	// was when the call began or later; the zero Mark is the store's beginning. A
	// place that the store has not got to is eventstream.ErrUnknownPosition, and a
	// mark that no source writes ErrMalformedToken. Nothing is left out for whoever
	// goes on behind a place that was given; what was given may be given again, unless
	// the source is in order.
	After(ctx context.Context, place eventstream.Mark) iter.Seq2[Step, error]
	// Wait returns when there may be more behind a place, or with an error when ctx
	// ends first.
	Wait(ctx context.Context, place eventstream.Mark) error
	// Ordered tells that each transaction comes once, behind all that it continues.
	Ordered() bool
}

// Step is a transaction, and the place up to which everything was given with it. A
// source may give a step without a transaction, which only goes further.
type Step struct {
	Transaction []eventstream.Commit
	Next        eventstream.Mark
}
