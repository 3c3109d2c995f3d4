package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var appendSentences = []sentence{
	{says: "commits are numbered from 1 without gaps, in the order of their appends", test: testNumbers},
	{says: "the commits of an append are those that read gives, in the order of the entries that write", test: testAnswer},
	{says: "a commit keeps everything that it was given", test: testKeeps},
	{says: "a commit may say nothing", test: testEmptyData},
	{says: "a transaction is written to all of its streams", test: testManyStreams},
	{says: "streams do not mix", test: testStreamsApart},
	{says: "the caller's slices are neither changed nor kept", test: testSlices},
}

func testNumbers(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("user/1", 20)
	for i, commit := range s.read("user/1", 0) {
		if commit.Stream != "user/1" || commit.Seq != eventstream.Seq(i+1) || string(commit.Data) != fmt.Sprint("data ", i+1) {
			t.Fatalf("commit %d is %d of %q and says %q", i+1, commit.Seq, commit.Stream, commit.Data)
		}
	}
	if got := len(s.read("user/1", 0)); got != 20 {
		t.Fatalf("%d commits, want 20", got)
	}
}

func testAnswer(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("b", 3)
	commits := s.write(
		entry("c", eventstream.Empty(), "in c"),
		only("b", eventstream.Exists()),
		entry("a", eventstream.Any(), "in a"),
		entry("b2", eventstream.Empty(), "in b2"),
	)
	var streams []eventstream.StreamID
	for _, commit := range commits {
		streams = append(streams, commit.Stream)
		same(t, "what read gives", s.read(commit.Stream, commit.Seq-1), []eventstream.Commit{commit})
		same(t, "what last gives", s.last(commit.Stream), commit)
	}
	same(t, "streams of the answer", streams, []eventstream.StreamID{"c", "a", "b2"})
}

func testKeeps(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for i, given := range []eventstream.Transaction{
		{Command: uuid.New(), Actor: "user/1", Correlation: "4bf92f3577b34da6a3ce929d0e0e4736"},
		{Command: uuid.New(), Actor: "Ελένη \x00 \u0301", Correlation: "a\nb"},
		{Command: uuid.UUID(bytes.Repeat([]byte{0xff}, 16))},
	} {
		given.Entries = []eventstream.Entry{{Stream: "x", Expect: eventstream.Exactly(eventstream.Seq(i)), Data: all}}
		if _, err := s.Append(t.Context(), given); err != nil {
			t.Fatalf("append: %v", err)
		}
		got := s.last("x")
		if got.Command != given.Command || got.Actor != given.Actor || got.Correlation != given.Correlation || !bytes.Equal(got.Data, all) {
			t.Fatalf("kept %+v of %+v", got, given)
		}
	}
}

func testEmptyData(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.write(entry("x", eventstream.Empty(), ""))
	if got := s.last("x"); got.Seq != 1 || len(got.Data) != 0 {
		t.Fatalf("last is %+v, want commit 1 without data", got)
	}
}

func testManyStreams(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	var entries []eventstream.Entry
	for i := range eventstream.MaxEntries {
		entries = append(entries, entry(eventstream.UsersStream(i), eventstream.Empty(), fmt.Sprint("data ", i)))
	}
	if commits := s.write(entries...); len(commits) != len(entries) {
		t.Fatalf("%d commits for %d entries", len(commits), len(entries))
	}
	for i, given := range entries {
		if got := s.read(given.Stream, 0); len(got) != 1 || !bytes.Equal(got[0].Data, given.Data) {
			t.Fatalf("entry %d: %d commits, want the one that was written", i, len(got))
		}
	}
}

func testStreamsApart(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	for i := range 12 {
		stream := []eventstream.StreamID{"a", "b", "a/b"}[i%3]
		s.write(entry(stream, eventstream.Exactly(eventstream.Seq(i/3)), string(stream)))
	}
	for _, stream := range []eventstream.StreamID{"a", "b", "a/b"} {
		commits := s.read(stream, 0)
		if len(commits) != 4 || slices.ContainsFunc(commits, func(c eventstream.Commit) bool { return c.Stream != stream || string(c.Data) != string(stream) }) {
			t.Fatalf("stream %q gives %+v", stream, commits)
		}
	}
}

func testSlices(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	data, untouched := []byte("as it was"), []byte("as it was")
	room := append(make([]byte, 0, 64), data...)
	tx := transaction(eventstream.Entry{Stream: "x", Expect: eventstream.Empty(), Data: room[:len(data)]}, entry("y", eventstream.Empty(), "y"))
	entries := slices.Clone(tx.Entries)
	if _, err := s.Append(t.Context(), tx); err != nil {
		t.Fatalf("append: %v", err)
	}
	if tx.Entries[0].Stream != entries[0].Stream || tx.Entries[1].Stream != entries[1].Stream || !bytes.Equal(room[:64][:len(data)], data) || !bytes.Equal(room[len(data):64], make([]byte, 64-len(data))) {
		t.Fatal("the append changed what it was given")
	}
	copy(room, "scribbled")
	tx.Entries[0], tx.Entries[1] = entry("z", eventstream.Any(), "z"), entry("z", eventstream.Any(), "z")
	s.write(entry("x", eventstream.Exactly(1), "more"))
	if got := s.read("x", 0)[0]; !bytes.Equal(got.Data, untouched) || len(got.Siblings) != 1 || got.Siblings[0].Stream != "y" {
		t.Fatalf("the commit became %q with siblings %v after its caller's slices had changed", got.Data, got.Siblings)
	}
}
