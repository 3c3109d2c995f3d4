package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var closeSentences = []sentence{
	{says: "after close every call fails with ErrClosed, which is ErrUnavailable", test: testClosed},
	{says: "closing again does nothing", test: testCloseAgain},
	{says: "close waits for appends under way, and each is told what came of it", test: testCloseWaits},
}

func testClosed(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("x", 2)
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	failures := map[string]error{}
	_, failures["append"] = s.Append(t.Context(), transaction(entry("x", eventstream.Exactly(2), "")))
	_, failures["read"] = readAll(t.Context(), s, "x", 0)
	_, failures["last"] = s.Last(t.Context(), "x")
	for _, failures["recent"] = range s.Recent(t.Context(), noon) {
		break
	}
	if h.can(NumberedLog) {
		_, failures["tail"] = tailAll(t.Context(), s.log(), 0)
	}
	for call, err := range failures {
		if !errors.Is(err, eventstream.ErrClosed) || !errors.Is(err, eventstream.ErrUnavailable) {
			t.Errorf("%s after close: %v, want ErrClosed", call, err)
		}
	}
}

func testCloseAgain(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
}

func testCloseWaits(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	const writers = 6
	kept := make([]eventstream.Seq, writers)
	begun := make(chan struct{}, writers)
	var closed atomic.Bool
	together(t, writers+1, func(i int) error {
		if i == writers {
			for range writers {
				<-begun
			}
			defer closed.Store(true)
			return s.Close()
		}
		return appendUntilClosed(t, s, eventstream.UsersStream(i), &kept[i], begun, &closed)
	})
	if h.Reopen == nil {
		return
	}
	again := &subject{h.Reopen(t, s.Store, Options{}), t}
	t.Cleanup(func() { again.Close() })
	for i, seq := range kept {
		if got := again.last(eventstream.UsersStream(i)).Seq; got != seq {
			t.Errorf("writer %d was told of %d commits, and there are %d", i, seq, got)
		}
	}
}

// appendUntilClosed counts the appends that were acknowledged until one is told
// that the store is closed. The first is announced.
func appendUntilClosed(t *testing.T, s *subject, stream eventstream.StreamID, kept *eventstream.Seq, begun chan<- struct{}, closed *atomic.Bool) error {
	announce := sync.OnceFunc(func() { begun <- struct{}{} })
	defer announce()
	for {
		tooLate := closed.Load()
		_, err := s.Append(t.Context(), transaction(entry(stream, eventstream.Exactly(*kept), "")))
		switch {
		case errors.Is(err, eventstream.ErrClosed):
			return nil
		case err != nil:
			return err
		case tooLate:
			return errors.New("an append that began after the store was closed succeeded")
		}
		*kept++
		announce()
	}
}
