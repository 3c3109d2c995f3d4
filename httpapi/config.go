package httpapi

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
	"github.com/seed5b6a70b4/identity/queries"
)

// Config is what the handler is made of. Commands, Queries and Epoch are needed;
// the zero value of everything else is good.
type Config struct {
	// Commands does what is asked, Queries answers.
	Commands *commands.Handler
	Queries  *queries.Reader
	// Epoch is the store's, for reading and writing tokens.
	Epoch eventstream.Epoch
	// AdminKeys are the hashes of the keys that are no directory keys and may do
	// everything. None means that only directory keys are accepted.
	AdminKeys []KeyHash

	// Logger is told of faults; nil logs nothing.
	Logger *slog.Logger
	// AccessLog is told of every request, in its path, and must not keep what it is
	// given. Nil logs nothing.
	AccessLog func(*Access)
	// Registry holds the metrics: those of this package are added, and all of it
	// is shown at /metrics. Nil measures nothing and shows nothing.
	Registry *prometheus.Registry
	// PublicMetrics shows /metrics without a key.
	PublicMetrics bool
	// TracerProvider makes a span for each request; nil makes none.
	TracerProvider trace.TracerProvider

	// Events gives the commits, for copies; nil has no route for that.
	Events transfer.Source
	// Views builds views anew, for those who look after the service; nil has no routes
	// for that.
	Views Views
	// Keeper closes the store and has it take over, for those who look after the
	// service; nil has no routes for that.
	Keeper Keeper

	// RateLimit bounds the requests of each key; the zero RateLimit does not.
	RateLimit RateLimit
	// MaxBody is the longest body in bytes; 1 MiB if zero.
	MaxBody int64
	// MaxBatch is the longest body of a batch in bytes; 8 MiB if zero.
	MaxBatch int64
	// Timeout bounds the work on one request; 15 s if zero.
	Timeout time.Duration
	// Streams are the exchanges without a timeout; whoever serves the handler ends
	// them before it shuts the server down. Nobody does if nil.
	Streams *Streams
	// Ready tells whether requests should be sent here, for /readyz; nil is always
	// ready.
	Ready func(ctx context.Context) Readiness
	// Parking tells what views cannot apply, for those who look after the service; nil
	// has no routes for that.
	Parking Parking
	// Version is shown in the OpenAPI document.
	Version string
}

// KeyHash is the SHA-256 of an admin key.
type KeyHash [sha256.Size]byte

// HashKey hashes an admin key for Config.AdminKeys.
func HashKey(key string) KeyHash { return sha256.Sum256([]byte(key)) }

// RateLimit is how many requests one key may make within a sliding window.
type RateLimit struct {
	Requests int
	Window   time.Duration
}

// Readiness is what /readyz tells. It is shown without a key, so it holds no
// personal data: streams are named by ids.
type Readiness struct {
	Ready bool
	// Reason says why not, in a few words.
	Reason string
	Views  []ViewStatus
	// Store is how the store is doing; nil if that is not told.
	Store *StoreStatus
}

// StoreStatus is how the store is doing. A store that takes no writes may still
// be read.
type StoreStatus struct {
	// Position is that of the last durable transaction.
	Position uint64
	// Refusing says why nothing can be written now, empty if it can.
	Refusing string
	// Damage says what was found when the log was read again, empty for nothing.
	Damage string
	// FreeBytes is how much room its disk has.
	FreeBytes uint64
}

// ViewStatus is how one view is doing.
type ViewStatus struct {
	Name string
	// Position is up to where the view has applied the store's transactions.
	Position uint64
	// Behind is how many transactions the view has still to apply; of what follows the
	// change feed, how many commits of that.
	Behind uint64
	// Lag is how far the view is behind in time; negative if that is not known here.
	Lag time.Duration
	// Failing says why the view is not brought up to date, in a few words without
	// addresses, as who reads them needs no key; empty while it is.
	Failing string
	// Checkpoint is up to where in each of changes/{n} the view has got, on a store
	// that does not number its transactions.
	Checkpoint eventstream.Token
	// Parked is how many streams the view cannot apply, and Streams some of them.
	Parked  int
	Streams []ParkedStream
}

// ParkedStream is a stream that a view cannot apply, since its commit Seq.
type ParkedStream struct {
	Stream eventstream.StreamID
	Seq    eventstream.Seq
	Reason string
}

const (
	defaultMaxBody  = 1 << 20
	defaultMaxBatch = 8 << 20
	defaultTimeout  = 15 * time.Second
)

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.MaxBatch == 0 {
		c.MaxBatch = defaultMaxBatch
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Streams == nil {
		c.Streams = NewStreams()
	}
	if c.Version == "" {
		c.Version = "devel"
	}
	return c
}
