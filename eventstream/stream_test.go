package eventstream_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var (
	idA = uuid.MustParse("0196f3c1-5a00-7000-8000-00000000000a")
	idB = uuid.MustParse("0196f3c1-5a00-7000-8000-00000000000b")
)

func TestStreamsAreNamedAsTheDesignSays(t *testing.T) {
	const a, b = "0196f3c1-5a00-7000-8000-00000000000a", "0196f3c1-5a00-7000-8000-00000000000b"
	for _, name := range []struct {
		got  eventstream.StreamID
		want string
		kind eventstream.Kind
	}{
		{eventstream.UserStream(idA), "user/" + a, eventstream.UserKind},
		{eventstream.GroupStream(idA), "group/" + a, eventstream.GroupKind},
		{eventstream.KeyStream(idA), "key/" + a, eventstream.KeyKind},
		{eventstream.MemberStream(idA, idB), "member/" + a + "/" + b, eventstream.MemberKind},
		{eventstream.UsersStream(0), "users/0", eventstream.UsersKind},
		{eventstream.GroupsStream(63), "groups/63", eventstream.GroupsKind},
		{eventstream.ClaimStream("email", "00ff"), "claim/email/00ff", eventstream.ClaimKind},
		{eventstream.RequestStream("00ff"), "request/00ff", eventstream.RequestKind},
		{eventstream.NestingStream, "nesting", eventstream.NestingKind},
		{eventstream.StoreStream, "store", eventstream.StoreKind},
		{eventstream.LogStream, "log", eventstream.LogKind},
	} {
		if string(name.got) != name.want || name.got.Kind() != name.kind {
			t.Errorf("got %q of kind %q, want %q of kind %q", name.got, name.got.Kind(), name.want, name.kind)
		}
	}
}

func TestStreamsGiveTheirIDsBack(t *testing.T) {
	for stream, want := range map[eventstream.StreamID][]uuid.UUID{
		eventstream.UserStream(idA):        {idA},
		eventstream.GroupStream(idA):       {idA},
		eventstream.KeyStream(idA):         {idA},
		eventstream.MemberStream(idA, idB): {idA, idB},
		eventstream.NestingStream:          nil,
		eventstream.UsersStream(7):         nil,
		eventstream.RequestStream("x"):     nil,
	} {
		if got := stream.UUIDs(); !slices.Equal(got, want) {
			t.Errorf("%s gives %v, want %v", stream, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawUUID(t), drawUUID(t)
		if got := eventstream.MemberStream(a, b).UUIDs(); !slices.Equal(got, []uuid.UUID{a, b}) {
			t.Fatalf("got %v, want %v and %v", got, a, b)
		}
		if id, ok := eventstream.UserStream(a).UUID(); !ok || id != a || string(eventstream.UserStream(a)) != "user/"+a.String() {
			t.Fatalf("got %v, want %v", id, a)
		}
	})
}

func drawUUID(t *rapid.T) uuid.UUID {
	return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
}

func TestMalformedStreamsGiveNoIDs(t *testing.T) {
	a := idA.String()
	for _, stream := range []string{
		"user", "user/", "user/" + a[1:], "user/" + a + "0", "user/" + a + "/", "user/" + a + "/" + a,
		"user/" + strings.ToUpper(a), "user/" + strings.ReplaceAll(a, "-", ""), "user/{" + a + "}", "user/urn:uuid:" + a,
		"user/" + strings.Replace(a, "-", "_", 1), "user/" + strings.Replace(a, "0", "g", 1), "user/" + strings.Replace(a, "0", "\xff", 1), " user/" + a, "User/" + a,
		"users/" + a, "claim/" + a, "store/" + a,
		"member/" + a, "member/" + a + "/", "member/" + a + a, "member/" + a + "/" + a[1:], "member/" + a + "/" + strings.ToUpper(a),
		"member/" + strings.ToUpper(a) + "/" + a, "member/" + a + "-" + a, "member/" + a + "/" + a + "/",
	} {
		if got := eventstream.StreamID(stream).UUIDs(); got != nil {
			t.Errorf("%q gives %v, want none", stream, got)
		}
	}
}

func TestShards(t *testing.T) {
	for stream, want := range map[eventstream.StreamID]int{"users/0": 0, "groups/63": 63, "changes/7": 7, "users/2147483647": 1<<31 - 1} {
		if got, err := stream.Shard(); err != nil || got != want {
			t.Errorf("%s is shard %d (%v), want %d", stream, got, err, want)
		}
	}
	for _, stream := range []eventstream.StreamID{"users", "users/", "users/-1", "users/+1", "users/00", "users/01", "users/1/", "users/ 1", "users/2147483648", "users/x", "user/1", "nesting/1"} {
		if got, err := stream.Shard(); err == nil {
			t.Errorf("%s is shard %d, want an error", stream, got)
		}
	}
}

// TestShardsOfEntities fixes where entities are listed: they stay there for ever.
func TestShardsOfEntities(t *testing.T) {
	for shards, want := range map[int][2]int{1: {0, 0}, 8: {6, 1}, 64: {6, 25}} {
		if a, b := eventstream.ShardOf(idA, shards), eventstream.ShardOf(idB, shards); a != want[0] || b != want[1] {
			t.Errorf("of %d shards they are in %d and %d, want %v", shards, a, b, want)
		}
	}
	hits := [16]int{}
	for range 16000 {
		hits[eventstream.ShardOf(uuid.Must(uuid.NewV7()), len(hits))]++
	}
	for shard, n := range hits {
		if n < 700 || n > 1300 {
			t.Errorf("%d of 16000 are in shard %d of 16", n, shard)
		}
	}
}

func BenchmarkMemberStream(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = eventstream.MemberStream(idA, idB).Edge()
	}
}
