package logstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Tail implements eventstream.Log. It checks checksums; the chain of hashes is
// checked by Read, by Run's scrubbing and by Scan.
func (s *Store) Tail(ctx context.Context, after uint64) iter.Seq2[[]eventstream.Commit, error] {
	return func(yield func([]eventstream.Commit, error) bool) {
		for each, err := range s.entries(ctx, s.segments.beforePosition(min(after, s.End())+1)) {
			if err == nil && each.position <= after {
				continue
			}
			var commits []eventstream.Commit
			if err == nil {
				commits, err = each.commits()
			}
			if !yield(commits, err) || err != nil {
				return
			}
		}
	}
}

// Recent implements eventstream.Store. In the order of the log, it gives all
// commits from the first one on that is of the instant or later: when the clock
// went back in between, more than have moved since.
func (s *Store) Recent(ctx context.Context, since time.Time) iter.Seq2[eventstream.Position, error] {
	least, reached := since.UnixMilli(), false
	return func(yield func(eventstream.Position, error) bool) {
		for each, err := range s.entries(ctx, s.segments.beforeTime(since)) {
			if err != nil {
				yield(eventstream.Position{}, err)
				return
			}
			reader := newTransactionReader(each.payload)
			for stored := (storedCommit{}); reader.next(&stored); {
				reached = reached || stored.time >= least
				position := eventstream.Position{Stream: eventstream.StreamID(stored.stream), Seq: eventstream.Seq(stored.seq)}
				if reached && !yield(position, nil) {
					return
				}
			}
		}
	}
}

// entries gives the transactions from a place on, up to the last one that is
// durable when it is called. An entry is valid until the next one. After an error
// there is nothing.
func (s *Store) entries(ctx context.Context, from place) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		if err := s.check(ctx); err != nil {
			yield(entry{}, err)
			return
		}
		for c := s.segments.cursor(from, *s.end.Load()); ; {
			read, err := c.frame()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(entry{}, servingError(err))
				return
			}
			for each, err := range read.entries() {
				if !yield(each, err) || err != nil {
					return
				}
			}
		}
	}
}

// servingError makes the error of a file one of a store.
func servingError(err error) error {
	switch {
	case errors.Is(err, os.ErrClosed):
		return eventstream.ErrClosed
	case errors.Is(err, eventstream.ErrCorrupt) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("%w: %w", eventstream.ErrUnavailable, err)
}
