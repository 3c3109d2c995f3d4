package replica_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
	"github.com/seed5b6a70b4/identity/sync/replica"
)

// busy is a source that is away after it has given some transactions, in no order, of
// which at each checkpoint one waits for another. Between two checkpoints time passes.
type busy struct {
	t            *testing.T
	transactions [][]eventstream.Commit
	parts        [][]int
	pause        time.Duration
	// unmarked leaves the checkpoints out.
	unmarked bool
}

func (b *busy) Close(context.Context) error { return errors.New("it is away") }

func (b *busy) Events(_ context.Context, after string, _ bool) (io.ReadCloser, error) {
	if after != "" {
		return nil, errors.New("it is away")
	}
	file := &bytes.Buffer{}
	lines, err := commitlines.NewWriter(file, &commitlines.Header{Epoch: "e"})
	if err != nil {
		return nil, err
	}
	read, write := io.Pipe()
	go func() {
		for i, part := range b.parts {
			time.Sleep(b.pause)
			for _, n := range part {
				if _, err := lines.Transaction(b.transactions[n]); err != nil {
					b.t.Error(err)
				}
			}
			if b.unmarked {
				_, _ = write.Write(file.Bytes())
				file.Reset()
				continue
			}
			if err := lines.Checkpoint(string(rune('a'+i)), false); err != nil {
				b.t.Error(err)
			}
			_, _ = write.Write(file.Bytes())
			file.Reset()
		}
		_ = write.CloseWithError(io.ErrUnexpectedEOF)
	}()
	return read, nil
}

// all gives the transactions of a store.
func all(t *testing.T, of *memstore.Store) (transactions [][]eventstream.Commit) {
	t.Helper()
	for step, err := range transfer.NewLog(of).After(t.Context(), eventstream.Mark{}) {
		if err != nil {
			t.Fatal(err)
		}
		transactions = append(transactions, step.Transaction)
	}
	return transactions
}

// Where something always waits for what comes a little later, the place is noted all
// the same, behind whatever is whole, and the lag is the time since then.
func TestTheCopyGetsOnThoughSomethingAlwaysWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &busy{t: t, transactions: all(t, plain(t, 8).store), parts: [][]int{{0, 2}, {1, 4}, {3, 6}, {5}}, pause: 2 * time.Second}
		to, kept := memstore.New(nil), &notes{}
		follower, err := replica.New(from, eventstream.New(to, nil), kept, nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		running := make(chan error)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { running <- follower.Run(ctx) }()
		for i, want := range []struct {
			place   string
			caught  time.Duration // zero if never
			waiting int
		}{{"", 0, 1}, {"a", 2 * time.Second, 1}, {"b", 4 * time.Second, 1}, {"d", 8 * time.Second, 0}} {
			time.Sleep(from.pause)
			synctest.Wait()
			place, _ := kept.Place(t.Context())
			state := follower.State()
			if place != want.place || state.Waiting != want.waiting || state.Behind != (want.waiting > 0) {
				t.Errorf("after %d parts the place is %q, and %+v", i+1, place, state)
			}
			if caught := !state.Caught.IsZero(); caught != (want.caught > 0) || caught && state.Caught.Sub(began) != want.caught {
				t.Errorf("after %d parts it had caught up at %v", i+1, state.Caught.Sub(began))
			}
			if !state.Newest.IsZero() {
				t.Error("the newest of what came in no order tells something")
			}
		}
		cancel()
		if err := <-running; err != nil {
			t.Error(err)
		}
	})
}

// A source that fails for some seconds when its last events are asked for is asked
// again, with pauses that grow.
func TestFinishWaitsForASourceThatFailsForNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := plain(t, 3)
		until, failures, began := from.until, 6, time.Now()
		flaky := &flaky{source: from, fails: func() bool { failures--; return failures >= 0 }}
		from.until = until
		to := memstore.New(nil)
		follower, err := replica.New(flaky, eventstream.New(to, nil), &notes{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := follower.Finish(t.Context(), false); err != nil || to.End() != 3 {
			t.Errorf("%d transactions came: %v", to.End(), err)
		}
		if took := time.Since(began); took < 3*time.Second || took > 7*time.Second {
			t.Errorf("it was asked for %v", took)
		}
		failures = 1000
		began = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := follower.Finish(ctx, false); err == nil || time.Since(began) > time.Second {
			t.Errorf("cut off after a second, it ends after %v with %v", time.Since(began), err)
		}
	})
}

type flaky struct {
	*source
	fails func() bool
}

func (f *flaky) Events(ctx context.Context, after string, endless bool) (io.ReadCloser, error) {
	if f.fails() {
		return nil, errors.New("it fails for now")
	}
	return f.source.Events(ctx, after, endless)
}

// measured is a store that notes how much it imports at once.
type measured struct {
	*memstore.Store
	most, calls int
}

func (m *measured) Import(ctx context.Context, transactions [][]eventstream.Commit) (int, error) {
	size := 0
	for _, transaction := range transactions {
		for i := range transaction {
			size += len(transaction[i].Data)
		}
	}
	m.most, m.calls = max(m.most, size), m.calls+1
	return m.Store.Import(ctx, transactions)
}

// What is imported at once is bounded in bytes.
func TestBatchesAreBoundedInBytes(t *testing.T) {
	const each, count, most = 60 << 10, 300, 8 << 20
	from := plain(t, 1)
	data := append(append([]byte{'"'}, bytes.Repeat([]byte{'x'}, each-2)...), '"')
	for range count {
		tx := eventstream.Transaction{Command: uuid.New(), Entries: []eventstream.Entry{{Stream: eventstream.UserStream(uuid.New()), Expect: eventstream.Empty(), Data: data}}}
		if _, err := from.store.Append(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
	}
	to := &measured{Store: memstore.New(nil)}
	follower, err := replica.New(from, eventstream.New(to, nil), &notes{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	from.ordered = false // no checkpoints but the last
	if _, err := follower.Finish(t.Context(), false); err != nil || to.End() != count+1 {
		t.Fatalf("%d transactions came: %v", to.End(), err)
	}
	if to.most > most+each || to.calls < 3 {
		t.Errorf("%d bytes are imported at once, in %d calls", to.most, to.calls)
	}
}

// A source that is not lost and does not tell all is not finished with.
func TestFinishFailsWhereSomethingIsNotTold(t *testing.T) {
	from := plain(t, 4)
	from.ordered = false
	from.shuffled = func(int) []int { return []int{0, 1, 3} }
	follower, err := replica.New(from, eventstream.New(memstore.New(nil), nil), &notes{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if dropped, err := follower.Finish(t.Context(), false); err == nil || !strings.Contains(err.Error(), "commit 2 of users/0") {
		t.Errorf("%v was dropped, and %v", dropped, err)
	}
	if dropped, err := follower.Finish(t.Context(), true); err != nil || len(dropped) != 2 {
		t.Errorf("%v was dropped, and %v", dropped, err)
	}
}

// What comes slowly is imported while it comes, not only at the next checkpoint.
func TestWhatComesSlowlyIsImported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &busy{t: t, transactions: all(t, plain(t, 3).store), parts: [][]int{{0}, {1}, {2}}, pause: 2 * time.Second, unmarked: true}
		to := memstore.New(nil)
		follower, err := replica.New(from, eventstream.New(to, nil), &notes{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		running := make(chan error)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { running <- follower.Run(ctx) }()
		for n := range from.parts {
			time.Sleep(from.pause)
			synctest.Wait()
			if int(to.End()) != n+1 {
				t.Errorf("%d transactions of %d are there", to.End(), n+1)
			}
		}
		cancel()
		if err := <-running; err != nil {
			t.Error(err)
		}
	})
}

// silent is a source that gives some transactions, with no checkpoint behind them, and
// is lost then.
type silent struct {
	transactions [][]eventstream.Commit
	asked        bool
}

func (s *silent) Close(context.Context) error { return errors.New("it is away") }

func (s *silent) Events(ctx context.Context, _ string, _ bool) (io.ReadCloser, error) {
	if s.asked {
		return nil, errors.New("it is away")
	}
	s.asked = true
	read, write := io.Pipe()
	file := &bytes.Buffer{}
	lines, err := commitlines.NewWriter(file, &commitlines.Header{Epoch: "e"})
	if err != nil {
		return nil, err
	}
	for _, transaction := range s.transactions {
		if _, err := lines.Transaction(transaction); err != nil {
			return nil, err
		}
	}
	context.AfterFunc(ctx, func() { _ = write.CloseWithError(ctx.Err()) })
	go func() { _, _ = write.Write(file.Bytes()) }()
	return read, nil
}

// careful is a store that imports nothing for who has given up.
type careful struct{ *memstore.Store }

func (c careful) Import(ctx context.Context, transactions [][]eventstream.Commit) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return c.Store.Import(ctx, transactions)
}

// What came whole is there when a lost source is given up, though the order comes before
// it was imported.
func TestWhatCameWholeIsKeptOfALostSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := &silent{transactions: all(t, plain(t, 3).store)}, careful{memstore.New(nil)}
		follower, err := replica.New(from, eventstream.New(to, nil), &notes{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		running := make(chan error)
		go func() { running <- follower.Run(ctx) }()
		synctest.Wait()
		if state := follower.State(); state.Transactions != 3 || to.End() != 0 {
			t.Fatalf("%+v came, and %d are imported", state, to.End())
		}
		cancel()
		if err := <-running; err != nil {
			t.Fatal(err)
		}
		if dropped, err := follower.Finish(t.Context(), true); err != nil || len(dropped) > 0 || to.End() != 3 {
			t.Errorf("%d transactions are there, %v was dropped: %v", to.End(), dropped, err)
		}
	})
}
