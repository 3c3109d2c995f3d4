package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var expectSentences = []sentence{
	{says: "an append is written exactly if its expectation allows the stream's last number", test: testExpectations},
	{says: "an entry without data is only a condition, and writes nothing", test: testConditions},
	{says: "the number of a commit is the last one's + 1, whatever was expected", test: testAnyNumbers},
}

var expectations = []struct {
	expect eventstream.Expect
	allows func(head eventstream.Seq) bool
}{
	{eventstream.Any(), func(eventstream.Seq) bool { return true }},
	{eventstream.Empty(), func(head eventstream.Seq) bool { return head == 0 }},
	{eventstream.Exists(), func(head eventstream.Seq) bool { return head > 0 }},
	{eventstream.Exactly(0), func(head eventstream.Seq) bool { return head == 0 }},
	{eventstream.Exactly(1), func(head eventstream.Seq) bool { return head == 1 }},
	{eventstream.Exactly(2), func(head eventstream.Seq) bool { return head == 2 }},
	{eventstream.Exactly(3), func(head eventstream.Seq) bool { return head == 3 }},
	{eventstream.Exactly(1 << 40), func(eventstream.Seq) bool { return false }},
}

func testExpectations(t *testing.T, h Harness) {
	tryExpectations(t, h, func(stream eventstream.StreamID, expect eventstream.Expect) eventstream.Entry {
		return entry(stream, expect, "more")
	})
}

func testConditions(t *testing.T, h Harness) {
	tryExpectations(t, h, only)
}

// tryExpectations tries each expectation on streams of several lengths, beside
// an entry that always holds.
func tryExpectations(t *testing.T, h Harness, try func(eventstream.StreamID, eventstream.Expect) eventstream.Entry) {
	s := open(t, h, Options{})
	for head := range eventstream.Seq(4) {
		for i, want := range expectations {
			stream := eventstream.StreamID(fmt.Sprintf("tried/%d/%d", head, i))
			beside := stream + "/beside"
			s.fill(stream, int(head))
			tried := try(stream, want.expect)
			_, err := s.Append(t.Context(), transaction(tried, entry(beside, eventstream.Empty(), "beside")))
			after, written := s.last(stream).Seq, s.last(beside).Seq == 1
			if want.allows(head) != (err == nil) || written != (err == nil) {
				t.Errorf("%s at %d: error %v, written %v", want.expect, head, err, written)
			}
			if err != nil && !errors.Is(err, eventstream.ErrConflict) {
				t.Errorf("%s at %d: error is %v, want a conflict", want.expect, head, err)
			}
			if moved := after != head; moved != (err == nil && tried.Data != nil) {
				t.Errorf("%s at %d: stream is at %d after error %v", want.expect, head, after, err)
			}
		}
	}
}

func testAnyNumbers(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	for i, expect := range []eventstream.Expect{eventstream.Any(), eventstream.Exists(), eventstream.Exactly(2), eventstream.Any()} {
		fixed := entry(eventstream.StreamID(fmt.Sprint("fixed/", i)), eventstream.Empty(), "")
		if commits := s.write(fixed, entry("x", expect, "")); commits[1].Seq != eventstream.Seq(i+1) {
			t.Fatalf("append %d expecting %s made commit %d", i+1, expect, commits[1].Seq)
		}
	}
}
