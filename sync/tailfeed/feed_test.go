package tailfeed_test

import (
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
	"github.com/seed5b6a70b4/identity/sync/tailfeed"
)

func create(t *testing.T, streams *eventstream.Streams, stream eventstream.StreamID) error {
	_, err := streams.Append(t.Context(), eventstream.Transaction{
		Command: uuid.New(),
		Entries: []eventstream.Entry{{Stream: stream, Expect: eventstream.Empty(), Data: []byte(`[]`)}},
	})
	return err
}

// TestWhoeverWasAnsweredFindsIt writes before there is a synchroniser, while its
// view catches up, and afterwards.
func TestWhoeverWasAnsweredFindsIt(t *testing.T) {
	var feed tailfeed.Feed
	store := memstore.New(&memstore.Options{Observe: feed.Observe})
	streams := eventstream.New(store, nil)
	for i := range byte(200) {
		if err := create(t, streams, eventstream.UserStream(uuid.UUID{1, i})); err != nil {
			t.Fatal(err)
		}
	}
	view := &feedtest.Model{}
	s, err := querysync.New(streams, []querysync.View{view}, nil)
	if err != nil {
		t.Fatal(err)
	}
	feed.Follow(s)
	var group errgroup.Group
	group.Go(func() error { return s.CatchUp(t.Context(), store, view, 2, nil) })
	for i := range byte(200) {
		if err := create(t, streams, eventstream.UserStream(uuid.UUID{2, i})); err != nil {
			t.Fatal(err)
		}
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if rows := len(view.Rows()); rows != 400 || view.Applied() != 400 {
		t.Errorf("the view has %d rows and is at %d of the log, not at 400", rows, view.Applied())
	}
	for worker := range byte(4) {
		group.Go(func() error {
			for i := range byte(50) {
				stream := eventstream.UserStream(uuid.UUID{3, worker, i})
				if err := create(t, streams, stream); err != nil {
					return err
				}
				if row, err := view.Seq(t.Context(), stream); err != nil || row != 1 {
					t.Errorf("what was acknowledged is not there: row at %d, %v", row, err)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
