package changefeed_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/changefeed"
)

// impatient is a store whose reader's time is over after so many reads of claims.
type impatient struct {
	eventstream.Store
	left atomic.Int64
}

var errTimeIsOver = errors.New("time is over")

func (s *impatient) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	if stream.Kind() == eventstream.ClaimKind && s.left.Add(-1) < 0 {
		return func(yield func(eventstream.Commit, error) bool) { yield(eventstream.Commit{}, errTimeIsOver) }
	}
	return s.Store.Read(ctx, stream, after)
}

// Whoever has time for a part of what one commit of the change feed tells of is given
// that part, and gets on by it.
func TestTransactionsGetOnInShortTime(t *testing.T) {
	const users, time = 100, 40
	store := &impatient{Store: memstore.New(nil)}
	streams := eventstream.New(store, nil)
	a := &announced{streams: streams, changes: querysync.NewChanges(streams, 1), written: map[eventstream.Position]bool{}}
	a.source = changefeed.NewTransactions(streams, a.changes)
	var notices []querysync.Notice
	for i := range users {
		user := eventstream.UserStream(uuid.New())
		commits, err := streams.Append(t.Context(), eventstream.Transaction{Command: uuid.New(), Entries: []eventstream.Entry{
			{Stream: user, Expect: eventstream.Empty(), Data: []byte("[]")},
			{Stream: eventstream.ClaimStream("username", fmt.Sprint(i)), Expect: eventstream.Empty(), Data: []byte("[]")},
		}})
		if err != nil {
			t.Fatal(err)
		}
		notices = append(notices, querysync.Notice{Position: commits[0].Position()})
	}
	if err := a.changes.Announce(t.Context(), notices); err != nil {
		t.Fatal(err)
	}
	given, pages := 0, 0
	for place := (eventstream.Mark{}); given < users; pages++ {
		if pages == users {
			t.Fatalf("%d of %d are given in as many pages", given, users)
		}
		store.left.Store(time)
		for step, err := range a.source.After(t.Context(), place) {
			if errors.Is(err, errTimeIsOver) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if place = step.Next; step.Transaction != nil {
				given++
			}
		}
	}
}
