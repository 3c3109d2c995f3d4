package querysync

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Indexer carries what the change feed tells of a view on to an index that
// follows the view, such as a search engine. Handle is fed by whoever reads the
// streams changes/{n}; readers wait with Ensure. All methods may be called
// concurrently.
type Indexer struct {
	from    *follower
	changes *Changes
	options IndexerOptions
	parked  *parkedStreams
	shards  shards
}

// IndexerOptions adjust an Indexer. Name, Push, Touches and Reached are required.
type IndexerOptions struct {
	// Name is the index's in logs, errors and the list of what is parked.
	Name string
	// Push brings the index to where the view shows the entities now, named by their
	// streams; when it returns, they can be found so. Those that the index refuses
	// for what they are it names. An error says that nothing is known of any.
	Push func(ctx context.Context, entities []eventstream.StreamID) (refused map[eventstream.StreamID]error, err error)
	// Touches tells which entities a change of the stream's row concerns.
	Touches func(ctx context.Context, stream eventstream.StreamID) ([]eventstream.StreamID, error)
	// Reached tells up to where in each of changes/{n} everything was handled.
	Reached func(ctx context.Context) (eventstream.Token, error)
	// Parked keeps the list of entities that the index refuses; nil keeps it in memory
	// only.
	Parked ParkedStore
	// LookEvery is how often a reader who waits asks how much was Reached; 50 ms if
	// zero.
	LookEvery time.Duration
	// Logger is told of what is parked. Nil tells nobody.
	Logger *slog.Logger
}

// NewIndexer makes an Indexer of what a view that the synchroniser follows shows
// and announces.
func NewIndexer(s *Synchroniser, view View, options *IndexerOptions) (*Indexer, error) {
	from, err := s.following(view)
	if err != nil {
		return nil, fmt.Errorf("index in %s: %w", options.Name, err)
	}
	if s.options.Changes == nil {
		return nil, fmt.Errorf("index in %s: %w", options.Name, errNoChanges)
	}
	x := &Indexer{from: from, changes: s.options.Changes, options: *options}
	if x.options.LookEvery == 0 {
		x.options.LookEvery = 50 * time.Millisecond
	}
	if x.options.Logger == nil {
		x.options.Logger = slog.New(slog.DiscardHandler)
	}
	x.parked = loadParked(&Options{Parked: options.Parked}, options.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indexers = append(s.indexers, x)
	return x, nil
}

// Forget lets go of the index: what is parked in it is forgotten, wherever that is
// kept. Nothing may be handed to it any more.
func (x *Indexer) Forget(ctx context.Context) error {
	s := x.from.s
	s.mu.Lock()
	s.indexers = slices.DeleteFunc(slices.Clone(s.indexers), func(other *Indexer) bool { return other == x })
	s.mu.Unlock()
	if err := x.parked.forget(ctx); err != nil {
		return fmt.Errorf("forget what is parked in %s: %w", x.options.Name, err)
	}
	return nil
}

// Handle pushes the entities that notices tell of. Without an error all of them
// can be found as the view shows them, or are parked on record.
func (x *Indexer) Handle(ctx context.Context, notices []eventstream.Position) error {
	streams := make([]eventstream.StreamID, len(notices))
	for i := range notices {
		streams[i] = notices[i].Stream
	}
	return x.push(ctx, streams)
}

// push pushes whatever changes of the streams concern.
func (x *Indexer) push(ctx context.Context, streams []eventstream.StreamID) error {
	concerned := map[eventstream.StreamID]bool{}
	for _, stream := range streams {
		if !x.from.view.Shows(stream) {
			continue
		}
		entities, err := x.options.Touches(ctx, stream)
		if err != nil {
			return fmt.Errorf("find what a stream of kind %s touches: %w", stream.Kind(), err)
		}
		for _, entity := range entities {
			concerned[entity] = true
		}
	}
	if len(concerned) == 0 {
		return nil
	}
	entities := slices.Sorted(maps.Keys(concerned))
	refused, err := x.options.Push(ctx, entities)
	if err != nil {
		return fmt.Errorf("push to %s: %w", x.options.Name, err)
	}
	return x.record(entities, refused)
}

// record parks what was refused, and takes off the list what was not.
func (x *Indexer) record(entities []eventstream.StreamID, refused map[eventstream.StreamID]error) error {
	for _, entity := range entities {
		cause, was := refused[entity]
		switch {
		case !was:
			x.parked.remove(entity)
		case x.parked.add(entity, 1, nil, "refused", x.from.s.options.Now()):
			x.options.Logger.Error("entity parked", "index", x.options.Name, "stream", entity, "error", cause)
		}
	}
	return x.parked.save()
}

// sweep hears of what other processes parked, and pushes what is parked again.
func (x *Indexer) sweep(ctx context.Context) error {
	if err := x.parked.reload(ctx); err != nil {
		return err
	}
	var entities []eventstream.StreamID
	for _, parked := range x.parked.list(x.options.Name) {
		entities = append(entities, parked.Stream)
	}
	return x.push(ctx, entities)
}

// retry pushes what was refused again.
func (x *Indexer) retry(ctx context.Context, stream eventstream.StreamID) error {
	if !x.parked.has(stream) {
		return nil
	}
	if err := x.push(ctx, []eventstream.StreamID{stream}); err != nil {
		return err
	}
	if x.parked.has(stream) {
		return fmt.Errorf("retry in index %s: %w", x.options.Name, ErrParked)
	}
	return nil
}

// Complete fails with ErrParked while anything is parked in the view or the index.
func (x *Indexer) Complete() error {
	if x.parked.any() {
		return fmt.Errorf("index %s: %w", x.options.Name, ErrParked)
	}
	return x.from.complete()
}
