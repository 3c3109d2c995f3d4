package memstore

import (
	"context"
	"slices"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Import implements eventstream.Importer.
func (s *Store) Import(ctx context.Context, transactions [][]eventstream.Commit) (done int, err error) {
	for _, transaction := range transactions {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		if err := s.importOne(ctx, transaction); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

func (s *Store) importOne(ctx context.Context, transaction []eventstream.Commit) error {
	if err := eventstream.CheckSealed(transaction); err != nil {
		return err
	}
	select {
	case s.appending <- struct{}{}:
		defer func() { <-s.appending }()
	case <-ctx.Done():
		return ctx.Err()
	}
	commits, err := s.take(transaction)
	if err == nil && commits != nil && s.options.Observe != nil {
		s.options.Observe([][]eventstream.Commit{commits})
	}
	return err
}

// take keeps a sealed transaction; there is nothing to keep if it is there.
func (s *Store) take(transaction []eventstream.Commit) ([]eventstream.Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, eventstream.ErrClosed
	}
	if s.has(transaction) {
		return nil, nil
	}
	commits := slices.Clone(transaction)
	for i := range commits {
		c := &commits[i]
		var head eventstream.Head
		if there := s.streams[c.Stream]; len(there) > 0 {
			last := &there[len(there)-1]
			head = eventstream.Head{Seq: last.Seq, Time: last.Time, Hash: last.Hash}
		}
		if err := c.Continues(head); err != nil {
			return nil, err
		}
		c.Log = uint64(len(s.log)) + 1
	}
	for _, c := range commits {
		s.streams[c.Stream] = append(s.streams[c.Stream], c)
	}
	s.log = append(s.log, commits)
	return commits, nil
}

// has tells whether all of a transaction is there.
func (s *Store) has(transaction []eventstream.Commit) bool {
	for i := range transaction {
		c := &transaction[i]
		there := s.streams[c.Stream]
		if uint64(c.Seq) > uint64(len(there)) || there[c.Seq-1].Hash != c.Hash {
			return false
		}
	}
	return true
}
