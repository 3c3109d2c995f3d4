package storetest

import (
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var recentSentences = []sentence{
	{says: "recent leaves no stream out that has moved since", test: testRecentAll},
	{says: "recent goes by the commits' times, to the millisecond", needs: []Feature{Clock}, test: testRecentTimes},
	{says: "recent names no stream that does not exist, and no number beyond its last", test: testRecentNoMore},
}

func testRecentAll(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	before := time.Now()
	for i := range 30 {
		s.write(entry(eventstream.UsersStream(i), eventstream.Empty(), ""), entry("all", eventstream.Any(), ""))
	}
	recent := s.recent(before)
	for i := range 30 {
		if recent[eventstream.UsersStream(i)] != 1 {
			t.Fatalf("recent gives %d for a stream that has moved to 1", recent[eventstream.UsersStream(i)])
		}
	}
	if seq, named := recent["all"]; !named || seq > 30 {
		t.Fatalf("recent gives %d (named: %v) for a stream at 30", seq, named)
	}
}

func testRecentTimes(t *testing.T, h Harness) {
	clock := newClock(noon.Add(999_999)) // a nanosecond before the next millisecond
	s := open(t, h, Options{Now: clock.now})
	for i := range 10 {
		s.write(entry(eventstream.UsersStream(i), eventstream.Empty(), ""))
		clock.add(time.Hour)
	}
	for first := range 10 {
		recent := s.recent(noon.Add(time.Duration(first)*time.Hour + 999_998))
		for i := first; i < 10; i++ {
			if recent[eventstream.UsersStream(i)] != 1 {
				t.Fatalf("recent since the time of commit %d leaves out commit %d", first, i)
			}
		}
	}
}

func testRecentNoMore(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("x", 3)
	s.conflict(entry("y", eventstream.Empty(), ""), entry("x", eventstream.Empty(), ""))
	for stream, seq := range s.recent(time.Unix(0, 0)) {
		if stream != "x" || seq < 1 || seq > 3 {
			t.Fatalf("recent names %q at %d", stream, seq)
		}
	}
}
