package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var queueSentences = []sentence{
	{says: "transactions that are enqueued are written or refused in their order", needs: []Feature{Queued}, test: testQueueOrder},
	{says: "what is enqueued is written though nobody waits", needs: []Feature{Queued}, test: testQueueAlone},
	{says: "a wait that ends early says what became of the append", needs: []Feature{Queued}, test: testQueueContext},
	{says: "a closed store takes none, and has written those before", needs: []Feature{Queued}, test: testQueueClosed},
}

// enqueue begins an append.
func (s *subject) enqueue(entries ...eventstream.Entry) eventstream.Appending {
	s.t.Helper()
	appending, err := s.Store.(eventstream.Queue).Enqueue(s.t.Context(), transaction(entries...))
	if err != nil {
		s.t.Fatalf("enqueue: %v", err)
	}
	return appending
}

func testQueueOrder(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	const count = 40
	var right, wrong []eventstream.Appending
	for i := range eventstream.Seq(count) {
		right = append(right, s.enqueue(entry("x", eventstream.Exactly(i), fmt.Sprint(i)), entry("all", eventstream.Any(), fmt.Sprint(i))))
		wrong = append(wrong, s.enqueue(entry("x", eventstream.Exactly(i), "late")))
	}
	for i := range slices.Backward(right) { // in whatever order they are waited for
		commits, err := right[i].Wait(t.Context())
		if err != nil || len(commits) != 2 || commits[0].Seq != eventstream.Seq(i+1) || commits[1].Seq != eventstream.Seq(i+1) {
			t.Fatalf("the append behind commit %d answers %v, %v", i, commits, err)
		}
		same(t, "what was written", commits[0], s.read("x", commits[0].Seq-1)[0])
		var conflict *eventstream.ConflictError
		if _, err := wrong[i].Wait(t.Context()); !errors.As(err, &conflict) || conflict.Conflicts[0].Winners[0].Hash != commits[0].Hash {
			t.Fatalf("the append that came late behind commit %d answers %v", i, err)
		}
	}
	chained(t, "x", s.read("x", 0))
}

func testQueueAlone(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.enqueue(entry("x", eventstream.Empty(), "alone"))
	if commits := s.write(entry("own", eventstream.Empty(), ""), entry("x", eventstream.Any(), "after")); commits[1].Seq != 2 {
		t.Fatalf("what is appended then is commit %d", commits[1].Seq)
	}
}

func testQueueContext(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	for i := range 40 {
		stream := eventstream.UsersStream(i)
		appending := s.enqueue(entry(stream, eventstream.Empty(), ""))
		ended, end := context.WithCancel(t.Context())
		end()
		_, err := appending.Wait(ended)
		s.write(entry("x", eventstream.Exactly(eventstream.Seq(i)), "")) // behind it
		written := len(s.read(stream, 0)) == 1
		if err == nil && !written || err != nil && !errors.Is(err, context.Canceled) || err != nil && !errors.Is(err, eventstream.ErrUnknownOutcome) && written {
			t.Fatalf("the wait ends with %v; written: %t", err, written)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := s.Store.(eventstream.Queue).Enqueue(ended, transaction(entry("y", eventstream.Empty(), ""))); !errors.Is(err, context.Canceled) {
		t.Fatalf("with a context that has ended, enqueue answers %v", err)
	}
	if got := s.read("y", 0); len(got) > 0 {
		t.Fatalf("it wrote %v", got)
	}
}

func testQueueClosed(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	var all []eventstream.Appending
	for i := range eventstream.Seq(40) {
		all = append(all, s.enqueue(entry("x", eventstream.Exactly(i), "")))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for i, appending := range all {
		if commits, err := appending.Wait(t.Context()); err != nil || commits[0].Seq != eventstream.Seq(i+1) {
			t.Fatalf("append %d answers %v, %v", i, commits, err)
		}
	}
	if _, err := s.Store.(eventstream.Queue).Enqueue(t.Context(), transaction(entry("y", eventstream.Empty(), ""))); !errors.Is(err, eventstream.ErrClosed) {
		t.Fatalf("closed, it answers %v", err)
	}
}
