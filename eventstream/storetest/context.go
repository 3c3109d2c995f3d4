package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var contextSentences = []sentence{
	{says: "an append whose ctx has ended writes nothing, and says why", test: testAppendCancelled},
	{says: "reads whose ctx has ended fail, and say why", test: testReadsCancelled},
	{says: "a sequence whose ctx ends meanwhile is whole or fails, never silently short", test: testReadCancelledMeanwhile},
	{says: "an append whose ctx ends meanwhile tells what came of it, or that it cannot tell", test: testAppendCancelledMeanwhile},
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func testAppendCancelled(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	if _, err := s.Append(cancelled(), transaction(entry("x", eventstream.Empty(), ""))); !errors.Is(err, context.Canceled) || errors.Is(err, eventstream.ErrUnknownOutcome) {
		t.Fatalf("append: %v, want context.Canceled", err)
	}
	late, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	if _, err := s.Append(late, transaction(entry("x", eventstream.Empty(), ""))); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("append: %v, want context.DeadlineExceeded", err)
	}
	s.empty("x")
}

func testReadsCancelled(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("x", 2)
	for _, stream := range []eventstream.StreamID{"x", "nothing"} {
		if commits, err := readAll(cancelled(), s, stream, 0); !errors.Is(err, context.Canceled) || len(commits) > 0 {
			t.Errorf("read of %q: %d commits, %v; want context.Canceled", stream, len(commits), err)
		}
		if _, err := s.Last(cancelled(), stream); !errors.Is(err, context.Canceled) {
			t.Errorf("last of %q: %v, want context.Canceled", stream, err)
		}
	}
	var err error
	for _, err = range s.Recent(cancelled(), noon) {
		break
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("recent: %v, want context.Canceled", err)
	}
	if h.can(NumberedLog) {
		if _, err := tailAll(cancelled(), s.log(), 0); !errors.Is(err, context.Canceled) {
			t.Errorf("tail: %v, want context.Canceled", err)
		}
	}
}

func testReadCancelledMeanwhile(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("x", 50)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := 0
	for commit, err := range s.Read(ctx, "x", 0) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("read fails with %v, want context.Canceled", err)
			}
			return
		}
		if got++; int(commit.Seq) != got {
			t.Fatalf("commit %d comes as number %d", commit.Seq, got)
		}
		cancel()
	}
	if got != 50 {
		t.Fatalf("read ended without an error after %d of 50 commits", got)
	}
}

// testAppendCancelledMeanwhile ends the contexts of appends at all sorts of
// moments, and afterwards compares what they were told with what there is.
func testAppendCancelledMeanwhile(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	const appends = 100
	outcomes := make([]error, appends)
	name := func(i int) eventstream.StreamID { return eventstream.StreamID(fmt.Sprint("x/", i)) }
	for i := range appends {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, outcomes[i] = s.Append(ctx, transaction(entry(name(i), eventstream.Empty(), ""), entry("all", eventstream.Any(), "")))
		}()
		for range i * i {
			if ctx.Err() != nil {
				t.Error("cannot be")
			}
		}
		cancel()
		<-done
	}
	for i, err := range outcomes {
		written := s.last(name(i)).Seq == 1
		switch {
		case errors.Is(err, eventstream.ErrUnknownOutcome):
		case err == nil && !written:
			t.Errorf("append %d succeeded, and nothing was written", i)
		case err != nil && written:
			t.Errorf("append %d failed with %v, which says that nothing was written, and it was", i, err)
		case err != nil && !errors.Is(err, context.Canceled):
			t.Errorf("append %d: %v, want context.Canceled", i, err)
		}
	}
	chained(t, "all", s.read("all", 0))
}
