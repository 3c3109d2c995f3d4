package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var limitSentences = []sentence{
	{says: "a commit may have MaxData bytes, and a transaction MaxTransaction bytes and MaxEntries entries", test: testLargest},
	{says: "what is over a limit is ErrTooLarge, and nothing is written", test: testTooLarge},
	{says: "what Check refuses is ErrInvalid, and nothing is written", test: testInvalid},
}

func bytesOf(n int) []byte { return bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n] }

func testLargest(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.write(eventstream.Entry{Stream: "one", Expect: eventstream.Empty(), Data: bytesOf(eventstream.MaxData)})
	if got := s.last("one"); !bytes.Equal(got.Data, bytesOf(eventstream.MaxData)) {
		t.Fatalf("%d bytes came back changed", eventstream.MaxData)
	}

	tx := transaction()
	tx.Actor, tx.Correlation = strings.Repeat("a", eventstream.MaxActor), strings.Repeat("c", eventstream.MaxActor)
	each := eventstream.MaxTransaction / eventstream.MaxEntries
	for i := range eventstream.MaxEntries {
		stream := eventstream.StreamID(fmt.Sprintf("%0*d", eventstream.MaxStreamID, i))
		tx.Entries = append(tx.Entries, eventstream.Entry{Stream: stream, Expect: eventstream.Empty(), Data: bytesOf(each)})
	}
	commits, err := s.Append(t.Context(), tx)
	if err != nil {
		t.Fatalf("append of the largest transaction: %v", err)
	}
	for _, commit := range commits {
		same(t, "a commit of the largest transaction", s.last(commit.Stream), commit)
		chained(t, commit.Stream, []eventstream.Commit{commit})
	}
}

func testTooLarge(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	whole := transaction()
	for i := range eventstream.MaxTransaction/eventstream.MaxData + 1 {
		whole.Entries = append(whole.Entries, eventstream.Entry{Stream: eventstream.UsersStream(i), Expect: eventstream.Empty(), Data: bytesOf(eventstream.MaxData)})
	}
	commit := transaction(entry("users/0", eventstream.Empty(), ""), eventstream.Entry{Stream: "users/1", Expect: eventstream.Empty(), Data: bytesOf(eventstream.MaxData + 1)})
	for name, tx := range map[string]eventstream.Transaction{"transaction": whole, "commit": commit} {
		if _, err := s.Append(t.Context(), tx); !errors.Is(err, eventstream.ErrTooLarge) {
			t.Errorf("a %s too large: %v, want ErrTooLarge", name, err)
		}
	}
	s.empty("users/0", "users/1")
	s.fill("users/0", 1)
}

func testInvalid(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	good := func() eventstream.Transaction {
		return transaction(entry("good", eventstream.Empty(), "good"))
	}
	with := func(entries ...eventstream.Entry) func(*eventstream.Transaction) {
		return func(tx *eventstream.Transaction) { tx.Entries = append(tx.Entries, entries...) }
	}
	instead := func(entries ...eventstream.Entry) func(*eventstream.Transaction) {
		return func(tx *eventstream.Transaction) { tx.Entries = entries }
	}
	var tooMany []eventstream.Entry
	for i := range eventstream.MaxEntries {
		tooMany = append(tooMany, entry(eventstream.UsersStream(i), eventstream.Empty(), ""))
	}
	for name, spoil := range map[string]func(*eventstream.Transaction){
		"no entries":                      instead(),
		"too many entries":                with(tooMany...),
		"a stream twice":                  with(entry("good", eventstream.Any(), "")),
		"a stream twice, once only asked": with(only("good", eventstream.Empty())),
		"nothing written":                 instead(only("good", eventstream.Empty())),
		"nothing written that is pinned":  instead(entry("good", eventstream.Any(), ""), only("other", eventstream.Empty())),
		"no expectation":                  with(eventstream.Entry{Stream: "other", Data: []byte("x")}),
		"no stream id":                    with(entry("", eventstream.Empty(), "")),
		"stream id too long":              with(entry(eventstream.StreamID(strings.Repeat("x", eventstream.MaxStreamID+1)), eventstream.Empty(), "")),
		"stream id not UTF-8":             with(entry("user/\xff", eventstream.Empty(), "")),
		"no command id":                   func(tx *eventstream.Transaction) { tx.Command = uuid.Nil },
		"actor too long":                  func(tx *eventstream.Transaction) { tx.Actor = strings.Repeat("x", eventstream.MaxActor+1) },
		"actor not UTF-8":                 func(tx *eventstream.Transaction) { tx.Actor = "\xc3" },
		"correlation too long":            func(tx *eventstream.Transaction) { tx.Correlation = strings.Repeat("x", eventstream.MaxActor+1) },
		"correlation not UTF-8":           func(tx *eventstream.Transaction) { tx.Correlation = "\xa9" },
		"both not UTF-8, but together":    func(tx *eventstream.Transaction) { tx.Actor, tx.Correlation = "\xc3", "\xa9" },
	} {
		tx := good()
		spoil(&tx)
		if _, err := s.Append(t.Context(), tx); !errors.Is(err, eventstream.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	s.empty("good", "other", "users/0")
}
