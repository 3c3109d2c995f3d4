package logstore

import (
	"log/slog"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Options adjust a Store. The zero value is good.
type Options struct {
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Observe is told of every batch after it is durable and before it is
	// acknowledged. Nil tells nobody. Transactions that were there when the store
	// was opened are not told; Tail gives them.
	Observe eventstream.Observer
	// Logger is told of what was repaired, skipped or found damaged. Nil tells
	// nobody.
	Logger *slog.Logger
	// Fatal is called once if a sync fails: the store is dead, what it holds in
	// memory may not be what is on the disk, and the process should end. It must
	// not wait for the store. Nil leaves it at every call failing.
	Fatal func(error)
	// OnBatch is told of every batch that was written, after its acknowledgement.
	// Nil tells nobody.
	OnBatch func(Batch)
	// LowWater is how many bytes of the disk are left free: below it, appends fail
	// with eventstream.ErrUnavailable until there is room again. 256 MiB if zero,
	// no limit if negative.
	LowWater int64
	// FreeSpace tells how many bytes of the disk are free; nil asks the system.
	FreeSpace func() (uint64, error)
	// SegmentSize is how many bytes of disk are reserved at once, at most 128 MiB;
	// 64 MiB if zero.
	SegmentSize int64
	// SnapshotEvery is after how many commits Run writes a snapshot of the heads;
	// 500,000 if zero.
	SnapshotEvery uint64
	// ScrubRate is how many bytes a second Run reads to find damage; 4 MiB if
	// zero, none if negative.
	ScrubRate int
	// ScrubEvery is how long Run rests after it has read the whole log; a day if
	// zero.
	ScrubEvery time.Duration
	// TrustLog opens a log whose mark is missing or unreadable: what the log holds
	// is then taken for all that was ever acknowledged. For an operator who has
	// made sure of it.
	TrustLog bool
}

// Batch is what was written and synced at once.
type Batch struct {
	Transactions, Commits int
	// Bytes is what was written.
	Bytes int
	// Sync is how long the sync took, of Write, which is the whole of writing.
	Sync, Write time.Duration
	// Free is how many bytes of the disk were free before it.
	Free uint64
}

const (
	defaultLowWater      = 256 << 20
	defaultSegmentSize   = 64 << 20
	maxSegmentSize       = 128 << 20
	defaultSnapshotEvery = 500_000
	defaultScrubRate     = 4 << 20
	defaultScrubEvery    = 24 * time.Hour
)

func (o *Options) withDefaults() Options {
	var options Options
	if o != nil {
		options = *o
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	options.LowWater = orDefault(options.LowWater, defaultLowWater)
	options.SegmentSize = min(orDefault(options.SegmentSize, defaultSegmentSize), maxSegmentSize)
	options.SnapshotEvery = orDefault(options.SnapshotEvery, defaultSnapshotEvery)
	options.ScrubRate = orDefault(options.ScrubRate, defaultScrubRate)
	options.ScrubEvery = orDefault(options.ScrubEvery, defaultScrubEvery)
	return options
}

func orDefault[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}
