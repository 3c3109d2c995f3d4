package eventstream_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var epoch = eventstream.Epoch{1, 2, 3, 4, 5, 6, 7, 8}

func at(stream eventstream.StreamID, seq eventstream.Seq) eventstream.Position {
	return eventstream.Position{Stream: stream, Seq: seq}
}

// TestTokenText fixes the format: clients keep tokens, so it cannot change but
// under another version.
func TestTokenText(t *testing.T) {
	token := eventstream.NewToken(
		at(eventstream.UserStream(idA), 23), at(eventstream.UsersStream(0), 100), at(eventstream.GroupStream(idB), 1), at(eventstream.GroupsStream(63), 300),
		at(eventstream.MemberStream(idB, idA), 2), at(eventstream.NestingStream, 9), at(eventstream.KeyStream(idA), 1), at("changes/7", 1<<40), at(eventstream.LogStream, 1<<63),
	)
	const want = "AQECAwQFBgcICQgHgICAgIAgAwGW88FaAHAAgAAAAAAAAAsBBD-sAgcBlvPBWgBwAIAAAAAAAAAKAQmAgICAgICAgIABBQGW88FaAHAAgAAAAAAAAAsBlvPBWgBwAIAAAAAAAAAKAgYJAQGW88FaAHAAgAAAAAAAAAoXAgBk"
	got, err := token.Encode(epoch)
	if err != nil || !strings.HasPrefix(got, want) || len(got) > len(want)+8 {
		t.Fatalf("the token is\n%s (%v), want\n%s and a checksum", got, err, want)
	}
	empty, err := eventstream.Token{}.Encode(epoch)
	if err != nil {
		t.Fatalf("the empty token: %v", err)
	}
	if back, err := eventstream.DecodeToken(empty, epoch); err != nil || len(back) != 0 {
		t.Fatalf("the empty token came back as %v (%v)", back, err)
	}
}

func TestTokensComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		token := tokens.Draw(t, "token")
		text, err := token.Encode(epoch)
		if err != nil {
			t.Fatalf("encode: %v", err)
		}
		got, err := eventstream.DecodeToken(text, epoch)
		if err != nil || !slices.Equal(got, token) {
			t.Fatalf("%v came back as %v (%v)", token, got, err)
		}
		appended, err := token.AppendEncode([]byte("W/"), epoch)
		if err != nil || string(appended) != "W/"+text {
			t.Fatalf("appended %q (%v) to W/, want %q", appended, err, text)
		}
	})
}

func TestTheLargestTokenIsWithinItsLimit(t *testing.T) {
	var token eventstream.Token
	for i := range eventstream.MaxTokenPositions {
		id := idA
		id[0] = byte(i)
		token = append(token, at(eventstream.MemberStream(id, idB), 1<<64-1))
	}
	text, err := token.Encode(epoch)
	if err != nil || len(text) > eventstream.MaxTokenBytes {
		t.Fatalf("%d positions take %d bytes (%v)", len(token), len(text), err)
	}
	if got, err := eventstream.DecodeToken(text, epoch); err != nil || !slices.Equal(got, token) {
		t.Fatalf("decode: %v", err)
	}
	token = append(token, at(eventstream.UsersStream(0), 1))
	if _, err := token.Encode(epoch); !errors.Is(err, eventstream.ErrMalformedToken) {
		t.Fatalf("one position too many: %v", err)
	}
}

func TestTokensThatCannotBeWritten(t *testing.T) {
	upper := eventstream.StreamID(strings.ToUpper(idA.String()))
	for name, token := range map[string]eventstream.Token{
		"unsorted":               {at("users/1", 1), at("users/0", 1)},
		"a stream twice":         {at("users/1", 1), at("users/1", 2)},
		"number 0":               {at("users/1", 0)},
		"a claim":                {at(eventstream.ClaimStream("email", "00"), 1)},
		"a request":              {at(eventstream.RequestStream("00"), 1)},
		"the store":              {at(eventstream.StoreStream, 1)},
		"no kind":                {at("", 1)},
		"an unknown kind":        {at("role/1", 1)},
		"an id in upper case":    {at("user/"+upper, 1)},
		"an id cut short":        {at("user/0196f3c1", 1)},
		"a member without group": {at("member/"+eventstream.StreamID(idA.String()), 1)},
		"a shard with zeros":     {at("users/007", 1)},
		"a shard that is none":   {at("users/x", 1)},
		"more than nesting":      {at("nesting/1", 1)},
		"more than log":          {at("log/", 1)},
	} {
		if text, err := token.Encode(epoch); !errors.Is(err, eventstream.ErrMalformedToken) || text != "" {
			t.Errorf("%s: %q, %v; want ErrMalformedToken", name, text, err)
		}
		kept, err := token.AppendEncode([]byte("kept"), epoch)
		if err == nil || string(kept) != "kept" {
			t.Errorf("%s: %q was left in the buffer", name, kept)
		}
	}
}

// forge makes the text of a token of any bytes, with the checksum they need.
func forge(epoch eventstream.Epoch, body ...byte) string {
	raw := append(append([]byte{1}, epoch[:]...), body...)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(raw, crc32.Checksum(raw, crc32.MakeTable(crc32.Castagnoli))))
}

func TestMalformedTokens(t *testing.T) {
	good, err := eventstream.NewToken(at(eventstream.UserStream(idA), 23), at("users/0", 100)).Encode(epoch)
	if err != nil || forge(epoch, 1, 2, 0, 100) == "" {
		t.Fatal(err)
	}
	if _, err := eventstream.DecodeToken(forge(epoch, 1, 2, 0, 100), epoch); err != nil {
		t.Fatalf("a forged token that is right: %v", err)
	}
	id := idA[:]
	user := func(seq ...byte) []byte { return append(append([]byte{1}, id...), seq...) }
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	version := slices.Clone(raw)
	version[0] = 2
	for name, text := range map[string]string{
		"nothing":                     "",
		"not base64":                  "!!!!!!!!!!!!!!!!!!!!!!!!",
		"standard alphabet":           strings.ReplaceAll(forge(epoch, 1, 2, 0, 62<<2), "-", "+") + "+",
		"padded":                      good + "=",
		"a line break inside":         good[:8] + "\n" + good[8:],
		"a line break at the end":     good + "\r\n",
		"a space before":              " " + good,
		"quoted":                      `"` + good + `"`,
		"cut":                         good[:len(good)-1],
		"cut to nothing":              good[:2],
		"longer":                      good + "AA",
		"too long":                    strings.Repeat("A", eventstream.MaxTokenBytes+1),
		"checksum wrong":              good[:len(good)-4] + "AAAA",
		"another version":             base64.RawURLEncoding.EncodeToString(version),
		"no count":                    forge(epoch),
		"count without positions":     forge(epoch, 1),
		"positions without count":     forge(epoch, 0, 2, 0, 100),
		"fewer positions than said":   forge(epoch, 2, 2, 0, 100),
		"too many positions":          forge(epoch, 33),
		"a count of all bits":         forge(epoch, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1),
		"an overlong count":           forge(epoch, 0x81, 0, 2, 0, 100),
		"a count that overflows":      forge(epoch, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2),
		"kind 0":                      forge(epoch, 1, 0, 1),
		"a kind not given":            forge(epoch, 1, 10, 1),
		"kind 255":                    forge(epoch, 1, 255, 1),
		"an id cut":                   forge(epoch, append([]byte{1}, user()[:16]...)...),
		"an id without number":        forge(epoch, append([]byte{1}, user()...)...),
		"an edge of half":             forge(epoch, append([]byte{1, 5}, id...)...),
		"number 0":                    forge(epoch, append([]byte{1}, user(0)...)...),
		"an overlong number":          forge(epoch, append([]byte{1}, user(0x81, 0)...)...),
		"a number that overflows":     forge(epoch, append([]byte{1}, user(255, 255, 255, 255, 255, 255, 255, 255, 255, 2)...)...),
		"a number cut":                forge(epoch, append([]byte{1}, user(0x80)...)...),
		"a shard too large":           forge(epoch, 1, 2, 0x80, 0x80, 0x80, 0x80, 0x08, 1),
		"an overlong shard":           forge(epoch, 1, 2, 0x80, 0, 1),
		"no shard":                    forge(epoch, 1, 2),
		"unsorted":                    forge(epoch, 2, 2, 1, 1, 2, 0, 1),
		"a stream twice":              forge(epoch, 2, 2, 0, 1, 2, 0, 1),
		"a stream twice, then higher": forge(epoch, 2, 2, 0, 1, 2, 0, 2),
		"sorted by number, not text":  forge(epoch, 2, 2, 2, 1, 2, 10, 1),
	} {
		token, err := eventstream.DecodeToken(text, epoch)
		if !errors.Is(err, eventstream.ErrMalformedToken) || token != nil {
			t.Errorf("%s: %v, %v; want ErrMalformedToken", name, token, err)
		}
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	good, _ := eventstream.NewToken(at(eventstream.UserStream(idA), 23), at("users/0", 100)).Encode(epoch)
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	for bit := range len(raw) * 8 {
		flipped := slices.Clone(raw)
		flipped[bit/8] ^= 1 << (bit % 8)
		if token, err := eventstream.DecodeToken(base64.RawURLEncoding.EncodeToString(flipped), epoch); err == nil {
			t.Errorf("with bit %d flipped it is %v", bit, token)
		}
	}
}

func TestTokensOfAnotherEpochAreForeign(t *testing.T) {
	other := eventstream.Epoch{9}
	text, _ := eventstream.NewToken(at("users/0", 100)).Encode(other)
	if token, err := eventstream.DecodeToken(text, epoch); !errors.Is(err, eventstream.ErrForeignToken) || errors.Is(err, eventstream.ErrMalformedToken) || token != nil {
		t.Errorf("%v, %v; want ErrForeignToken", token, err)
	}
	if _, err := eventstream.DecodeToken(forge(other, 1, 0, 1), epoch); !errors.Is(err, eventstream.ErrMalformedToken) {
		t.Errorf("foreign and malformed: %v, want ErrMalformedToken", err)
	}
}

func FuzzDecodeToken(f *testing.F) {
	good, _ := eventstream.NewToken(at(eventstream.UserStream(idA), 23), at(eventstream.MemberStream(idA, idB), 1), at("users/0", 100)).Encode(epoch)
	for _, text := range []string{"", good, good + "\n", forge(epoch, 0), forge(epoch, 2, 2, 0, 1, 2, 0, 2), forge(eventstream.Epoch{}, 1, 6, 1)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkDecode(t, text)
		checkDecode(t, forge(epoch, []byte(text)...)) // past the checksum, where the fuzzer would not get
	})
}

// checkDecode checks that a text is refused in one of the two ways, or is the
// very text of the token that it gives.
func checkDecode(t *testing.T, text string) {
	token, err := eventstream.DecodeToken(text, epoch)
	if err != nil {
		if token != nil || errors.Is(err, eventstream.ErrMalformedToken) == errors.Is(err, eventstream.ErrForeignToken) {
			t.Fatalf("%v, %v", token, err)
		}
		return
	}
	again, err := token.Encode(epoch)
	if err != nil || again != text {
		t.Fatalf("%q was accepted, and is written %q (%v)", text, again, err)
	}
	if diff := cmp.Diff(eventstream.NewToken(token...), token); diff != "" {
		t.Fatalf("the token is not as NewToken makes it:\n%s", diff)
	}
}

func BenchmarkToken(b *testing.B) {
	token := eventstream.NewToken(at(eventstream.UserStream(idA), 23), at("users/0", 100))
	text, _ := token.Encode(epoch)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = token.Encode(epoch)
		}
	})
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		room := make([]byte, 0, 256)
		for b.Loop() {
			_, _ = token.AppendEncode(room, epoch)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = eventstream.DecodeToken(text, epoch)
		}
	})
	b.Run("merge", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = token.Merge(token)
		}
	})
}
