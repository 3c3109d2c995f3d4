package feedtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// Harness makes the views of one backend for the kit.
type Harness struct {
	// New makes an empty view that shows the streams of users, groups and members.
	New func(t testing.TB) querysync.PositionedView
	// Dump is everything that a view of New shows, so that cmp.Diff with Compare
	// tells two apart; but not its position.
	Dump    func(t testing.TB, view querysync.PositionedView) any
	Compare cmp.Options
}

// Run holds the backend's views to the contract, one sentence a subtest.
func Run(t *testing.T, h Harness) {
	for _, sentence := range []struct {
		says string
		test func(*testing.T, Harness)
	}{
		{"a feed may shuffle, double, drop and cut what it tells", testBadFeed},
		{"doorbells are enough", testDoorbells},
		{"a failure between any two steps is made good", testFailures},
		{"two synchronisers and their readers may work at once", testTogether},
		{"a view that is new catches up while the log grows", testCatchUp},
	} {
		t.Run(sentence.says, func(t *testing.T) { sentence.test(t, h) })
	}
}

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// equalsFold demands that a view shows what one does that was given every commit
// of the log, in order.
func (h Harness) equalsFold(t testing.TB, fail tester, w *world, view querysync.PositionedView) {
	fail.Helper()
	fold := h.New(t)
	for transaction, err := range w.store.Tail(t.Context(), 0) {
		if err != nil {
			fail.Fatalf("read the log: %v", err)
		}
		for i := range transaction {
			if !fold.Shows(transaction[i].Stream) {
				continue
			}
			if err := fold.Apply(t.Context(), transaction[i:i+1]); err != nil {
				fail.Fatalf("fold a commit: %v", err)
			}
		}
	}
	for stream, head := range w.heads {
		if !view.Shows(stream) {
			continue
		}
		if row, err := view.Seq(t.Context(), stream); err != nil || row != head {
			fail.Fatalf("the row of %s is at %d, %v, not at the stream's head, %d", stream, row, err, head)
		}
	}
	if diff := cmp.Diff(h.Dump(t, fold), h.Dump(t, view), h.Compare); diff != "" {
		fail.Fatalf("the view is not the fold of its streams (-fold +view):\n%s", diff)
	}
}

// claimsNoMore demands that the view has every commit up to its position.
func claimsNoMore(t testing.TB, fail tester, w *world, view querysync.PositionedView) {
	fail.Helper()
	position := view.Applied()
	rows := map[eventstream.StreamID]eventstream.Seq{}
	for transaction := range w.store.Tail(t.Context(), 0) {
		for _, commit := range transaction {
			if commit.Log <= position && view.Shows(commit.Stream) {
				rows[commit.Stream] = commit.Seq
			}
		}
	}
	for stream, seq := range rows {
		if row, err := view.Seq(t.Context(), stream); err != nil || row < seq {
			fail.Fatalf("the view says that it is at %d, but the row of %s is at %d, %v, not %d", position, stream, row, err, seq)
		}
	}
}
