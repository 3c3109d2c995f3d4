package dynamoview_test

import (
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/changenotices"
	"github.com/seed5b6a70b4/identity/sync/followtest"
)

// Who follows what is announced ends with what the view lists. A process begins
// with what others left in the table.
func TestFollowing(t *testing.T) {
	client := connect(t)
	followtest.Run(t, func(_ testing.TB, _ *memstore.Store, streams *eventstream.Streams) func() followtest.Server {
		view := fresh(t, client)
		return func() followtest.Server {
			changes := querysync.NewChanges(streams, 2)
			s, err := querysync.New(streams, []querysync.View{view}, &querysync.Options{Changes: changes})
			if err != nil {
				t.Fatal(err)
			}
			waiter, err := s.Waiter(view)
			if err != nil {
				t.Fatal(err)
			}
			return followtest.Server{View: view, Waiter: waiter, Notices: changenotices.New(streams, changes, changenotices.Options{}), Carry: s.Handle}
		}
	})
}
