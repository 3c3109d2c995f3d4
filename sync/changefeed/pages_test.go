package changefeed_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/changefeed"
)

// announced is a store with a few transactions, and a change feed that tells of
// them, many in one commit.
type announced struct {
	streams *eventstream.Streams
	changes *querysync.Changes
	source  *changefeed.Transactions
	written map[eventstream.Position]bool
}

func newAnnounced(t *testing.T, parts int) *announced {
	t.Helper()
	streams := eventstream.New(memstore.New(nil), nil)
	a := &announced{streams: streams, changes: querysync.NewChanges(streams, parts), written: map[eventstream.Position]bool{}}
	a.source = changefeed.NewTransactions(streams, a.changes)
	a.write(t, eventstream.StoreStream)
	return a
}

func (a *announced) write(t *testing.T, stream eventstream.StreamID) eventstream.Position {
	t.Helper()
	head, err := a.streams.Head(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	commits, err := a.streams.Append(t.Context(), eventstream.Transaction{Command: uuid.New(), Entries: []eventstream.Entry{{Stream: stream, Expect: eventstream.Exactly(head), Data: []byte("[]")}}})
	if err != nil {
		t.Fatal(err)
	}
	a.written[commits[0].Position()] = true
	return commits[0].Position()
}

// users writes so many users and tells of all of them at once.
func (a *announced) users(t *testing.T, count int) {
	t.Helper()
	notices := make([]querysync.Notice, 0, count)
	for range count {
		notices = append(notices, querysync.Notice{Position: a.write(t, eventstream.UserStream(uuid.New()))})
	}
	if err := a.changes.Announce(t.Context(), notices); err != nil {
		t.Fatal(err)
	}
}

// page gives the positions of so many transactions behind a place, and the place
// behind them.
func (a *announced) page(t *testing.T, place eventstream.Mark, limit int) (given []eventstream.Position, next eventstream.Mark) {
	t.Helper()
	next = place
	for step, err := range a.source.After(t.Context(), place) {
		if err != nil {
			t.Fatal(err)
		}
		if next = step.Next; step.Transaction == nil {
			continue
		}
		if given = append(given, step.Transaction[0].Position()); len(given) == limit {
			break
		}
	}
	return given, next
}

// Whoever goes on behind any step, also in the midst of what one commit tells of,
// hears of all that comes after it, however small the pages; also if more is written
// between them.
func TestTransactionsFromEveryPlace(t *testing.T) {
	for _, limit := range []int{1, 2, 3, 7} {
		a := newAnnounced(t, 2)
		a.users(t, 12)
		heard, pages := map[eventstream.Position]int{}, 0
		for place := (eventstream.Mark{}); ; pages++ {
			given, next := a.page(t, place, limit)
			if len(given) == 0 {
				break
			}
			if pages > 200 {
				t.Fatalf("pages of %d do not come to an end", limit)
			}
			for _, position := range given {
				heard[position]++
			}
			if pages == 2 {
				a.users(t, 5)
				a.write(t, eventstream.StoreStream)
			}
			place = next
		}
		for position := range a.written {
			if heard[position] != 1 {
				t.Errorf("pages of %d: commit %d of a stream of kind %s was given %d times", limit, position.Seq, position.Stream.Kind(), heard[position])
			}
		}
	}
}

// A place that the change feed cannot have given is refused.
func TestTransactionsUnknownPlace(t *testing.T) {
	a := newAnnounced(t, 2)
	a.users(t, 4)
	given, next := a.page(t, eventstream.Mark{}, 2)
	if len(given) != 2 || len(next.Rest) == 0 {
		t.Fatal(given, next)
	}
	readable := map[string]eventstream.Mark{
		"store ahead":  {Rest: []byte{9}},
		"no such part": {Rest: []byte{1, 2, 1}},
		"too far in":   {Rest: []byte{1, 0, 9}},
		"at the end":   {At: next.At.Merge(heads(t, a.changes)), Rest: []byte{1, 0, 1}},
		"beyond heads": {At: eventstream.NewToken(eventstream.Position{Stream: eventstream.ChangesStream(0), Seq: 99})},
	}
	for name, place := range readable {
		a.refuses(t, name, place, eventstream.ErrUnknownPosition)
	}
	for name, rest := range map[string][]byte{"nothing in": {1, 0, 0}, "more than it": {1, 0, 1, 0}, "cut": {1, 0}, "of a follower": {0, 4, 0, 0}} {
		a.refuses(t, name, eventstream.Mark{At: next.At, Rest: rest}, eventstream.ErrMalformedToken)
	}
}

// refuses demands that nothing is given behind a place, for a reason.
func (a *announced) refuses(t *testing.T, name string, place eventstream.Mark, reason error) {
	t.Helper()
	for step, err := range a.source.After(t.Context(), place) {
		if !errors.Is(err, reason) {
			t.Errorf("%s: %v, %v", name, step, err)
		}
		return
	}
	t.Errorf("%s: was taken", name)
}

func heads(t *testing.T, changes *querysync.Changes) eventstream.Token {
	t.Helper()
	at, err := changes.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// What was announced and is not there is never passed over.
func TestTransactionsLost(t *testing.T) {
	a := newAnnounced(t, 1)
	position := a.write(t, eventstream.UserStream(uuid.New()))
	position.Seq++
	if err := a.changes.Announce(t.Context(), []querysync.Notice{{Position: position}}); err != nil {
		t.Fatal(err)
	}
	var failed error
	for _, err := range a.source.After(context.Background(), eventstream.Mark{}) {
		failed = err
	}
	if !errors.Is(failed, eventstream.ErrCorrupt) {
		t.Errorf("a commit that is announced is missing: %v", failed)
	}
}

// The commits of a transaction that was announced in several streams come together,
// once for those that were announced together.
func TestTransactionsWhole(t *testing.T) {
	a := newAnnounced(t, 1)
	one, other := eventstream.UserStream(uuid.New()), eventstream.UserStream(uuid.New())
	commits, err := a.streams.Append(t.Context(), eventstream.Transaction{Command: uuid.New(), Entries: []eventstream.Entry{
		{Stream: one, Expect: eventstream.Empty(), Data: []byte("[]")}, {Stream: other, Expect: eventstream.Empty(), Data: []byte("[]")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.changes.Announce(t.Context(), []querysync.Notice{{Position: commits[0].Position()}, {Position: commits[1].Position()}}); err != nil {
		t.Fatal(err)
	}
	arranger, told, given := transfer.NewArranger(nil), 0, 0
	for step, err := range a.source.After(t.Context(), eventstream.Mark{}) {
		if err != nil {
			t.Fatal(err)
		}
		if step.Transaction == nil {
			continue
		}
		told++
		if err := eventstream.CheckSealed(step.Transaction); err != nil {
			t.Error(err)
		}
		ready, err := arranger.Add(t.Context(), step.Transaction)
		if err != nil {
			t.Fatal(err)
		}
		given += len(ready)
	}
	if told != 2 || given != 2 || arranger.Waiting() != 0 {
		t.Errorf("%d told, %d given, %d waiting", told, given, arranger.Waiting())
	}
}
