package replica_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
	"github.com/seed5b6a70b4/identity/sync/replica"
)

// source gives what a store in memory has: in order, or shuffled and again and again,
// in connections of which some are cut.
type source struct {
	store   *memstore.Store
	ordered bool
	// cut is after how many bytes the next connections end; 0 is not at all.
	cut func() int
	// shuffled is an order of so many transactions.
	shuffled func(n int) []int
	// until is how much there is to give.
	until  func() int
	closed bool
	lost   bool
}

func (s *source) Close(context.Context) error {
	if s.lost {
		return errors.New("it is away")
	}
	s.closed = true
	return nil
}

func (s *source) Events(_ context.Context, after string, _ bool) (io.ReadCloser, error) {
	if s.lost {
		return nil, errors.New("it is away")
	}
	from, err := strconv.Atoi("0" + after)
	if err != nil {
		return nil, err
	}
	var all [][]eventstream.Commit
	for step, err := range transfer.NewLog(s.store).After(context.Background(), eventstream.Mark{}) {
		if err != nil {
			return nil, err
		}
		all = append(all, step.Transaction)
	}
	end := len(all)
	if !s.closed {
		end = max(from, s.until())
	}
	var file bytes.Buffer
	lines, err := commitlines.NewWriter(&file, &commitlines.Header{Epoch: "e", After: after, Ordered: s.ordered})
	if err != nil {
		return nil, err
	}
	order := s.shuffled(end - from)
	for i, n := range order {
		if _, err := lines.Transaction(all[from+n]); err != nil {
			return nil, err
		}
		if s.ordered && i%3 == 2 {
			if err := lines.Checkpoint(strconv.Itoa(from+i+1), false); err != nil {
				return nil, err
			}
		}
	}
	if err := lines.Checkpoint(strconv.Itoa(end), true); err != nil {
		return nil, err
	}
	if cut := s.cut(); cut > 0 && cut < file.Len() {
		file.Truncate(cut)
	}
	return io.NopCloser(&file), nil
}

// notes remember in memory.
type notes struct {
	mu    sync.Mutex
	place string
}

func (n *notes) Meet(context.Context, string, bool) error { return nil }

func (n *notes) Place(context.Context) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.place, nil
}

func (n *notes) Note(_ context.Context, place string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.place = place
	return nil
}

func write(t rapid.TB, s *memstore.Store, streams ...eventstream.StreamID) {
	t.Helper()
	tx := eventstream.Transaction{Command: uuid.New(), Actor: "test", Entries: []eventstream.Entry{{Stream: eventstream.UserStream(uuid.New()), Expect: eventstream.Empty(), Data: []byte("[]")}}}
	for _, stream := range streams {
		tx.Entries = append(tx.Entries, eventstream.Entry{Stream: stream, Expect: eventstream.Any(), Data: []byte("[]")})
	}
	if _, err := s.Append(context.Background(), tx); err != nil {
		t.Fatal(err)
	}
}

// Whatever order a source gives its transactions in, wherever connections are cut and
// the copy is begun again: once the source was closed and Finish has returned, the copy
// has every stream as the source has it.
func TestFinishBringsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { rapid.Check(timeless{t}, finishBringsEverything) })
}

// timeless is a test whose deadline is of no time that it knows.
type timeless struct{ *testing.T }

func (timeless) Deadline() (time.Time, bool) { return time.Time{}, false }

func finishBringsEverything(rt *rapid.T) {
	from := &source{store: memstore.New(nil), ordered: rapid.Bool().Draw(rt, "ordered")}
	write(rt, from.store, eventstream.StoreStream)
	for range rapid.IntRange(0, 20).Draw(rt, "transactions") {
		var streams []eventstream.StreamID
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 3), 0, 3, rapid.ID[int]).Draw(rt, "streams") {
			streams = append(streams, eventstream.UsersStream(n))
		}
		write(rt, from.store, streams...)
	}
	end := int(from.store.End())
	from.until = func() int { return rapid.IntRange(0, end).Draw(rt, "until") }
	cuts := rapid.IntRange(0, 8).Draw(rt, "cuts")
	from.cut = func() int {
		if cuts--; cuts < 0 {
			return 0
		}
		return rapid.IntRange(1, 4000).Draw(rt, "cut")
	}
	from.shuffled = func(n int) []int {
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		if from.ordered {
			return order
		}
		return rapid.Permutation(append(order, rapid.SliceOfN(rapid.IntRange(0, max(n-1, 0)), 0, min(n, 5)).Draw(rt, "again")...)).Draw(rt, "order")
	}
	to, kept := memstore.New(nil), &notes{}
	for {
		follower, err := replica.New(from, eventstream.New(to, nil), kept, nil)
		if err != nil {
			rt.Fatal(err)
		}
		if rapid.Bool().Draw(rt, "begins") {
			from.until = func() int { return end }
			if err := follower.Begin(context.Background(), func(ctx context.Context) (bool, error) {
				return to.End() > 0, nil
			}); err != nil {
				rt.Fatal(err)
			}
		}
		dropped, err := follower.Finish(context.Background(), false)
		if err != nil {
			continue // cut too often; it is called again, in another process
		}
		if len(dropped) > 0 {
			rt.Fatalf("%v were dropped", dropped)
		}
		break
	}
	equal(rt, from.store, to)
}

func equal(t rapid.TB, want, got *memstore.Store) {
	t.Helper()
	if want.End() != got.End() {
		t.Fatalf("%d transactions of %d came", got.End(), want.End())
	}
	for transaction, err := range want.Tail(context.Background(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range transaction {
			commit := &transaction[i]
			found := false
			for there, err := range got.Read(context.Background(), commit.Stream, commit.Seq-1) {
				found = err == nil && there.Hash == commit.Hash
				break
			}
			if !found {
				t.Errorf("commit %d of %s is not the same", commit.Seq, commit.Stream)
			}
		}
	}
}

// plain is a source without cuts, in order.
func plain(t *testing.T, transactions int) *source {
	from := &source{store: memstore.New(nil), ordered: true, cut: func() int { return 0 }}
	write(t, from.store, eventstream.StoreStream)
	for range transactions - 1 {
		write(t, from.store, "users/0")
	}
	from.until = func() int { return int(from.store.End()) }
	from.shuffled = func(n int) []int {
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		return order
	}
	return from
}

// What came without what it continues, from a source that is lost, is named and left
// out.
func TestWhatDidNotComeWholeIsNamed(t *testing.T) {
	synctest.Test(t, whatDidNotComeWholeIsNamed)
}

func whatDidNotComeWholeIsNamed(t *testing.T) {
	from := plain(t, 4)
	from.ordered = false
	from.shuffled = func(int) []int { return []int{0, 1, 3} }
	to := memstore.New(nil)
	follower, err := replica.New(from, eventstream.New(to, nil), &notes{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	until := from.until
	from.until = func() int {
		defer func() { from.lost = true }()
		return until()
	}
	running := make(chan error)
	go func() { running <- follower.Run(ctx) }()
	synctest.Wait() // until it rests before it connects again
	if waiting := follower.State().Waiting; waiting != 1 || to.End() != 2 {
		t.Errorf("%d wait, %d are there", waiting, to.End())
	}
	time.Sleep(time.Minute) // it is asked for again, in vain
	cancel()
	if err := <-running; err != nil {
		t.Fatal(err)
	}
	if _, err := follower.Finish(t.Context(), false); err == nil {
		t.Error("a source that is away was finished with")
	}
	dropped, err := follower.Finish(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if to.End() != 2 || len(dropped) != 2 || fmt.Sprint(dropped[1]) != "{users/0 3}" {
		t.Errorf("%d transactions are there, and %v were dropped", to.End(), dropped)
	}
}

// A source that says otherwise than what is here is not followed, not even when it is
// lost.
func TestAContradictionEndsTheFollowing(t *testing.T) {
	from := plain(t, 3)
	to := memstore.New(nil)
	write(t, to, "users/0")
	follower, err := replica.New(from, eventstream.New(to, nil), &notes{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var refused *eventstream.ImportError
	if err := follower.Run(t.Context()); !errors.As(err, &refused) || refused.Stream != "users/0" {
		t.Errorf("following ends with %v", err)
	}
	if _, err := follower.Finish(t.Context(), true); !errors.As(err, &refused) {
		t.Errorf("finishing ends with %v", err)
	}
}
