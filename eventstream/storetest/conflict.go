package storetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var conflictSentences = []sentence{
	{says: "a conflict writes nothing, to none of its streams", test: testConflictWritesNothing},
	{says: "a conflict names every entry that failed, with the stream's last number and the commits that won", test: testConflictNames},
	{says: "a transaction that is appended again meets its own commits", test: testAppendedAgain},
	{says: "the text of a conflict names no stream and no data", test: testConflictText},
}

func (s *subject) conflict(entries ...eventstream.Entry) *eventstream.ConflictError {
	s.t.Helper()
	commits, err := s.Append(s.t.Context(), transaction(entries...))
	var conflict *eventstream.ConflictError
	if !errors.As(err, &conflict) || len(commits) > 0 {
		s.t.Fatalf("append answers %d commits and %v, want a conflict", len(commits), err)
	}
	return conflict
}

func testConflictWritesNothing(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	before := s.fill("x", 2)
	s.conflict(
		entry("new", eventstream.Empty(), "new"),
		entry("any", eventstream.Any(), "any"),
		entry("x", eventstream.Exactly(1), "late"),
		entry("other", eventstream.Empty(), "other"),
	)
	same(t, "the stream in conflict", s.read("x", 0), before)
	s.empty("new", "any", "other")
	if commits := s.write(entry("new", eventstream.Empty(), "new"), entry("x", eventstream.Exactly(2), "third")); commits[1].Seq != 3 {
		t.Fatalf("the next commit is %d, want 3: a conflict must leave no number behind", commits[1].Seq)
	}
}

func testConflictNames(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	a, b := s.fill("a", 4), s.fill("b", 3)
	s.fill("c", 1)
	got := s.conflict(
		entry("a", eventstream.Exactly(2), ""),
		entry("fine", eventstream.Empty(), ""),
		only("b", eventstream.Empty()),
		entry("missing", eventstream.Exists(), ""),
		entry("any", eventstream.Any(), ""),
		only("absent", eventstream.Exactly(7)),
		entry("c", eventstream.Exactly(5), ""),
	)
	same(t, "conflicts", got.Conflicts, []eventstream.Conflict{
		{Index: 0, Stream: "a", Expect: eventstream.Exactly(2), Head: 4, Winners: a[2:]},
		{Index: 2, Stream: "b", Expect: eventstream.Empty(), Head: 3, Winners: b},
		{Index: 3, Stream: "missing", Expect: eventstream.Exists()},
		{Index: 5, Stream: "absent", Expect: eventstream.Exactly(7)},
		{Index: 6, Stream: "c", Expect: eventstream.Exactly(5), Head: 1},
	})
}

func testAppendedAgain(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("checked", 1)
	tx := transaction(entry("x", eventstream.Empty(), "x"), only("checked", eventstream.Exactly(1)), entry("y", eventstream.Any(), "y"))
	commits, err := s.Append(t.Context(), tx)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	s.write(entry("x", eventstream.Exactly(1), "later"))
	_, err = s.Append(t.Context(), tx)
	var conflict *eventstream.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 {
		t.Fatalf("appending again answers %v, want one conflict", err)
	}
	same(t, "the winner", conflict.Conflicts[0].Winners[0], commits[0])
	if got := len(s.read("y", 0)); got != 1 {
		t.Fatalf("the other stream has %d commits, want the 1 that was written", got)
	}
}

func testConflictText(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.write(entry("claim/email/secret", eventstream.Empty(), "private"))
	_, err := s.Append(t.Context(), transaction(entry("claim/email/secret", eventstream.Empty(), "private")))
	if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "private") {
		t.Fatalf("the error says %q", err)
	}
}
