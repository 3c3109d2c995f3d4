package eventstream_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// positions draws positions that are likely to name the same streams.
var positions = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) eventstream.Position {
	a, b := idA, idB
	if rapid.Bool().Draw(t, "other") {
		a, b = drawUUID(t), drawUUID(t)
	}
	shard := rapid.SampledFrom([]int{0, 1, 63, 200, 1<<31 - 1}).Draw(t, "shard")
	stream := rapid.SampledFrom([]eventstream.StreamID{
		eventstream.UserStream(a), eventstream.GroupStream(a), eventstream.KeyStream(b), eventstream.MemberStream(a, b), eventstream.MemberStream(b, a),
		eventstream.UsersStream(shard), eventstream.GroupsStream(shard), eventstream.StreamID(fmt.Sprint("changes/", shard)),
		eventstream.NestingStream, eventstream.LogStream,
	}).Draw(t, "stream")
	seq := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64()).Draw(t, "seq")
	return eventstream.Position{Stream: stream, Seq: eventstream.Seq(seq)}
}), 0, 10)

var tokens = rapid.Map(positions, func(p []eventstream.Position) eventstream.Token { return eventstream.NewToken(p...) })

func TestATokenIsTheHighestOfEachStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := positions.Draw(t, "positions")
		before := slices.Clone(given)
		token := eventstream.NewToken(given...)
		if !slices.Equal(given, before) {
			t.Fatal("the positions given were changed")
		}
		highest := map[eventstream.StreamID]eventstream.Seq{}
		for _, p := range given {
			if p.Seq > 0 {
				highest[p.Stream] = max(highest[p.Stream], p.Seq)
			}
		}
		if len(token) != len(highest) {
			t.Fatalf("%d positions, want %d", len(token), len(highest))
		}
		for i, p := range token {
			if p.Seq != highest[p.Stream] || token.Seq(p.Stream) != p.Seq || i > 0 && token[i-1].Stream >= p.Stream {
				t.Fatalf("position %d is %v", i, p)
			}
		}
		if token.Seq("user/none") != 0 {
			t.Fatal("a stream that is not named is somewhere")
		}
	})
}

func TestMergeIsAJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := tokens.Draw(t, "a"), tokens.Draw(t, "b"), tokens.Draw(t, "c")
		was := slices.Clone(a)
		merged := a.Merge(b)
		switch {
		case !slices.Equal(a, was):
			t.Fatal("merging changed the token")
		case !slices.Equal(merged, b.Merge(a)):
			t.Fatal("merging is not commutative")
		case !slices.Equal(merged.Merge(c), a.Merge(b.Merge(c))):
			t.Fatal("merging is not associative")
		case !slices.Equal(a.Merge(a), a):
			t.Fatal("merging is not idempotent")
		case !slices.Equal(a.Merge(nil), a):
			t.Fatal("the empty token is not neutral")
		case !merged.Covers(a) || !merged.Covers(b):
			t.Fatal("the merged token covers not both")
		case c.Covers(a) && c.Covers(b) && !c.Covers(merged):
			t.Fatal("the merged token is more than the least that covers both")
		}
	})
}

func TestCoversIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := tokens.Draw(t, "a"), tokens.Draw(t, "b")
		covers := true
		for _, p := range b {
			covers = covers && a.Seq(p.Stream) >= p.Seq
		}
		switch {
		case a.Covers(b) != covers:
			t.Fatalf("covers is %v", a.Covers(b))
		case a.Covers(b) && b.Covers(a) && !slices.Equal(a, b):
			t.Fatal("two tokens cover each other and differ")
		case !a.Covers(nil):
			t.Fatal("a token does not cover the empty one")
		case a.Covers(b) != slices.Equal(a.Merge(b), a):
			t.Fatal("covering and merging disagree")
		}
	})
}

func TestEpochsAreWrittenInHexadecimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		epoch := eventstream.Epoch(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "epoch"))
		if got, err := eventstream.ParseEpoch(epoch.String()); err != nil || got != epoch {
			t.Fatalf("%v became %v (%v)", epoch, got, err)
		}
	})
	for _, text := range []string{"", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeg", " 123456789abcdef"} {
		if _, err := eventstream.ParseEpoch(text); err == nil {
			t.Errorf("%q was read as an epoch", text)
		}
	}
}
