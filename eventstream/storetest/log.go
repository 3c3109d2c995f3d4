package storetest

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var logSentences = []sentence{
	{says: "transactions are numbered from 1 without gaps", needs: []Feature{NumberedLog}, test: testPositions},
	{says: "tail gives the transactions after a position, as their appends were answered", needs: []Feature{NumberedLog}, test: testTail},
	{says: "tail after the end, or beyond, gives none", needs: []Feature{NumberedLog}, test: testTailBeyond},
	{says: "tail agrees with read while appends go on", needs: []Feature{NumberedLog}, test: testTailMeanwhile},
	{says: "a conflict leaves no number behind", needs: []Feature{NumberedLog}, test: testPositionsConflict},
}

func testPositions(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	if got := s.log().End(); got != 0 || len(s.tail(0)) > 0 {
		t.Fatalf("a fresh log ends at %d with %d transactions", got, len(s.tail(0)))
	}
	for i := range uint64(10) {
		commits := s.write(entry(eventstream.UsersStream(int(i)), eventstream.Empty(), ""), entry("all", eventstream.Any(), ""))
		if commits[0].Log != i+1 || commits[1].Log != i+1 || s.log().End() != i+1 {
			t.Fatalf("transaction %d is numbered %d and %d, and the log ends at %d", i+1, commits[0].Log, commits[1].Log, s.log().End())
		}
		same(t, "last", s.last("all").Log, i+1)
	}
}

func testTail(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	var written [][]eventstream.Commit
	for i := range 12 {
		b := entry("b", eventstream.Any(), fmt.Sprint("b ", i))
		written = append(written, s.write(entry(eventstream.UsersStream(i), eventstream.Empty(), "own"), b, entry("a", eventstream.Any(), "a")))
	}
	for after := range written {
		same(t, "transactions after a position", s.tail(uint64(after)), written[after:])
	}
	for commits, err := range s.log().Tail(t.Context(), 3) {
		if err != nil {
			t.Fatalf("tail: %v", err)
		}
		same(t, "the first transaction after 3", commits, written[3])
		break
	}
}

func testTailBeyond(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("x", 3)
	for _, after := range []uint64{3, 4, math.MaxInt64, math.MaxUint64} {
		if got := s.tail(after); len(got) > 0 {
			t.Fatalf("%d transactions after %d, want none", len(got), after)
		}
	}
}

func testTailMeanwhile(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	const writers, each = 4, 15
	var writing atomic.Int32
	writing.Store(writers)
	together(t, writers+1, func(i int) error {
		if i == writers {
			return followTail(t, s, &writing, writers*each)
		}
		defer writing.Add(-1)
		for k := range each {
			own := eventstream.UsersStream(i*each + k)
			if _, err := s.Append(t.Context(), transaction(entry(own, eventstream.Empty(), ""), entry("all", eventstream.Any(), ""))); err != nil {
				return err
			}
		}
		return nil
	})
	all := s.read("all", 0)
	for i, commits := range s.tail(0) {
		same(t, "a transaction's commit", s.last(commits[0].Stream), commits[0])
		same(t, "a commit in the order of the log", commits[1], all[i])
	}
}

// followTail walks the log as it grows, until nobody writes any more, and must
// then have met so many transactions.
func followTail(t *testing.T, s *subject, writing *atomic.Int32, transactions uint64) error {
	after := uint64(0)
	for last := false; !last; {
		last = writing.Load() == 0
		end := s.log().End()
		met, err := tailAll(t.Context(), s.log(), after)
		if err != nil {
			return err
		}
		for _, commits := range met {
			if after++; len(commits) != 2 || commits[0].Log != after || commits[1].Log != after {
				return fmt.Errorf("transaction %d is not whole, or not number %d", commits[0].Log, after)
			}
			if got, err := s.Last(t.Context(), commits[0].Stream); err != nil || got.Hash != commits[0].Hash {
				return errors.Join(fmt.Errorf("transaction %d is in the log, and its stream does not show it", after), err)
			}
		}
		if after < end {
			return fmt.Errorf("tail ends at %d after the log had ended at %d", after, end)
		}
	}
	if after != transactions {
		return fmt.Errorf("the log ends after %d transactions, want %d", after, transactions)
	}
	return nil
}

func testPositionsConflict(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("x", 1)
	s.conflict(entry("x", eventstream.Empty(), ""))
	s.Append(t.Context(), eventstream.Transaction{})
	s.Append(cancelled(), transaction(entry("y", eventstream.Empty(), "")))
	if got := s.write(entry("z", eventstream.Empty(), ""))[0].Log; got != 2 || s.log().End() != 2 || len(s.tail(0)) != 2 {
		t.Fatalf("the next transaction is %d, want 2", got)
	}
}
