package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var raceSentences = []sentence{
	{says: "of writers that race for a number exactly one wins, and the others meet it", test: testOneWinner},
	{says: "transactions that race over many streams are written whole or not at all", test: testRaceManyStreams},
	{says: "appends that expect anything never collide", test: testRaceAny},
	{says: "read is a stream as it was at one instant, without gaps, while appends go on", test: testReadMeanwhile},
}

// together runs n functions at once and reports their errors.
func together(t *testing.T, n int, do func(i int) error) {
	t.Helper()
	failed := make(chan error, n)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			failed <- do(i)
		})
	}
	close(start)
	all.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

func testOneWinner(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	const writers, rounds = 8, 12
	for round := range rounds {
		won := make([][]eventstream.Commit, writers)
		beaten := make([]*eventstream.ConflictError, writers)
		together(t, writers, func(i int) error {
			var err error
			tx := transaction(entry("x", eventstream.Exactly(eventstream.Seq(round)), fmt.Sprint("writer ", i)))
			won[i], err = s.Append(t.Context(), tx)
			if err != nil && !errors.As(err, &beaten[i]) {
				return fmt.Errorf("writer %d in round %d: %w", i, round, err)
			}
			return nil
		})
		winner := s.last("x")
		if winner.Seq != eventstream.Seq(round+1) {
			t.Fatalf("after round %d the stream is at %d", round+1, winner.Seq)
		}
		winners := 0
		for i := range writers {
			if beaten[i] == nil {
				winners++
				same(t, "the winner", won[i], []eventstream.Commit{winner})
				continue
			}
			same(t, "what beat a loser", beaten[i].Conflicts[0].Winners, []eventstream.Commit{winner})
		}
		if winners != 1 {
			t.Fatalf("%d winners in round %d, want 1", winners, round+1)
		}
	}
	chained(t, "x", s.read("x", 0))
}

// testRaceManyStreams lets writers claim overlapping rings of streams: whoever
// gets one must get all of his, and every commit must name its siblings.
func testRaceManyStreams(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	const writers, streams, wide = 8, 12, 5
	name := func(i int) eventstream.StreamID { return eventstream.StreamID(fmt.Sprint("ring/", i%streams)) }
	won := make([][]eventstream.Commit, writers)
	together(t, writers, func(i int) error {
		tx := transaction()
		for k := range wide {
			tx.Entries = append(tx.Entries, entry(name(i*3+k), eventstream.Empty(), fmt.Sprint("writer ", i)))
		}
		var err error
		if won[i], err = s.Append(t.Context(), tx); err != nil && !errors.Is(err, eventstream.ErrConflict) {
			return fmt.Errorf("writer %d: %w", i, err)
		}
		return nil
	})
	written, winners := 0, 0
	for i := range streams {
		written += len(s.read(name(i), 0))
	}
	for _, commits := range won {
		if commits == nil {
			continue
		}
		winners++
		for _, commit := range commits {
			same(t, "a winner's commit", s.read(commit.Stream, 0), []eventstream.Commit{commit})
		}
	}
	if winners == 0 || written != winners*wide {
		t.Fatalf("%d winners of %d streams each wrote %d commits", winners, wide, written)
	}
}

func testRaceAny(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	const writers, each = 8, 10
	together(t, writers, func(i int) error {
		for k := range each {
			own := eventstream.StreamID(fmt.Sprintf("own/%d/%d", i, k))
			commits, err := s.Append(t.Context(), transaction(entry(own, eventstream.Empty(), ""), entry("all", eventstream.Any(), string(own))))
			if err != nil {
				return fmt.Errorf("writer %d: %w", i, err)
			}
			if commits[1].Stream != "all" || string(commits[1].Data) != string(own) {
				return fmt.Errorf("writer %d was answered with another's commit", i)
			}
		}
		return nil
	})
	all := s.read("all", 0)
	chained(t, "all", all)
	if len(all) != writers*each {
		t.Fatalf("%d commits, want %d", len(all), writers*each)
	}
}

func testReadMeanwhile(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	const commits, readers = 60, 3
	var acknowledged atomic.Uint64
	var ended atomic.Bool
	together(t, readers+1, func(i int) error {
		if i == readers {
			defer ended.Store(true)
			for seq := range uint64(commits) {
				if _, err := s.Append(t.Context(), transaction(entry("x", eventstream.Exactly(eventstream.Seq(seq)), ""))); err != nil {
					return err
				}
				acknowledged.Store(seq + 1)
			}
			return nil
		}
		for !ended.Load() {
			least := acknowledged.Load()
			got, err := readAll(t.Context(), s, "x", 0)
			if err == nil {
				err = brokenChain("x", eventstream.Head{}, got)
			}
			if err != nil {
				return err
			}
			if uint64(len(got)) < least {
				return fmt.Errorf("read gives %d commits after %d were acknowledged", len(got), least)
			}
		}
		return nil
	})
}
