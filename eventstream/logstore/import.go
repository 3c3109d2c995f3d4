package logstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/heads"
)

// maxImport is how many bytes of sealed transactions are given to the writer at
// once: many a sync, and still little for those who append meanwhile.
const maxImport = maxBatch / 2

// Import implements eventstream.Importer: as many transactions as fit are written
// and synced at once. When ctx ends, those that are being written are waited for.
func (s *Store) Import(ctx context.Context, transactions [][]eventstream.Commit) (done int, err error) {
	for done < len(transactions) {
		if err := s.check(ctx); err != nil {
			return done, err
		}
		if err := eventstream.CheckSealed(transactions[done]); err != nil {
			return done, err
		}
		there, err := s.has(ctx, transactions[done])
		if err != nil {
			return done, err
		}
		if there {
			done++
			continue
		}
		written, err := s.importNew(ctx, transactions[done:])
		if done += written; err != nil && !errors.Is(err, errThere) {
			return done, err
		}
	}
	return done, nil
}

// errThere: by the time a transaction was to be written, something stood in its
// place.
var errThere = errors.New("a sealed transaction may be there")

// importNew writes as many of the transactions as are given to the writer at once,
// up to the first that cannot be written.
func (s *Store) importNew(ctx context.Context, transactions [][]eventstream.Commit) (written int, err error) {
	r, err := sealedRequest(transactions)
	if err != nil {
		return 0, err
	}
	if !s.queue.put(r) {
		return 0, eventstream.ErrClosed
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if r.owner.CompareAndSwap(queued, withdrawn) {
			return 0, ctx.Err()
		}
		<-r.done
	}
	if r.err != nil {
		return 0, r.err
	}
	return r.written, r.misfit
}

// sealedRequest is one for the first transaction, which was checked, and for those
// after it that are as they must be and fit beside it.
func sealedRequest(transactions [][]eventstream.Commit) (*request, error) {
	r := &request{done: make(chan struct{})}
	for i, transaction := range transactions {
		bound := entryHeader + 8 + sealedBound(transaction)
		switch {
		case bound > maxTransaction && i == 0:
			return nil, fmt.Errorf("%w: %d bytes, more than %d", eventstream.ErrTooLarge, bound, maxTransaction)
		case i > 0 && (r.bound+bound > maxImport || eventstream.CheckSealed(transaction) != nil):
			return r, nil
		}
		r.bound += bound
		r.sealed = append(r.sealed, transaction)
		for k := range transaction {
			r.keys = append(r.keys, heads.KeyOf(transaction[k].Stream))
		}
	}
	return r, nil
}

// sealedBound is at least how long a sealed transaction is when encoded.
func sealedBound(transaction []eventstream.Commit) int {
	tx := eventstream.Transaction{Actor: transaction[0].Actor, Correlation: transaction[0].Correlation, Entries: make([]eventstream.Entry, len(transaction))}
	for i := range transaction {
		tx.Entries[i] = eventstream.Entry{Stream: transaction[i].Stream, Data: transaction[i].Data}
		if transaction[i].Data == nil {
			tx.Entries[i].Data = []byte{}
		}
	}
	return encodedBound(&tx)
}

// decideSealed adds the transactions of an import to the batch, up to the first
// that does not continue the log's end, the batch included.
func (s *Store) decideSealed(b *batch, r *request) {
	keys, pending := r.keys, false
	for _, transaction := range r.sealed {
		known := make([]knownHead, len(transaction))
		for i := range transaction {
			head, unwritten, err := s.newestOf(b, keys[i], transaction[i].Stream)
			pending = pending || unwritten
			if err == nil && head.Seq >= transaction[i].Seq {
				err = errThere
			}
			if err == nil {
				err = transaction[i].Continues(head.Head)
			}
			if err != nil {
				r.misfit = err
				s.waitOrFinish(b, r, pending)
				return
			}
			known[i] = head
		}
		b.put(slices.Clone(transaction), keys[:len(transaction)], known)
		keys = keys[len(transaction):]
		r.written++
	}
	s.waitOrFinish(b, r, true)
}

func (s *Store) waitOrFinish(b *batch, r *request, wait bool) {
	if wait || r.written > 0 {
		b.waiting = append(b.waiting, r)
		return
	}
	r.finish(nil)
}

// newestOf gives the head of a stream, and whether it is yet to become durable.
func (s *Store) newestOf(b *batch, key heads.Key, stream eventstream.StreamID) (head knownHead, pending bool, err error) {
	if head, found := b.heads[key]; found {
		return head, true, nil
	}
	if head, found := s.recent.get(key); found {
		return head, false, nil
	}
	at, found := s.heads.Get(key)
	if !found {
		return knownHead{}, false, nil
	}
	head, err = s.known(stream, at)
	return head, false, err
}

// has tells whether a sealed transaction is in the log, equal in everything. One
// that stands where something else does is an ImportError.
func (s *Store) has(ctx context.Context, transaction []eventstream.Commit) (bool, error) {
	var nearest heads.Head
	var at *eventstream.Commit
	for i := range transaction {
		c := &transaction[i]
		head, found, err := s.head(ctx, c.Stream)
		if err != nil {
			return false, err
		}
		if found && head.Sequence >= uint64(c.Seq) && (at == nil || head.Sequence-uint64(c.Seq) < nearest.Sequence-uint64(at.Seq)) {
			nearest, at = head, c
		}
	}
	if at == nil {
		return false, nil
	}
	stored, err := s.transactionOf(ctx, at.Position(), nearest)
	if err != nil {
		return false, err
	}
	return true, sameAs(stored, transaction, at)
}

// sameAs demands that what is stored, where one of the sealed commits should stand,
// is what was sealed.
func sameAs(stored, sealed []eventstream.Commit, one *eventstream.Commit) error {
	in := func(c *eventstream.Commit) bool {
		return slices.ContainsFunc(stored, func(s eventstream.Commit) bool { return s.Stream == c.Stream && s.Hash == c.Hash })
	}
	if !in(one) || len(stored) != len(sealed) {
		return &eventstream.ImportError{Position: one.Position(), Kind: eventstream.ErrContradicts}
	}
	for i := range sealed {
		if !in(&sealed[i]) {
			return &eventstream.ImportError{Position: sealed[i].Position(), Kind: eventstream.ErrContradicts}
		}
	}
	return nil
}

// transactionOf reads the transaction that wrote a commit, walking back from a
// later place in its stream.
func (s *Store) transactionOf(ctx context.Context, position eventstream.Position, from heads.Head) ([]eventstream.Commit, error) {
	for from.Sequence > uint64(position.Seq) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		_, before, err := s.commitAt(position.Stream, from)
		if err != nil {
			return nil, err
		}
		from = heads.Head{Sequence: from.Sequence - 1, Address: uint64(before)}
	}
	buffer := entryBuffers.Get().(*[]byte)
	defer entryBuffers.Put(buffer)
	number, payload, err := s.entryAt(address(from.Address), buffer)
	if err != nil {
		return nil, err
	}
	commits, err := decodeTransaction(payload, number)
	if err != nil {
		return nil, s.corruptAt(address(from.Address), number, err.Error())
	}
	return commits, nil
}
