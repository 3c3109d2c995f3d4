package changefeed

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// Transactions is the transfer.Source of a store that does not number its
// transactions: what notices cover, each commit with its siblings, and the stream
// store. A place is how far each of changes/{n} and store was gone over, and how far
// what one commit of changes/{n} tells of, so that pages may end anywhere. What is
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
		beyond, err := t.check(ctx, place)
		if err != nil {
			yield(transfer.Step{}, err)
			return
		}
		w := &walk{t: t, at: place.At, beyond: beyond, yield: yield}
		if w.store(ctx) {
			parts := t.changes.Streams()
			from := int(beyond.part) // what was begun comes to its end first
			for i := range parts {
				if !w.part(ctx, parts[(from+i)%len(parts)], uint64((from+i)%len(parts))) {
					return
				}
			}
		}
	}
}

// check refuses a mark that is no place of the change feed, and a place that it has not
// got to.
func (t *Transactions) check(ctx context.Context, place eventstream.Mark) (beyond, error) {
	b, readable := beyondOf(place)
	if !readable {
		return b, errNoPlace
	}
	heads, head, err := t.heads(ctx)
	if err != nil {
		return b, err
	}
	known := b.store <= head && heads.Covers(place.At) && b.part < uint64(len(t.changes.Streams()))
	if known && b.given > 0 {
		part := t.changes.Streams()[b.part]
		known = heads.Seq(part) > place.At.Seq(part)
	}
	if !known {
		return b, errNoSuchPlace
	}
	return b, nil
}

var errNoPlace = fmt.Errorf("%w: a mark that is no place of the change feed", eventstream.ErrMalformedToken)

var errNoSuchPlace = fmt.Errorf("%w: a place that the change feed does not have", eventstream.ErrUnknownPosition)

// beyond is what a place says beside how far the streams changes/{n} were gone over:
// how far the stream store was, which no token names, and how many of the
// transactions were given of which the next commit of one part tells.
type beyond struct {
	store       eventstream.Seq
	part, given uint64
}

func placeOf(at eventstream.Token, b beyond) eventstream.Mark {
	place := eventstream.Mark{At: at}
	if b.store > 0 || b.given > 0 {
		place.Rest = binary.AppendUvarint(nil, uint64(b.store))
	}
	if b.given > 0 {
		place.Rest = binary.AppendUvarint(binary.AppendUvarint(place.Rest, b.part), b.given)
	}
	return place
}

// beyondOf reads what placeOf wrote, and nothing else.
func beyondOf(place eventstream.Mark) (b beyond, readable bool) {
	rest := place.Rest
	next := func() uint64 {
		n, size := binary.Uvarint(rest)
		rest = rest[max(size, 0):]
		return n
	}
	b.store = eventstream.Seq(next())
	b.part, b.given = next(), next()
	return b, bytes.Equal(placeOf(nil, b).Rest, place.Rest)
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
	b, _ := beyondOf(place)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		heads, head, err := t.heads(ctx)
		if err != nil || head > b.store || !place.At.Covers(heads) {
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
	beyond beyond
	yield  func(transfer.Step, error) bool
}

func (w *walk) give(transaction []eventstream.Commit) bool {
	return w.yield(transfer.Step{Transaction: transaction, Next: placeOf(w.at, w.beyond)}, nil)
}

func (w *walk) fail(err error) bool {
	w.yield(transfer.Step{}, err)
	return false
}

// store gives the stream store, which nothing announces.
func (w *walk) store(ctx context.Context) bool {
	for commit, err := range w.t.streams.Read(ctx, eventstream.StoreStream, w.beyond.store) {
		if err != nil {
			return w.fail(fmt.Errorf("read the stream store: %w", err))
		}
		if w.beyond.store = commit.Seq; !w.give([]eventstream.Commit{commit}) {
			return false
		}
	}
	return true
}

// part gives what a part of the change feed covers, which is the one of that number.
func (w *walk) part(ctx context.Context, part eventstream.StreamID, number uint64) bool {
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
		if !w.tell(ctx, covered, number) {
			return false
		}
		w.beyond.part, w.beyond.given = 0, 0
		w.at = w.at.Merge(eventstream.NewToken(commit.Position()))
		if !w.give(nil) {
			return false
		}
	}
	return true
}

// tell gives those of a commit of the part that were not given before, some at a time:
// where reading is slow, what was read is given before a page's time is over.
func (w *walk) tell(ctx context.Context, c *covered, number uint64) bool {
	if w.beyond.given > uint64(len(c.fronts)) {
		return w.fail(errNoSuchPlace)
	}
	for fronts := range slices.Chunk(c.fronts[w.beyond.given:], readers) {
		transactions, err := w.t.whole(ctx, fronts, c.there)
		if err != nil {
			return w.fail(err)
		}
		for _, transaction := range transactions {
			w.beyond.part, w.beyond.given = number, w.beyond.given+1
			if !w.give(transaction) {
				return false
			}
		}
	}
	return true
}

// readers is how many streams are read at a time.
const readers = 16

// covered is what notices cover: one commit of each transaction, each once, in an order
// that is always the same, and all commits that were read.
type covered struct {
	fronts []*eventstream.Commit
	there  map[eventstream.Position]*eventstream.Commit
}

func (t *Transactions) covered(ctx context.Context, notices []querysync.Notice) (*covered, error) {
	of := make([][]eventstream.Commit, len(notices))
	err := readAll(ctx, len(notices), func(ctx context.Context, i int) (err error) {
		of[i], err = t.coveredBy(ctx, &notices[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	c, known := &covered{there: map[eventstream.Position]*eventstream.Commit{}}, map[eventstream.Position]bool{}
	for _, commits := range of {
		for i := range commits {
			commit := &commits[i]
			c.there[commit.Position()] = commit
			if key := keyOf(commit); !known[key] {
				known[key] = true
				c.fronts = append(c.fronts, commit)
			}
		}
	}
	return c, nil
}

// readAll reads so many things, some at a time.
func readAll(ctx context.Context, count int, read func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i := range count {
		group.Go(func() error { return read(ctx, i) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("read what was announced: %w", err)
	}
	return nil
}

// keyOf names a transaction by one of its commits.
func keyOf(c *eventstream.Commit) eventstream.Position {
	key := c.Position()
	for _, sibling := range c.Siblings {
		if sibling.Stream < key.Stream {
			key = sibling
		}
	}
	return key
}

// whole gives commits with their siblings, of which some were read.
func (t *Transactions) whole(ctx context.Context, fronts []*eventstream.Commit, there map[eventstream.Position]*eventstream.Commit) ([][]eventstream.Commit, error) {
	all := make([][]eventstream.Commit, len(fronts))
	return all, readAll(ctx, len(fronts), func(ctx context.Context, i int) error {
		all[i] = []eventstream.Commit{*fronts[i]}
		for _, sibling := range fronts[i].Siblings {
			if read := there[sibling]; read != nil {
				all[i] = append(all[i], *read)
				continue
			}
			read, err := t.streams.At(ctx, sibling)
			if err != nil {
				return err
			}
			all[i] = append(all[i], read)
		}
		return nil
	})
}

func (t *Transactions) coveredBy(ctx context.Context, notice *querysync.Notice) (commits []eventstream.Commit, err error) {
	if notice.After >= notice.Seq {
		return nil, nil
	}
	last := notice.After
	for commit, err := range t.streams.Read(ctx, notice.Stream, notice.After) {
		if err != nil {
			return nil, err
		}
		if commit.Seq > notice.Seq {
			break
		}
		commits, last = append(commits, commit), commit.Seq
	}
	if last < notice.Seq {
		return nil, fmt.Errorf("%w: commit %d of a stream of kind %s was announced and is not there", eventstream.ErrCorrupt, last+1, notice.Stream.Kind())
	}
	return commits, nil
}
