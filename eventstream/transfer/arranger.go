package transfer

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Arranger gives transactions that come in any order, some of them again and again,
// in an order in which an importer can take them, each once, whichever of its commits it
// has in front. It is for one goroutine.
type Arranger struct {
	head  func(context.Context, eventstream.StreamID) (eventstream.Seq, error)
	heads map[eventstream.StreamID]eventstream.Seq
	// held are transactions that wait, under each of the commits that they wait for.
	held    map[eventstream.Position][]*held
	waiting int
	// added counts what came; queue are those that were held, in the order in which
	// they came, some of which may have been given since.
	added uint64
	queue []*held
}

type held struct {
	transaction []eventstream.Commit
	missing     int
	key         eventstream.Position
	number      uint64
}

// keyOf is the same for a transaction whichever of its commits comes first.
func keyOf(transaction []eventstream.Commit) eventstream.Position {
	first := transaction[0].Position()
	for i := range transaction[1:] {
		if c := &transaction[i+1]; c.Stream < first.Stream {
			first = c.Position()
		}
	}
	return first
}

// NewArranger makes an Arranger; head tells where a stream was before, nil that all
// begin.
func NewArranger(head func(context.Context, eventstream.StreamID) (eventstream.Seq, error)) *Arranger {
	return &Arranger{head: head, heads: map[eventstream.StreamID]eventstream.Seq{}, held: map[eventstream.Position][]*held{}}
}

// Seen notes transactions that were taken before.
func (a *Arranger) Seen(transaction []eventstream.Commit) {
	for i := range transaction {
		c := &transaction[i]
		a.heads[c.Stream] = max(a.heads[c.Stream], c.Seq)
	}
}

// Add gives those transactions that can be taken now that this one has come: none if
// it has been given or is held, or it and those that were held for it.
func (a *Arranger) Add(ctx context.Context, transaction []eventstream.Commit) (ready [][]eventstream.Commit, err error) {
	h := &held{transaction: transaction, key: keyOf(transaction), number: a.added}
	a.added++
	for i := range transaction {
		c := &transaction[i]
		head, err := a.headOf(ctx, c.Stream)
		if err != nil {
			return nil, err
		}
		if c.Seq <= head {
			return nil, nil // all of it was, with this commit
		}
	}
	for i := range transaction {
		c := &transaction[i]
		if a.heads[c.Stream]+1 == c.Seq {
			continue
		}
		before := eventstream.Position{Stream: c.Stream, Seq: c.Seq - 1}
		if slices.ContainsFunc(a.held[before], func(other *held) bool { return other.key == h.key }) {
			return nil, nil // it is held already
		}
		a.held[before] = append(a.held[before], h)
		h.missing++
	}
	if h.missing > 0 {
		a.waiting++
		a.enqueue(h)
		return nil, nil
	}
	return a.release(h), nil
}

// enqueue keeps the queue no longer than a few times what is held.
func (a *Arranger) enqueue(h *held) {
	if len(a.queue) > 64+2*a.waiting {
		a.queue = slices.DeleteFunc(a.queue, func(other *held) bool { return other.missing == 0 })
	}
	a.queue = append(a.queue, h)
}

// release takes a transaction, and whatever waited for it alone.
func (a *Arranger) release(first *held) (ready [][]eventstream.Commit) {
	due := []*held{first}
	for len(due) > 0 {
		h := due[0]
		due = due[1:]
		ready = append(ready, h.transaction)
		for i := range h.transaction {
			position := h.transaction[i].Position()
			a.heads[position.Stream] = position.Seq
			for _, other := range a.held[position] {
				if other.missing--; other.missing == 0 {
					a.waiting--
					due = append(due, other)
				}
			}
			delete(a.held, position)
		}
	}
	return ready
}

func (a *Arranger) headOf(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	head, known := a.heads[stream]
	if known || a.head == nil {
		return head, nil
	}
	head, err := a.head(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("look where a stream of kind %s is: %w", stream.Kind(), err)
	}
	a.heads[stream] = head
	return head, nil
}

// Waiting is how many transactions are held.
func (a *Arranger) Waiting() int { return a.waiting }

// Added is how many transactions came, and Settled how many of them came before the
// first that is held: everything among those was given.
func (a *Arranger) Added() uint64 { return a.added }

// Settled is described with Added.
func (a *Arranger) Settled() uint64 {
	given := 0
	for given < len(a.queue) && a.queue[given].missing == 0 {
		given++
	}
	a.queue = slices.Delete(a.queue, 0, given)
	if len(a.queue) == 0 {
		return a.added
	}
	return a.queue[0].number
}

// Missing names commits that have not come and are waited for, in order.
func (a *Arranger) Missing() []eventstream.Position {
	return inOrder(maps.Keys(a.held))
}

// Held names the commits of the transactions that are held, in order.
func (a *Arranger) Held() []eventstream.Position {
	named := map[eventstream.Position]struct{}{}
	for _, waiting := range a.held {
		for _, h := range waiting {
			for i := range h.transaction {
				named[h.transaction[i].Position()] = struct{}{}
			}
		}
	}
	return inOrder(maps.Keys(named))
}

func inOrder(positions iter.Seq[eventstream.Position]) []eventstream.Position {
	return slices.SortedFunc(positions, func(x, y eventstream.Position) int {
		return cmp.Or(cmp.Compare(x.Stream, y.Stream), cmp.Compare(x.Seq, y.Seq))
	})
}
