// Package memstore keeps streams in memory, for tests and as the model that
// other stores are compared with. Nothing survives the process.
package memstore

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Store is an eventstream.Store and eventstream.Log in memory. Its promises are
// the interfaces', except for durability.
type Store struct {
	options Options
	// appending is held by the append under way, until the observer was told.
	appending chan struct{}

	mu      sync.RWMutex // guards the rest; never held while the observer is told
	closed  bool
	streams map[eventstream.StreamID][]eventstream.Commit
	log     [][]eventstream.Commit
}

// Options adjust a Store. The zero value is good.
type Options struct {
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Observe is told of every transaction, one at a time; nobody if nil.
	Observe eventstream.Observer
}

// New makes an empty store. Nil options are the zero Options.
func New(options *Options) *Store {
	s := &Store{appending: make(chan struct{}, 1), streams: map[eventstream.StreamID][]eventstream.Commit{}}
	if options != nil {
		s.options = *options
	}
	if s.options.Now == nil {
		s.options.Now = time.Now
	}
	return s
}

// Append implements eventstream.Store.
func (s *Store) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := tx.Check(); err != nil {
		return nil, err
	}
	select {
	case s.appending <- struct{}{}:
		defer func() { <-s.appending }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	commits, err := s.write(&tx)
	if err != nil {
		return nil, err
	}
	if s.options.Observe != nil {
		s.options.Observe([][]eventstream.Commit{commits})
	}
	return slices.Clone(commits), nil
}

func (s *Store) write(tx *eventstream.Transaction) ([]eventstream.Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, eventstream.ErrClosed
	}
	heads, err := s.heads(tx)
	if err != nil {
		return nil, err
	}
	commits := eventstream.Seal(tx, heads, s.options.Now())
	for i := range commits {
		commits[i].Data = slices.Clone(commits[i].Data)
		commits[i].Log = uint64(len(s.log)) + 1
		s.streams[commits[i].Stream] = append(s.streams[commits[i].Stream], commits[i])
	}
	s.log = append(s.log, commits)
	return commits, nil
}

func (s *Store) heads(tx *eventstream.Transaction) ([]eventstream.Head, error) {
	heads := make([]eventstream.Head, len(tx.Entries))
	var conflicts []eventstream.Conflict
	for i, entry := range tx.Entries {
		commits := s.streams[entry.Stream]
		if n := len(commits); n > 0 {
			heads[i] = eventstream.Head{Seq: commits[n-1].Seq, Time: commits[n-1].Time, Hash: commits[n-1].Hash}
		}
		if !entry.Expect.Allows(heads[i].Seq) {
			winners := commits[min(uint64(entry.Expect.Seq()), uint64(len(commits))):]
			conflicts = append(conflicts, eventstream.Conflict{Index: i, Stream: entry.Stream, Expect: entry.Expect, Head: heads[i].Seq, Winners: slices.Clone(winners)})
		}
	}
	if conflicts != nil {
		return nil, &eventstream.ConflictError{Conflicts: conflicts}
	}
	return heads, nil
}

// Read implements eventstream.Store.
func (s *Store) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	return func(yield func(eventstream.Commit, error) bool) {
		s.mu.RLock()
		commits, closed := s.streams[stream], s.closed
		s.mu.RUnlock()
		if closed {
			yield(eventstream.Commit{}, eventstream.ErrClosed)
			return
		}
		walk(ctx, commits[min(uint64(after), uint64(len(commits))):], yield)
	}
}

// Last implements eventstream.Store.
func (s *Store) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	if err := ctx.Err(); err != nil {
		return eventstream.Commit{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return eventstream.Commit{}, eventstream.ErrClosed
	}
	commits := s.streams[stream]
	if len(commits) == 0 {
		return eventstream.Commit{}, nil
	}
	return commits[len(commits)-1], nil
}

// Head implements eventstream.Heads.
func (s *Store) Head(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	last, err := s.Last(ctx, stream)
	return last.Seq, err
}

// Recent implements eventstream.Store.
func (s *Store) Recent(ctx context.Context, since time.Time) iter.Seq2[eventstream.Position, error] {
	since = since.Truncate(time.Millisecond)
	return func(yield func(eventstream.Position, error) bool) {
		for commits, err := range s.Tail(ctx, 0) {
			if err != nil {
				yield(eventstream.Position{}, err)
				return
			}
			for i := range commits {
				if !commits[i].Time.Before(since) && !yield(commits[i].Position(), nil) {
					return
				}
			}
		}
	}
}

// Tail implements eventstream.Log.
func (s *Store) Tail(ctx context.Context, after uint64) iter.Seq2[[]eventstream.Commit, error] {
	return func(yield func([]eventstream.Commit, error) bool) {
		s.mu.RLock()
		log, closed := s.log, s.closed
		s.mu.RUnlock()
		if closed {
			yield(nil, eventstream.ErrClosed)
			return
		}
		walk(ctx, log[min(after, uint64(len(log))):], yield)
	}
}

// walk yields items, and the error of ctx where it has ended, also when there is
// no item.
func walk[T any](ctx context.Context, items []T, yield func(T, error) bool) {
	var none T
	if err := ctx.Err(); err != nil {
		yield(none, err)
		return
	}
	for _, item := range items {
		if !yield(item, nil) {
			return
		}
		if err := ctx.Err(); err != nil {
			yield(none, err)
			return
		}
	}
}

// End implements eventstream.Log.
func (s *Store) End() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return uint64(len(s.log))
}

// Close implements eventstream.Store.
func (s *Store) Close() error {
	s.appending <- struct{}{}
	defer func() { <-s.appending }()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
