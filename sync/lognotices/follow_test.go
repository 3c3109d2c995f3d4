package lognotices_test

import (
	"context"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries/memview"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/followtest"
	"github.com/seed5b6a70b4/identity/sync/lognotices"
)

// Each start folds the rows anew.
func TestFollowing(t *testing.T) {
	followtest.Run(t, func(t testing.TB, store *memstore.Store, streams *eventstream.Streams) func() followtest.Server {
		return func() followtest.Server {
			view := memview.New(nil)
			s, err := querysync.New(streams, []querysync.View{view}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.CatchUp(t.Context(), store, view, 1, nil); err != nil {
				t.Fatal(err)
			}
			waiter, err := s.Waiter(view)
			if err != nil {
				t.Fatal(err)
			}
			notices := lognotices.New(store, view.Applied)
			observe := func(transactions [][]eventstream.Commit) {
				s.Observe(transactions)
				notices.Observe(transactions)
			}
			// Tidying comes when it comes.
			carry := func(ctx context.Context, _ []eventstream.Position) error { return view.Tidy(ctx) }
			return followtest.Server{View: view, Waiter: waiter, Notices: notices, Observe: observe, Carry: carry}
		}
	})
}
