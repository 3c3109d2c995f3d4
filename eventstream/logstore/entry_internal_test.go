package logstore

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// sealed draws the commits of a transaction, and where their streams stood.
func sealed(t *rapid.T) ([]eventstream.Commit, []address) {
	tx := eventstream.Transaction{
		Command: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "command")),
		Actor:   rapid.String().Draw(t, "actor"), Correlation: rapid.String().Draw(t, "correlation"),
	}
	streams := rapid.SliceOfNDistinct(rapid.StringN(1, 20, 80), 1, 12, rapid.ID).Draw(t, "streams")
	heads, before := make([]eventstream.Head, len(streams)), make([]address, len(streams))
	for i, stream := range streams {
		data := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data")
		tx.Entries = append(tx.Entries, eventstream.Entry{Stream: eventstream.StreamID(stream), Expect: eventstream.Any(), Data: data})
		if rapid.Bool().Draw(t, "there") {
			heads[i].Seq = eventstream.Seq(rapid.Uint64Range(1, 1<<40).Draw(t, "seq"))
			heads[i].Hash[0] = 1
			before[i] = addressOf(rapid.Uint32Range(1, 1<<24-1).Draw(t, "segment"), 64+8*rapid.Int64Range(0, 1<<23).Draw(t, "offset"))
		}
	}
	return eventstream.Seal(&tx, heads, time.UnixMilli(rapid.Int64Range(-1e12, 1e13).Draw(t, "time"))), before
}

func TestATransactionIsDecodedAsItWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		commits, before := sealed(t)
		for i := range commits {
			commits[i].Log = 7
		}
		payload := appendTransaction(nil, commits, before)
		tx := eventstream.Transaction{Actor: commits[0].Actor, Correlation: commits[0].Correlation}
		for _, commit := range commits {
			tx.Entries = append(tx.Entries, eventstream.Entry{Stream: commit.Stream, Data: commit.Data})
		}
		if bound := encodedBound(&tx); len(payload) > bound {
			t.Errorf("%d bytes, bound to be %d at most", len(payload), bound)
		}
		decoded, err := decodeTransaction(payload, 7)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(commits, decoded); diff != "" {
			t.Error(diff)
		}
		for i := range commits {
			one, previous, found, err := decodeCommit(payload, 7, commits[i].Stream)
			if err != nil || !found || previous != before[i] {
				t.Fatalf("found %t, before %d, error %v", found, previous, err)
			}
			if diff := cmp.Diff(commits[i], one); diff != "" {
				t.Error(diff)
			}
		}
		if _, _, found, err := decodeCommit(payload, 7, eventstream.StreamID(strings.Repeat("x", 81))); found || err != nil {
			t.Errorf("a stream that is not in there: found %t, error %v", found, err)
		}
		if _, err := decodeTransaction(append(payload, 0), 7); err == nil {
			t.Error("a byte too many is not noticed")
		}
		if _, err := decodeTransaction(payload[:len(payload)-1], 7); err == nil {
			t.Error("a byte too few is not noticed")
		}
	})
}

func TestAddressesHoldAllSegmentsAndOffsets(t *testing.T) {
	for _, segment := range []uint32{1, 2, 1<<24 - 1} {
		for _, offset := range []int64{64, 72, maxSegmentSize - 8} {
			at := addressOf(segment, offset)
			if at.segment() != segment || at.offset() != offset || at >= 1<<48 {
				t.Errorf("segment %d, offset %d: %d, %d", segment, offset, at.segment(), at.offset())
			}
		}
	}
}

// FuzzTransaction feeds stored entries that were damaged: decoding them never
// panics, and both decoders agree.
func FuzzTransaction(f *testing.F) {
	tx := eventstream.Transaction{Command: uuid.New(), Actor: "a", Entries: []eventstream.Entry{
		{Stream: "user/1", Data: []byte("data")}, {Stream: "users/0", Data: nil}, {Stream: "users/1", Data: []byte{}},
	}}
	heads := []eventstream.Head{{}, {}, {Seq: 300}}
	f.Add(appendTransaction(nil, eventstream.Seal(&tx, heads, time.UnixMilli(1)), []address{0, 99}))
	f.Add([]byte(strings.Repeat("\xff", 100)))
	f.Fuzz(func(t *testing.T, payload []byte) {
		commits, err := decodeTransaction(payload, 1)
		if err != nil {
			return
		}
		for i := range commits {
			twice := slices.ContainsFunc(commits[i+1:], func(c eventstream.Commit) bool { return c.Stream == commits[i].Stream })
			one, _, found, err := decodeCommit(payload, 1, commits[i].Stream)
			if err != nil || !found || !twice && one.Hash != commits[i].Hash {
				t.Fatalf("commit %d: found %t, %v", i, found, err)
			}
		}
	})
}
