package domain_test

import (
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/seed5b6a70b4/identity/domain"
)

// keyed is a value with a compared form.
type keyed interface {
	comparable
	fmt.Stringer
	Key() string
	IsZero() bool
}

// fuzzKeyed checks that parsing never panics, and of what is accepted that it is
// kept as it was typed, survives JSON, and has a compared form that is its own.
func fuzzKeyed[V keyed](f *testing.F, parse func(string) (V, error), seeds ...string) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := parse(text)
		if err != nil {
			if !value.IsZero() {
				t.Fatalf("%+q is refused and gives %+q", text, value)
			}
			return
		}
		if value.String() != text || !utf8.ValidString(text) || value.IsZero() {
			t.Fatalf("%+q is accepted as %+q", text, value)
		}
		key := value.Key()
		again, err := parse(key)
		if key == "" || err == nil && again.Key() != key {
			t.Fatalf("%+q is compared as %+q, and that as %+q", text, key, again.Key())
		}
		raw, err := json.Marshal(value)
		var back V
		if err == nil {
			err = json.Unmarshal(raw, &back)
		}
		if err != nil || back != value {
			t.Fatalf("%+q comes back from JSON as %+q (%v)", text, back, err)
		}
	})
}

func FuzzParseUsername(f *testing.F) {
	fuzzKeyed(f, domain.ParseUsername, "eleni", "Ελένη", "ﬁＳς", "क्\u200dष", "שלום", "ب\u0660", "İ", "ꮳ", "a\u0315\u0300", "क्\u200d\u1037")
}

func FuzzParseEmail(f *testing.F) {
	fuzzKeyed(f, domain.ParseEmail, "Eleni@Example.com", "用户@例子。广告", "a@xn--mller-kva.example", "a．b@ß.example", "a@a-.b", "ب@ب.ب")
}

func FuzzParseGroupName(f *testing.F) {
	fuzzKeyed(f, domain.ParseGroupName, "Research  &\u3000Development", "👩\u200d👩", "ᾳ\u0345", "e\u034f\u0301", "\u1100\u1161\u11a8")
}

func FuzzParseExternalID(f *testing.F) {
	fuzzKeyed(f, domain.ParseExternalID, "hr/4711", " a ", "é")
}

func FuzzParseAttribute(f *testing.F) {
	for _, seed := range []string{`"a"`, `-1.5e+3`, `["\u00e9",1,true]`, `[[1]]`, `{"a":1}`, `"\ud800"`, ` [ ] `} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		value, err := domain.ParseAttribute(raw)
		if err != nil {
			return
		}
		again, err := domain.ParseAttribute([]byte(value.JSON()))
		if err != nil || again != value || value.Values() == nil {
			t.Fatalf("%s is kept as %s, and that as %s (%v)", raw, value.JSON(), again.JSON(), err)
		}
		events, err := domain.DecodeEvents(must(domain.EncodeEvents([]domain.Event{domain.SetAttribute{Name: "x", Value: value}})))
		if err != nil || events[0] != (domain.SetAttribute{Name: "x", Value: value}) {
			t.Fatalf("%s comes back as %v (%v)", raw, events, err)
		}
	})
}
