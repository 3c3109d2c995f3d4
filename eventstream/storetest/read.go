package storetest

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var readSentences = []sentence{
	{says: "a stream that does not exist has no commits, and no last one", test: testNoStream},
	{says: "read gives what comes after a number, in order", test: testReadAfter},
	{says: "read after the last number, or beyond, gives none", test: testReadBeyond},
	{says: "last is the newest commit", test: testLast},
	{says: "the head is the newest commit's number", needs: []Feature{KnownHeads}, test: testHead},
	{says: "a reader may stop early, and a sequence may be walked again", test: testReadStops},
}

func testNoStream(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.empty("nothing")
	s.fill("something", 2)
	s.empty("nothing", "some", "something/else")
}

func testReadAfter(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	written := s.fill("x", 9)
	for after := range written {
		same(t, "commits after a number", s.read("x", eventstream.Seq(after)), written[after:])
	}
}

func testReadBeyond(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("x", 3)
	for _, after := range []eventstream.Seq{3, 4, math.MaxInt64, math.MaxUint64} {
		if got := s.read("x", after); len(got) > 0 {
			t.Fatalf("%d commits after %d, want none", len(got), after)
		}
	}
}

func testLast(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	for _, commit := range s.fill("x", 5) {
		same(t, "last", s.read("x", commit.Seq-1)[0], commit)
	}
	same(t, "last", s.last("x"), s.read("x", 4)[0])
}

func testHead(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	heads := s.Store.(eventstream.Heads)
	for want := range eventstream.Seq(4) {
		if got, err := heads.Head(t.Context(), "x"); err != nil || got != want {
			t.Fatalf("the head is %d, %v; not %d", got, err, want)
		}
		s.write(entry("x", eventstream.Exactly(want), "data"), entry("y", eventstream.Any(), "data"))
	}
	if _, err := heads.Head(cancelled(), "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("the head under a context that has ended: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if _, err := heads.Head(t.Context(), "x"); !errors.Is(err, eventstream.ErrClosed) {
		t.Errorf("the head of a closed store: %v", err)
	}
}

func testReadStops(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	written := s.fill("x", 5)
	sequence := s.Read(t.Context(), "x", 1)
	for range 2 {
		var got []eventstream.Commit
		for commit, err := range sequence {
			if err != nil {
				t.Fatalf("read: %v", err)
			}
			if got = append(got, commit); len(got) == 2 {
				break
			}
		}
		same(t, "the first two after 1", got, written[1:3])
	}
}
