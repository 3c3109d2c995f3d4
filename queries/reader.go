package queries

import (
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries/closure"
)

// ErrSearchOff is the answer to a query that needs an index where there is none.
var ErrSearchOff = errors.New("search is off")

// Config is what a Reader reads from. Streams, View and Waiter are required.
type Config struct {
	Streams *eventstream.Streams
	// View answers; Waiter brings it to where a reader needs it.
	View   View
	Waiter Waiter
	// Search finds; nil when search is off. SearchWaiter brings both the view and
	// the index to where a reader needs them; required with Search.
	Search       Search
	SearchWaiter Waiter
	// Notices tell what has changed in the view; nil if nobody is told.
	Notices Notices
	// Closure tells which groups are in which through others. Nil makes one that asks
	// the streams for each question.
	Closure *closure.Closure
	// ClaimSecret is the store's: unique values are looked up by it, and cursors
	// sealed under a key derived from it.
	ClaimSecret domain.ClaimSecret
	// KeyAge is how old what Holder gives may be, for views that are not current by
	// themselves. Zero gives what the view shows.
	KeyAge time.Duration
	// Tracer makes a span of each list, search, history and look-up that reads a
	// claim, and of nothing else; nil makes none.
	Tracer trace.Tracer
}

// Reader answers what is asked of the directory. Its methods may be called
// concurrently and take no locks. Refusals are domain errors: Invalid for a
// cursor or a limit that is none, NotFound for what is not there. Anything that
// is not fresh enough in time is an error that is eventstream.ErrBehind,
// ErrParked or ErrUnknownPosition.
type Reader struct {
	config  Config
	cursors *sealer
	hints   *hints                               // nil if heads have to be read
	holders *lru.Cache[domain.KeyID, remembered] // nil if the view is asked each time
}

// NewReader makes a Reader.
func NewReader(config Config) (*Reader, error) {
	if config.Streams == nil || config.View == nil || config.Waiter == nil {
		return nil, errors.New("a reader needs streams, a view and a waiter")
	}
	if config.Search != nil && config.SearchWaiter == nil {
		return nil, errors.New("a reader with search needs a waiter for it")
	}
	if config.Closure == nil {
		config.Closure = closure.New(config.Streams, nil)
	}
	if config.Tracer == nil {
		config.Tracer = noop.NewTracerProvider().Tracer("")
	}
	cursors, err := newSealer(config.ClaimSecret)
	if err != nil {
		return nil, err
	}
	r := &Reader{config: config, cursors: cursors}
	if config.Streams.Heads() != nil {
		r.hints = newHints()
	}
	if config.KeyAge > 0 {
		r.holders, err = newHolders()
	}
	return r, err
}
