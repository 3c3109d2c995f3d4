package queries

import (
	"errors"
	"sync/atomic"
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
	// View answers at first, until Reader.Switch; Waiter brings it to where a reader
	// needs it.
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
	// Follower tells that the store follows another one: what it does not have yet is
	// behind, not unknown, and the latest is not to be had here.
	Follower bool
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
	past    pastCost
	// answers is nil in the Reader of one generation, which has it in its config;
	// other Readers have none there.
	answers *atomic.Pointer[Reader]
}

// NewReader makes a Reader.
func NewReader(config Config) (*Reader, error) {
	if config.Streams == nil {
		return nil, errors.New("a reader needs streams")
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
	first := Generation{View: config.View, Waiter: config.Waiter, Search: config.Search, SearchWaiter: config.SearchWaiter}
	config.View, config.Waiter, config.Search, config.SearchWaiter = nil, nil, nil, nil
	r := &Reader{config: config, cursors: cursors, past: defaultPast(), answers: new(atomic.Pointer[Reader])}
	if config.Streams.Heads() != nil {
		r.hints = newHints()
	}
	if config.KeyAge > 0 {
		if r.holders, err = newHolders(); err != nil {
			return nil, err
		}
	}
	return r, r.Switch(first)
}
