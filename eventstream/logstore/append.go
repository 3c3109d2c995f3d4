package logstore

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/heads"
)

// request is a transaction on its way through the writer.
type request struct {
	store *Store
	tx    eventstream.Transaction
	keys  []heads.Key
	heads []knownHead // as they were when the request was made
	bound int         // bytes that it takes at most
	owner atomic.Int32
	done  chan struct{}

	// sealed are transactions to be written as they are, in place of tx; keys are
	// those of their streams, one after the other.
	sealed [][]eventstream.Commit

	// The answer, once done is closed.
	commits []eventstream.Commit
	unmet   []unmet
	err     error
	// written is how many of sealed were, misfit why the next one was not.
	written int
	misfit  error
}

// Who may decide about a request: the writer once it has taken it, the caller
// once it has withdrawn it.
const (
	queued int32 = iota
	taken
	withdrawn
)

// unmet is an expectation that does not hold.
type unmet struct {
	index int
	head  eventstream.Seq
}

// knownHead is a head with the address of its commit; the zero knownHead is an
// empty stream's.
type knownHead struct {
	eventstream.Head
	address address
}

// Append implements eventstream.Store. When ctx ends while the transaction is
// being written, the error is eventstream.ErrUnknownOutcome; when it ends before,
// nothing was written.
func (s *Store) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	tx.Entries = copyEntries(tx.Entries)
	appending, err := s.Enqueue(ctx, tx)
	if err != nil {
		return nil, err
	}
	commits, err := appending.Wait(ctx)
	return slices.Clone(commits), err
}

// Enqueue implements eventstream.Queue.
func (s *Store) Enqueue(ctx context.Context, tx eventstream.Transaction) (eventstream.Appending, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := tx.Check(); err != nil {
		return nil, err
	}
	r, err := s.request(&tx)
	if err != nil {
		return nil, err
	}
	if !s.queue.put(r) {
		return nil, eventstream.ErrClosed
	}
	return r, nil
}

// Wait implements eventstream.Appending.
func (r *request) Wait(ctx context.Context) ([]eventstream.Commit, error) {
	select {
	case <-r.done:
	default: // asking ctx as well costs more
		select {
		case <-r.done:
		case <-ctx.Done():
			if r.owner.CompareAndSwap(queued, withdrawn) {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("%w: %w", eventstream.ErrUnknownOutcome, ctx.Err())
		}
	}
	if r.unmet != nil {
		return nil, r.store.conflict(ctx, r)
	}
	return r.commits, r.err
}

// request does what can be done outside the writer: it looks up the heads.
func (s *Store) request(tx *eventstream.Transaction) (*request, error) {
	if err := s.state.serving(); err != nil {
		return nil, err
	}
	r := &request{store: s, tx: *tx, bound: entryHeader + 8 + encodedBound(tx), done: make(chan struct{})}
	if r.bound > maxTransaction {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", eventstream.ErrTooLarge, r.bound, maxTransaction)
	}
	r.keys = make([]heads.Key, len(tx.Entries))
	r.heads = make([]knownHead, len(tx.Entries))
	for i := range r.tx.Entries {
		entry := &r.tx.Entries[i]
		r.keys[i] = heads.KeyOf(entry.Stream)
		if entry.Data == nil || s.recent.has(r.keys[i]) {
			continue
		}
		if head, found := s.heads.Get(r.keys[i]); found {
			var err error
			if r.heads[i], err = s.known(entry.Stream, head); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func copyEntries(entries []eventstream.Entry) []eventstream.Entry {
	size := 0
	for i := range entries {
		size += len(entries[i].Data)
	}
	copied, data := slices.Clone(entries), make([]byte, 0, size)
	for i := range copied {
		if copied[i].Data != nil {
			from := len(data)
			data = append(data, copied[i].Data...)
			copied[i].Data = data[from:len(data):len(data)]
		}
	}
	return copied
}

// known reads what the last commit of a stream says about it.
func (s *Store) known(stream eventstream.StreamID, head heads.Head) (knownHead, error) {
	commit, _, err := s.commitAt(stream, head)
	if err != nil {
		return knownHead{}, err
	}
	return knownHead{eventstream.Head{Seq: commit.Seq, Time: commit.Time, Hash: commit.Hash}, address(head.Address)}, nil
}

// conflict tells the expectations of a request that did not hold, with the
// commits that came after what was expected, as far as the writer had seen.
func (s *Store) conflict(ctx context.Context, r *request) error {
	conflicts := make([]eventstream.Conflict, 0, len(r.unmet))
	for _, u := range r.unmet {
		entry := &r.tx.Entries[u.index]
		c := eventstream.Conflict{Index: u.index, Stream: entry.Stream, Expect: entry.Expect, Head: u.head}
		for commit, err := range s.read(ctx, entry.Stream, entry.Expect.Seq(), u.head) {
			if err != nil {
				return fmt.Errorf("read what won: %w", err)
			}
			c.Winners = append(c.Winners, commit)
		}
		conflicts = append(conflicts, c)
	}
	return &eventstream.ConflictError{Conflicts: conflicts}
}

// queue holds the requests that wait for the writer.
type queue struct {
	wake chan struct{} // holds one signal that the writer has not seen

	mu      sync.Mutex
	waiting []*request
	closed  bool
}

// put tells false if the queue is closed.
func (q *queue) put(r *request) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.waiting = append(q.waiting, r)
	q.mu.Unlock()
	q.signal()
	return true
}

// ifOpen calls begin unless the queue is closed; it will not be before begin
// returns.
func (q *queue) ifOpen(begin func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		begin()
	}
	return !q.closed
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// maxBatch is how many bytes are written at once; a transaction is never longer.
const maxBatch = maxTransaction

// take waits for requests, and gives those that fit one batch, in order, with
// their bound. There are none once the queue is closed and empty.
func (q *queue) take(batch []*request) ([]*request, int) {
	for {
		q.mu.Lock()
		bound, count := 0, 0
		for count < len(q.waiting) && (count == 0 || bound+q.waiting[count].bound <= maxBatch) {
			bound += q.waiting[count].bound
			count++
		}
		batch = append(batch[:0], q.waiting[:count]...)
		q.waiting = slices.Delete(q.waiting, 0, count)
		closed := q.closed
		q.mu.Unlock()
		if count > 0 || closed {
			return batch, bound
		}
		<-q.wake
	}
}

// close lets no more requests in.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}
