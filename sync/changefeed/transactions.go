package changefeed

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// Transactions is the transfer.Source of a store that does not number its
// transactions: what notices cover, each commit with its siblings, and the stream
// store. A place is how far each of changes/{n} and store was gone over. What is
// written shows here once it was announced; of a stream that is parked, when it is no
// more. A transaction that is in no announced stream, as one that did nothing but
// remember a request, is not given.
type Transactions struct {
	streams *eventstream.Streams
	changes *querysync.Changes
}

// NewTransactions makes the source of a store.
func NewTransactions(streams *eventstream.Streams, changes *querysync.Changes) *Transactions {
	return &Transactions{streams, changes}
}

// Ordered implements transfer.Source.
func (t *Transactions) Ordered() bool { return false }

// After implements transfer.Source.
func (t *Transactions) After(ctx context.Context, place eventstream.Mark) iter.Seq2[transfer.Step, error] {
	return func(yield func(transfer.Step, error) bool) {
		store, err := t.check(ctx, place)
		if err != nil {
			yield(transfer.Step{}, err)
			return
		}
		w := &walk{t: t, at: place.At, stored: store, yield: yield}
		if w.store(ctx) {
			for _, part := range t.changes.Streams() {
				if !w.part(ctx, part) {
					return
				}
			}
		}
	}
}

// check refuses a place that the change feed has not got to.
func (t *Transactions) check(ctx context.Context, place eventstream.Mark) (store eventstream.Seq, err error) {
	store, readable := storeOf(place)
	heads, head, err := t.heads(ctx)
	if err == nil && (!readable || store > head || !heads.Covers(place.At)) {
		err = fmt.Errorf("%w: a place that the change feed does not have", eventstream.ErrUnknownPosition)
	}
	return store, err
}

// placeOf is how far the change feed and the stream store were gone over; no token
// names the latter.
func placeOf(at eventstream.Token, store eventstream.Seq) eventstream.Mark {
	if store == 0 {
		return eventstream.Mark{At: at}
	}
	return eventstream.Mark{At: at, Rest: binary.AppendUvarint(nil, uint64(store))}
}

func storeOf(place eventstream.Mark) (store eventstream.Seq, readable bool) {
	if len(place.Rest) == 0 {
		return 0, true
	}
	seq, n := binary.Uvarint(place.Rest)
	return eventstream.Seq(seq), n == len(place.Rest) && seq > 0
}

// heads is where everything ends.
func (t *Transactions) heads(ctx context.Context) (changes eventstream.Token, store eventstream.Seq, err error) {
	if changes, err = t.changes.Heads(ctx); err != nil {
		return nil, 0, err
	}
	if store, err = t.streams.Head(ctx, eventstream.StoreStream); err != nil {
		return nil, 0, fmt.Errorf("read the head of the stream store: %w", err)
	}
	return changes, store, nil
}

// lookEvery is how often somebody who waits looks for more.
const lookEvery = time.Second

// Wait implements transfer.Source.
func (t *Transactions) Wait(ctx context.Context, place eventstream.Mark) error {
	store, _ := storeOf(place)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		heads, head, err := t.heads(ctx)
		if err != nil || head > store || !place.At.Covers(heads) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// walk is one After.
type walk struct {
	t      *Transactions
	at     eventstream.Token
	stored eventstream.Seq
	yield  func(transfer.Step, error) bool
}

func (w *walk) give(transaction []eventstream.Commit) bool {
	return w.yield(transfer.Step{Transaction: transaction, Next: placeOf(w.at, w.stored)}, nil)
}

func (w *walk) fail(err error) bool {
	w.yield(transfer.Step{}, err)
	return false
}

// store gives the stream store, which nothing announces.
func (w *walk) store(ctx context.Context) bool {
	for commit, err := range w.t.streams.Read(ctx, eventstream.StoreStream, w.stored) {
		if err != nil {
			return w.fail(fmt.Errorf("read the stream store: %w", err))
		}
		if w.stored = commit.Seq; !w.give([]eventstream.Commit{commit}) {
			return false
		}
	}
	return true
}

// part gives what a part of the change feed covers.
func (w *walk) part(ctx context.Context, part eventstream.StreamID) bool {
	for commit, err := range w.t.streams.Read(ctx, part, w.at.Seq(part)) {
		if err != nil {
			return w.fail(fmt.Errorf("read the change feed: %w", err))
		}
		notices, err := querysync.DecodeNotices(&commit)
		if err != nil {
			return w.fail(err)
		}
		covered, err := w.t.covered(ctx, notices)
		if err != nil {
			return w.fail(err)
		}
		for _, transaction := range covered {
			if !w.give(transaction) {
				return false
			}
		}
		w.at = w.at.Merge(eventstream.NewToken(commit.Position()))
		if !w.give(nil) {
			return false
		}
	}
	return true
}

// readers is how many streams are read at a time.
const readers = 16

// covered gives the transactions that notices cover.
func (t *Transactions) covered(ctx context.Context, notices []querysync.Notice) ([][]eventstream.Commit, error) {
	of := make([][][]eventstream.Commit, len(notices))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i := range notices {
		group.Go(func() (err error) {
			of[i], err = t.coveredBy(ctx, &notices[i])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("read what was announced: %w", err)
	}
	var all [][]eventstream.Commit
	for _, transactions := range of {
		all = append(all, transactions...)
	}
	return all, nil
}

func (t *Transactions) coveredBy(ctx context.Context, notice *querysync.Notice) (transactions [][]eventstream.Commit, err error) {
	if notice.After >= notice.Seq {
		return nil, nil
	}
	for commit, err := range t.streams.Read(ctx, notice.Stream, notice.After) {
		if err != nil {
			return nil, err
		}
		if commit.Seq > notice.Seq {
			break
		}
		whole := []eventstream.Commit{commit}
		for _, sibling := range commit.Siblings {
			other, err := t.streams.At(ctx, sibling)
			if err != nil {
				return nil, err
			}
			whole = append(whole, other)
		}
		transactions = append(transactions, whole)
	}
	return transactions, nil
}
