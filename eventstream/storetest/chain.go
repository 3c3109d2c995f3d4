package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var chainSentences = []sentence{
	{says: "every commit carries its hash and the hash of the one before it", test: testHashes},
	{says: "every commit names its siblings, sorted by stream", test: testSiblings},
	{says: "times are whole milliseconds in UTC", needs: []Feature{Clock}, test: testTimes},
	{says: "times never go back within a stream, even if the clock does", needs: []Feature{Clock}, test: testTimesBack},
	{says: "times are about now", test: testTimesNow},
}

// chained checks that commits are a whole stream from its beginning.
func chained(t testing.TB, stream eventstream.StreamID, commits []eventstream.Commit) {
	t.Helper()
	if err := brokenChain(stream, eventstream.Head{}, commits); err != nil {
		t.Fatal(err)
	}
}

// brokenChain says where commits do not continue a stream, nil if they do.
func brokenChain(stream eventstream.StreamID, head eventstream.Head, commits []eventstream.Commit) error {
	for i := range commits {
		c := &commits[i]
		switch {
		case c.Stream != stream:
			return fmt.Errorf("a commit of %q stands in %q", c.Stream, stream)
		case c.Seq != head.Seq+1:
			return fmt.Errorf("commit %d of %q follows %d", c.Seq, stream, head.Seq)
		case c.Time.Before(head.Time):
			return fmt.Errorf("commit %d of %q is older than the one before it", c.Seq, stream)
		case c.Previous != head.Hash:
			return fmt.Errorf("commit %d of %q does not carry the hash of the one before it", c.Seq, stream)
		case c.Hash != c.ComputeHash():
			return fmt.Errorf("commit %d of %q does not carry its own hash", c.Seq, stream)
		}
		head = eventstream.Head{Seq: c.Seq, Time: c.Time, Hash: c.Hash}
	}
	return nil
}

func testHashes(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("x", 4)
	for i := range eventstream.Seq(4) {
		s.write(entry("x", eventstream.Any(), "with siblings"), entry("y", eventstream.Exactly(i), fmt.Sprint(i)), entry("z", eventstream.Any(), ""))
	}
	for stream, length := range map[eventstream.StreamID]int{"x": 8, "y": 4, "z": 4} {
		commits := s.read(stream, 0)
		chained(t, stream, commits)
		if len(commits) != length {
			t.Fatalf("stream %q has %d commits, want %d", stream, len(commits), length)
		}
	}
}

func testSiblings(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("b", 4)
	s.fill("checked", 1)
	s.write(
		entry("c", eventstream.Empty(), "c"),
		entry("a", eventstream.Empty(), "a"),
		only("checked", eventstream.Exists()),
		entry("b", eventstream.Exactly(4), "b"),
	)
	all := []eventstream.Position{{Stream: "a", Seq: 1}, {Stream: "b", Seq: 5}, {Stream: "c", Seq: 1}}
	for i, own := range all {
		want := slices.Delete(slices.Clone(all), i, i+1)
		if !slices.IsSortedFunc(want, func(x, y eventstream.Position) int { return strings.Compare(string(x.Stream), string(y.Stream)) }) {
			t.Fatal("the test is wrong")
		}
		same(t, "siblings", s.last(own.Stream).Siblings, want)
	}
	if alone := s.read("b", 0)[0]; len(alone.Siblings) > 0 {
		t.Fatalf("a commit alone has siblings %v", alone.Siblings)
	}
}

// clock is one that a test sets by hand. It may be read concurrently.
type clock struct{ nanoseconds atomic.Int64 }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newClock(at time.Time) *clock {
	c := &clock{}
	c.set(at)
	return c
}

func (c *clock) set(at time.Time)    { c.nanoseconds.Store(at.UnixNano()) }
func (c *clock) add(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// now is in a zone of its own, so that a store which forgets UTC shows.
func (c *clock) now() time.Time {
	return time.Unix(0, c.nanoseconds.Load()).In(time.FixedZone("somewhere", 5400))
}

func testTimes(t *testing.T, h Harness) {
	clock := newClock(noon.Add(1_999_999))
	s := open(t, h, Options{Now: clock.now})
	s.write(entry("x", eventstream.Empty(), ""), entry("y", eventstream.Empty(), ""))
	for _, stream := range []eventstream.StreamID{"x", "y"} {
		if got := s.last(stream).Time; got != noon.Add(time.Millisecond) {
			t.Fatalf("time is %v, want %v in UTC", got, noon.Add(time.Millisecond))
		}
	}
}

func testTimesBack(t *testing.T, h Harness) {
	clock := newClock(noon)
	s := open(t, h, Options{Now: clock.now})
	for _, step := range []struct{ move, want time.Duration }{
		{0, 0},
		{time.Second, time.Second},
		{-time.Hour, time.Second},
		{time.Minute, time.Second},
		{time.Hour, time.Minute + time.Second},
		{-24 * 365 * time.Hour, time.Minute + time.Second},
	} {
		clock.add(step.move)
		s.write(entry("x", eventstream.Any(), ""), entry(eventstream.StreamID("fresh "+step.move.String()), eventstream.Empty(), ""))
		if got := s.last("x").Time; !got.Equal(noon.Add(step.want)) {
			t.Fatalf("after the clock moved %v the time is %v, want %v", step.move, got, noon.Add(step.want))
		}
	}
	chained(t, "x", s.read("x", 0))
}

func testTimesNow(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	before := time.Now().Truncate(time.Millisecond)
	got := s.fill("x", 1)[0].Time
	if got.Before(before.Add(-time.Minute)) || got.After(time.Now().Add(time.Minute)) {
		t.Fatalf("time is %v, more than a minute from now", got)
	}
}
