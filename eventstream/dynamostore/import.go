package dynamostore

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Import implements eventstream.Importer: as many transactions as fit one request
// are written at once. What comes before them is proved by reading it, which holds
// for ever, and that they are new by the condition of every write.
func (s *Store) Import(ctx context.Context, transactions [][]eventstream.Commit) (done int, err error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	defer s.calls.Done()
	if _, err := s.sliced(ctx); err != nil {
		return 0, err
	}
	for done < len(transactions) {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		pack, err := s.pack(ctx, transactions[done:])
		if err != nil {
			return done, err
		}
		failed, err := s.send(ctx, packed(pack))
		if failed != nil || len(pack) > 1 && isRefusal(err) && !errors.Is(err, eventstream.ErrUnavailable) {
			// Some are there already, or something else is: each must be asked about.
			written, err := s.importEach(ctx, pack)
			if done += written; err != nil {
				return done, err
			}
			continue
		}
		if err != nil {
			return done, err
		}
		for _, transaction := range pack {
			for i := range transaction {
				s.heads.raise(&transaction[i])
			}
		}
		done += len(pack)
	}
	return done, nil
}

func (s *Store) importEach(ctx context.Context, pack [][]eventstream.Commit) (done int, err error) {
	for _, transaction := range pack {
		if err := s.importOne(ctx, transaction); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

// pack gives the transactions that go into one request: the first in any case, which
// must be as it was sealed and continue what is there.
func (s *Store) pack(ctx context.Context, transactions [][]eventstream.Commit) ([][]eventstream.Commit, error) {
	moved := map[eventstream.StreamID]eventstream.Head{}
	items, size := 0, 0
	for i, transaction := range transactions {
		err := eventstream.CheckSealed(transaction)
		if err == nil {
			items, size = items+len(transaction), size+sealedBound(transaction)
			if i > 0 && (items > eventstream.MaxEntries || size > maxRequest) {
				return transactions[:i], nil
			}
			if size > maxRequest {
				return nil, fmt.Errorf("%w: %d bytes with its siblings, more than %d", eventstream.ErrTooLarge, size, maxRequest)
			}
			err = s.follow(ctx, transaction, moved)
		}
		var misfit *eventstream.ImportError
		if err != nil && (i == 0 || !errors.As(err, &misfit)) {
			return nil, err
		}
		if err != nil {
			return transactions[:i], nil // it is told when it is the first
		}
		for k := range transaction {
			moved[transaction[k].Stream] = headOf(&transaction[k])
		}
	}
	return transactions, nil
}

func sealedBound(transaction []eventstream.Commit) int {
	tx := eventstream.Transaction{Actor: transaction[0].Actor, Correlation: transaction[0].Correlation}
	for i := range transaction {
		tx.Entries = append(tx.Entries, eventstream.Entry{Stream: transaction[i].Stream, Data: append([]byte{}, transaction[i].Data...)})
	}
	return boundOf(&tx)
}

// follow demands that what comes before each commit of a transaction is there: in
// the same request, as remembered, or as read.
func (s *Store) follow(ctx context.Context, transaction []eventstream.Commit, moved map[eventstream.StreamID]eventstream.Head) error {
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(8)
	for i := range transaction {
		c := &transaction[i]
		if c.Seq == 1 {
			continue
		}
		if head, ok := moved[c.Stream]; ok {
			if head.Seq+1 == c.Seq && head.Hash == c.Previous {
				continue
			}
			reads.Go(func() error { return c.Continues(head) })
			continue
		}
		if head, ok := s.heads.get(c.Stream); ok && head.Seq+1 == c.Seq && head.Hash == c.Previous {
			continue
		}
		reads.Go(func() error { return s.precedes(ctx, c) })
	}
	return reads.Wait()
}

// precedes demands that the commit before another is there.
func (s *Store) precedes(ctx context.Context, c *eventstream.Commit) error {
	before, err := s.At(ctx, eventstream.Position{Stream: c.Stream, Seq: c.Seq - 1})
	switch {
	case err != nil:
		return err
	case before.Seq == 0:
		last, err := s.last(ctx, c.Stream)
		if err != nil {
			return err
		}
		return &eventstream.ImportError{Position: c.Position(), Head: last.Seq, Kind: eventstream.ErrGap}
	case before.Hash != c.Previous:
		return &eventstream.ImportError{Position: c.Position(), Head: before.Seq, Kind: eventstream.ErrContradicts}
	}
	return nil
}

// packed is the request that writes sealed transactions.
func packed(pack [][]eventstream.Commit) *request {
	r := &request{commits: pack}
	for _, transaction := range pack {
		for i := range transaction {
			c := &transaction[i]
			r.actions = append(r.actions, action{stream: c.Stream, seq: c.Seq, commit: c})
		}
	}
	return r
}

// importOne writes a transaction, of which some may be there: then all of it must
// be.
func (s *Store) importOne(ctx context.Context, transaction []eventstream.Commit) error {
	failed, err := s.send(ctx, packed([][]eventstream.Commit{transaction}))
	if err != nil || failed == nil {
		return err
	}
	for _, f := range failed {
		c := &transaction[f.action]
		there := f.there
		if there == nil {
			read, err := s.At(ctx, c.Position())
			if err != nil {
				return err
			}
			there = &read
		}
		if there.Hash != c.Hash {
			return &eventstream.ImportError{Position: c.Position(), Kind: eventstream.ErrContradicts}
		}
	}
	if len(failed) < len(transaction) {
		return &eventstream.ImportError{Position: transaction[failed[0].action].Position(), Kind: eventstream.ErrContradicts}
	}
	return nil
}
