package eventstream_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

func sample() eventstream.Commit {
	return eventstream.Commit{
		Stream: eventstream.UserStream(idA), Seq: 23, Time: time.UnixMilli(1795348800123).UTC(), Command: idB, Actor: "key/1", Correlation: "4bf9",
		Siblings: []eventstream.Position{at("claim/email/00ff", 2), at("users/0", 100)},
		Data:     []byte(`[{"type":"SetActive","v":1,"data":{"active":true}}]`), Previous: eventstream.Hash{1, 2, 3},
	}
}

// TestHashOfACommit fixes the canonical form: hashes are kept for ever.
func TestHashOfACommit(t *testing.T) {
	commit := sample()
	hash := commit.ComputeHash()
	if got := hex.EncodeToString(hash[:]); got != "c706c1eb96dd7a0538743eb4ed66b3307161ad8e0a6d4595dda0f6b94be7de86" {
		t.Fatalf("the hash is %s", got)
	}
}

func TestTheHashCoversEverythingButItselfAndTheLog(t *testing.T) {
	whole := sample()
	hash := whole.ComputeHash()
	for name, change := range map[string]func(*eventstream.Commit){
		"stream":              func(c *eventstream.Commit) { c.Stream += "0" },
		"seq":                 func(c *eventstream.Commit) { c.Seq++ },
		"time":                func(c *eventstream.Commit) { c.Time = c.Time.Add(time.Millisecond) },
		"command":             func(c *eventstream.Commit) { c.Command[15]++ },
		"actor":               func(c *eventstream.Commit) { c.Actor = "key/2" },
		"correlation":         func(c *eventstream.Commit) { c.Correlation = "" },
		"actor's end":         func(c *eventstream.Commit) { c.Actor, c.Correlation = "key/14", "bf9" },
		"a sibling's stream":  func(c *eventstream.Commit) { c.Siblings[0].Stream = "claim/email/00fe" },
		"a sibling's number":  func(c *eventstream.Commit) { c.Siblings[1].Seq++ },
		"a sibling left out":  func(c *eventstream.Commit) { c.Siblings = c.Siblings[:1] },
		"siblings swapped":    func(c *eventstream.Commit) { slices.Reverse(c.Siblings) },
		"data":                func(c *eventstream.Commit) { c.Data[3]++ },
		"data left out":       func(c *eventstream.Commit) { c.Data = nil },
		"the previous commit": func(c *eventstream.Commit) { c.Previous[31]++ },
	} {
		changed := sample()
		if change(&changed); changed.ComputeHash() == hash {
			t.Errorf("the hash does not cover: %s", name)
		}
	}
	whole.Log, whole.Hash, whole.Time = 7, hash, whole.Time.In(time.FixedZone("", 3600))
	if whole.ComputeHash() != hash {
		t.Error("the hash covers itself, the position or the zone of the time")
	}
}

func TestDifferentCommitsHaveDifferentHashes(t *testing.T) {
	draw := func(t *rapid.T) eventstream.Commit {
		text := rapid.StringN(0, 3, 6)
		c := eventstream.Commit{Stream: eventstream.StreamID(text.Draw(t, "stream")), Seq: eventstream.Seq(rapid.Uint64Range(0, 300).Draw(t, "seq")), Time: time.UnixMilli(0).UTC(), Actor: text.Draw(t, "actor"), Correlation: text.Draw(t, "correlation"), Data: []byte(text.Draw(t, "data"))}
		for range rapid.IntRange(0, 2).Draw(t, "siblings") {
			c.Siblings = append(c.Siblings, at(eventstream.StreamID(text.Draw(t, "sibling")), 1))
		}
		return c
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t), draw(t)
		if same := fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b); same != (a.ComputeHash() == b.ComputeHash()) {
			t.Fatalf("%#v and %#v", a, b)
		}
	})
}

// creation is the transaction of a typical new user: its own stream, all users
// and two claims.
func creation() (eventstream.Transaction, []eventstream.Head) {
	tx := eventstream.Transaction{Command: uuid.Must(uuid.NewV7()), Actor: "key/0196f3c1-5a00-7000-8000-00000000000a", Correlation: "4bf92f3577b34da6a3ce929d0e0e4736", Entries: []eventstream.Entry{
		{Stream: eventstream.UserStream(idA), Expect: eventstream.Empty(), Data: make([]byte, 650)},
		{Stream: eventstream.UsersStream(0), Expect: eventstream.Any(), Data: make([]byte, 500)},
		{Stream: eventstream.ClaimStream("username", "00112233445566778899aabbccddeeff"), Expect: eventstream.Empty(), Data: make([]byte, 150)},
		{Stream: eventstream.ClaimStream("email", "00112233445566778899aabbccddeeff"), Expect: eventstream.Empty(), Data: make([]byte, 150)},
	}}
	return tx, make([]eventstream.Head, len(tx.Entries))
}

func BenchmarkSeal(b *testing.B) {
	tx, heads := creation()
	b.ReportAllocs()
	for b.Loop() {
		eventstream.Seal(&tx, heads, time.Time{})
	}
}

func BenchmarkCheck(b *testing.B) {
	tx, _ := creation()
	b.ReportAllocs()
	for b.Loop() {
		_ = tx.Check()
	}
}

func BenchmarkComputeHash(b *testing.B) {
	commit := sample()
	b.ReportAllocs()
	for b.Loop() {
		commit.ComputeHash()
	}
}
