package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var observerSentences = []sentence{
	{says: "the observer is told of every commit once, in the order of the log", needs: []Feature{Observed}, test: testObserveAll},
	{says: "the observer was told before the append returns", needs: []Feature{Observed}, test: testObserveBefore},
	{says: "the observer may read what it is told of", needs: []Feature{Observed}, test: testObserveReads},
	{says: "batches come to the observer one at a time", needs: []Feature{Observed}, test: testObserveOne},
	{says: "reads do not wait for the observer", needs: []Feature{Observed}, test: testObserveSlow},
	{says: "the observer is not told of what was not written", needs: []Feature{Observed}, test: testObserveConflict},
}

// witness remembers what an observer is told. It may be asked concurrently.
type witness struct {
	mu   sync.Mutex
	told [][]eventstream.Commit
}

func (w *witness) observe(transactions [][]eventstream.Commit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, transactions...)
}

func (w *witness) all() [][]eventstream.Commit {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told[:len(w.told):len(w.told)]
}

// race lets writers append transactions of two streams at once and calls after
// with the commits of each.
func race(t *testing.T, s *subject, writers, each int, after func([]eventstream.Commit) error) {
	t.Helper()
	together(t, writers, func(i int) error {
		for k := range each {
			own := eventstream.UsersStream(i*each + k)
			commits, err := s.Append(t.Context(), transaction(entry(own, eventstream.Empty(), ""), entry("all", eventstream.Any(), "")))
			if err == nil {
				err = after(commits)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func testObserveAll(t *testing.T, h Harness) {
	w := &witness{}
	s := open(t, h, Options{Observe: w.observe})
	race(t, s, 6, 10, func([]eventstream.Commit) error { return nil })
	told := w.all()
	if len(told) != 60 {
		t.Fatalf("told of %d transactions, want 60", len(told))
	}
	for i, commits := range told {
		if h.can(NumberedLog) && commits[0].Log != uint64(i+1) {
			t.Fatalf("transaction %d is told as number %d", commits[0].Log, i+1)
		}
		same(t, "the commit in its own stream", s.read(commits[0].Stream, 0), commits[:1])
		same(t, "the commit in the common stream", s.read("all", eventstream.Seq(i))[0], commits[1])
	}
}

func testObserveBefore(t *testing.T, h Harness) {
	w := &witness{}
	s := open(t, h, Options{Observe: w.observe})
	race(t, s, 4, 10, func(commits []eventstream.Commit) error {
		for _, told := range w.all() {
			if told[0].Hash == commits[0].Hash {
				return nil
			}
		}
		return errors.New("an append has returned, and the observer does not know of it")
	})
}

func testObserveReads(t *testing.T, h Harness) {
	var s atomic.Pointer[subject]
	faults := make(chan error, 1)
	s.Store(open(t, h, Options{Observe: func(transactions [][]eventstream.Commit) {
		if err := readTold(t, h, s.Load(), transactions); err != nil {
			select {
			case faults <- err:
			default:
			}
		}
	}}))
	race(t, s.Load(), 4, 8, func([]eventstream.Commit) error { return nil })
	select {
	case err := <-faults:
		t.Fatal(err)
	default:
	}
}

// readTold reads what an observer is told of, from within the observer.
func readTold(t *testing.T, h Harness, s *subject, transactions [][]eventstream.Commit) error {
	for _, commits := range transactions {
		for _, commit := range commits {
			got, err := readAll(t.Context(), s, commit.Stream, commit.Seq-1)
			if err != nil || len(got) == 0 || got[0].Hash != commit.Hash {
				return errors.Join(fmt.Errorf("read does not give commit %d of %q", commit.Seq, commit.Stream), err)
			}
			if last, err := s.Last(t.Context(), commit.Stream); err != nil || last.Seq < commit.Seq {
				return errors.Join(fmt.Errorf("last is before commit %d of %q", commit.Seq, commit.Stream), err)
			}
		}
		if !h.can(NumberedLog) {
			continue
		}
		got, err := tailAll(t.Context(), s.log(), commits[0].Log-1)
		if err != nil || len(got) == 0 || got[0][0].Hash != commits[0].Hash || s.log().End() < commits[0].Log {
			return errors.Join(fmt.Errorf("tail does not give transaction %d", commits[0].Log), err)
		}
	}
	return nil
}

func testObserveOne(t *testing.T, h Harness) {
	var inside, most atomic.Int32
	s := open(t, h, Options{Observe: func([][]eventstream.Commit) {
		most.Store(max(most.Load(), inside.Add(1)))
		defer inside.Add(-1)
	}})
	race(t, s, 6, 10, func([]eventstream.Commit) error { return nil })
	if most.Load() != 1 {
		t.Fatalf("%d batches at a time, want 1", most.Load())
	}
}

func testObserveSlow(t *testing.T, h Harness) {
	entered, leave := make(chan struct{}), make(chan struct{})
	enter := sync.OnceFunc(func() { close(entered) })
	s := open(t, h, Options{Observe: func([][]eventstream.Commit) {
		enter()
		<-leave
	}})
	release := sync.OnceFunc(func() { close(leave) })
	t.Cleanup(release)
	answered := make(chan error, 1)
	go func() {
		_, err := s.Append(t.Context(), transaction(entry("x", eventstream.Empty(), "")))
		answered <- err
	}()
	select {
	case <-entered:
	case err := <-answered:
		t.Fatalf("the append returned (%v) and the observer was not told", err)
	}
	if got := s.last("x").Seq; got != 1 || len(s.read("x", 0)) != 1 || s.recent(noon.AddDate(-1, 0, 0))["x"] != 1 {
		t.Fatalf("last is %d while the observer is told of 1", got)
	}
	select {
	case err := <-answered:
		t.Fatalf("the append returned (%v) while the observer was being told", err)
	default:
	}
	release()
	if err := <-answered; err != nil {
		t.Fatalf("append: %v", err)
	}
}

func testObserveConflict(t *testing.T, h Harness) {
	w := &witness{}
	s := open(t, h, Options{Observe: w.observe})
	s.fill("x", 2)
	s.conflict(entry("y", eventstream.Empty(), ""), entry("x", eventstream.Exactly(1), ""))
	s.Append(t.Context(), eventstream.Transaction{})
	s.Append(cancelled(), transaction(entry("y", eventstream.Empty(), "")))
	if told := w.all(); len(told) != 2 {
		t.Fatalf("told of %d transactions, want the 2 that were written", len(told))
	}
}
