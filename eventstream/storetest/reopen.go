package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var reopenSentences = []sentence{
	{says: "what was acknowledged is there when the store is opened again, to the bit", needs: []Feature{Durable}, test: testReopen},
	{says: "numbers, positions, hashes and times go on where they were", needs: []Feature{Durable}, test: testReopenGoesOn},
	{says: "a store without commits may be opened again", needs: []Feature{Durable}, test: testReopenEmpty},
	{says: "the observer is told only of what is appended after opening", needs: []Feature{Durable, Observed}, test: testReopenObserver},
}

// reopen closes the store and opens what it left.
func (s *subject) reopen(h Harness, options Options) {
	s.t.Helper()
	s.Store = h.Reopen(s.t, s.Store, options)
}

func testReopen(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	written := map[eventstream.StreamID][]eventstream.Commit{}
	var log [][]eventstream.Commit
	keep := func(commits []eventstream.Commit) {
		for _, commit := range commits {
			written[commit.Stream] = append(written[commit.Stream], commit)
		}
		log = append(log, commits)
	}
	for round := range 3 {
		for i := range 10 {
			own := eventstream.UsersStream(round*10 + i)
			keep(s.write(entry("all", eventstream.Any(), fmt.Sprint(i)), entry(own, eventstream.Empty(), ""), only("nothing", eventstream.Empty())))
		}
		keep(s.write(eventstream.Entry{Stream: "large", Expect: eventstream.Exactly(eventstream.Seq(round)), Data: bytesOf(eventstream.MaxData)}))
		s.reopen(h, Options{})
		for stream, commits := range written {
			same(t, "a stream after opening again", s.read(stream, 0), commits)
			same(t, "its last commit", s.last(stream), commits[len(commits)-1])
		}
		s.empty("nothing")
		if h.can(NumberedLog) {
			same(t, "the log after opening again", s.tail(0), log)
			same(t, "its end", s.log().End(), uint64(len(log)))
		}
	}
}

func testReopenGoesOn(t *testing.T, h Harness) {
	options, clock := Options{}, newClock(noon)
	if h.can(Clock) {
		options.Now = clock.now
	}
	s := open(t, h, options)
	s.fill("x", 3)
	clock.add(-time.Hour)
	s.reopen(h, options)
	s.conflict(entry("x", eventstream.Exactly(2), ""))
	commits := s.write(entry("x", eventstream.Exactly(3), ""), entry("y", eventstream.Empty(), ""))
	if commits[0].Seq != 4 || h.can(NumberedLog) && commits[0].Log != 4 {
		t.Fatalf("the next commit is %d at position %d, want 4", commits[0].Seq, commits[0].Log)
	}
	chained(t, "x", s.read("x", 0))
	if recent := s.recent(noon.Add(-2 * time.Hour)); recent["x"] == 0 || recent["y"] != 1 {
		t.Fatalf("recent gives %v", recent)
	}
}

func testReopenEmpty(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.reopen(h, Options{})
	s.empty("x")
	s.reopen(h, Options{})
	s.fill("x", 1)
}

func testReopenObserver(t *testing.T, h Harness) {
	before, after := &witness{}, &witness{}
	s := open(t, h, Options{Observe: before.observe})
	s.fill("x", 3)
	s.reopen(h, Options{Observe: after.observe})
	fourth := s.write(entry("x", eventstream.Exactly(3), ""))
	same(t, "what the new observer is told", after.all(), [][]eventstream.Commit{fourth})
	if got := len(before.all()); got != 3 {
		t.Fatalf("the former observer was told of %d transactions, want 3", got)
	}
}
