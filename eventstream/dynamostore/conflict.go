package dynamostore

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// conflict reads how the streams of a transaction stand and tells which
// expectations do not hold, with the commits that won. Only the entries named are
// looked at; nil names all. If all hold by now, the error is nil.
func (s *Store) conflict(ctx context.Context, tx *eventstream.Transaction, entries []int) error {
	var conflicts []eventstream.Conflict
	for i := range tx.Entries {
		entry := &tx.Entries[i]
		if entry.Expect == eventstream.Any() || entries != nil && !slices.Contains(entries, i) {
			continue
		}
		c := eventstream.Conflict{Index: i, Stream: entry.Stream, Expect: entry.Expect}
		if err := s.stand(ctx, entry, &c); err != nil {
			return fmt.Errorf("read what won: %w", err)
		}
		if !entry.Expect.Allows(c.Head) {
			conflicts = append(conflicts, c)
		}
	}
	if conflicts == nil {
		return nil
	}
	return &eventstream.ConflictError{Conflicts: conflicts}
}

// stand tells where a stream is and which commits came after what was expected.
func (s *Store) stand(ctx context.Context, entry *eventstream.Entry, c *eventstream.Conflict) (err error) {
	if pins(entry) {
		s.walk(ctx, entry.Stream, entry.Expect.Seq(), func(commit eventstream.Commit, failure error) bool {
			if err = failure; err == nil {
				c.Winners, c.Head = append(c.Winners, commit), commit.Seq
			}
			return err == nil
		})
		if err != nil || c.Winners != nil {
			return err
		}
	}
	last, err := s.last(ctx, entry.Stream)
	if c.Head = last.Seq; err == nil && pins(entry) && last.Seq > entry.Expect.Seq() {
		return s.stand(ctx, entry, c) // it moved between the two
	}
	return err
}
