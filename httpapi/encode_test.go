package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/httpapi"
)

func TestTimesAreAsTheStandardLibraryWritesThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(-62135596800000, 253402300799999).Draw(t, "ms")).Add(time.Duration(rapid.IntRange(0, 999_999).Draw(t, "ns")))
		at = at.In(time.FixedZone("", rapid.IntRange(-43200, 43200).Draw(t, "zone")))
		want := at.UTC().Format(`"2006-01-02T15:04:05.000Z"`)
		if got := string(httpapi.AppendTime(nil, at)); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

func TestStringsAreJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`)).Draw(t, "text")
		var back string
		if err := json.Unmarshal(httpapi.AppendString([]byte(" "), text), &back); err != nil || back != strings.ToValidUTF8(text, "\ufffd") {
			t.Fatalf("%q, %v", back, err)
		}
	})
	if got := string(httpapi.AppendString(nil, "a\xffb")); got != "\"a\ufffdb\"" {
		t.Errorf("what is not UTF-8: %q", got)
	}
}
