package domain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/seed5b6a70b4/identity/domain"
)

// lines are what every line of text must accept and refuse; a group's name and
// an external id are lines too.
var lines = map[string]func(string) (string, error){
	"text": func(text string) (string, error) {
		line, err := domain.ParseText(text, domain.MaxText)
		return line.String(), err
	},
	"group name": func(text string) (string, error) {
		name, err := domain.ParseGroupName(text)
		return name.String(), err
	},
	"external id": func(text string) (string, error) {
		id, err := domain.ParseExternalID(text)
		return id.String(), err
	},
}

func TestLines(t *testing.T) {
	for kind, parse := range lines {
		for _, text := range []string{
			"a", " a ", "O’Brien, Seán", `"quoted" <&> \`, "Ελένη Παπαδοπούλου", "नरेश कुमार", "אורי / Uri", "محمد", "\u200fאב", "田中　太郎", "김", "👩‍👩‍👧 Family", "نامه‌ای", "e\u0301",
			"\u2800", "{}", "null", strings.Repeat("€", 256),
		} {
			if got, err := parse(text); err != nil || got != text {
				t.Errorf("%s %+q: %+q, %v; want it as it is", kind, text, got, err)
			}
		}
	}
}

func TestTextsThatAreNoLines(t *testing.T) {
	for kind, parse := range lines {
		for name, text := range map[string]string{
			"empty":                  "",
			"a space":                " ",
			"spaces":                 " \u00a0\u3000\u2003",
			"a zero width space":     "\u200b",
			"marks that do not show": "\u200d\ufe0f\u2060\u00ad",
			"Hangul fillers":         "\u3164\uffa0\u115f",
			"tab":                    "a\tb",
			"line feed":              "a\nb",
			"carriage return":        "a\r",
			"NUL":                    "a\x00",
			"escape":                 "\x1b[31mred",
			"delete":                 "a\x7f",
			"next line":              "a\u0085b",
			"line separator":         "a\u2028b",
			"paragraph separator":    "a\u2029b",
			"left-to-right override": "a\u202db",
			"right-to-left override": "a\u202egpj.exe",
			"not UTF-8":              "\xff",
			"UTF-8 cut":              "ab\xe2\x82",
			"a surrogate":            "\xed\xa0\x80",
			"overlong UTF-8":         "\xc0\x80",
			"too long":               strings.Repeat("a", 257),
			"too long in characters": strings.Repeat("é", 257),
		} {
			got, err := parse(text)
			if !errors.Is(err, domain.Invalid) || got != "" {
				t.Errorf("%s, %s: %+q, %v; want domain.Invalid", kind, name, got, err)
			}
			holdsNothingOf(t, name, err, text)
		}
	}
}

func TestATextHasTheLimitThatItIsGiven(t *testing.T) {
	if _, err := domain.ParseText(strings.Repeat("ü", domain.MaxDescription), domain.MaxDescription); err != nil {
		t.Errorf("as long as its limit: %v", err)
	}
	if _, err := domain.ParseText(strings.Repeat("ü", domain.MaxDescription+1), domain.MaxDescription); !errors.Is(err, domain.Invalid) {
		t.Errorf("longer than its limit: %v", err)
	}
}

func groupNameKey(text string) (string, error) {
	name, err := domain.ParseGroupName(text)
	return name.Key(), err
}

func TestGroupNamesThatAreTheSame(t *testing.T) {
	for _, same := range [][]string{
		{"Research & Development", "research & development", " RESEARCH  &   Development ", "Ｒesearch\u00a0＆\u3000Development"},
		{"Admins", "ad\u200bmins", "Ad\u00admins", "admins\ufe0f", "\u2060admins", "ADMINS\U000e0041"},
		{"straße", "STRASSE", "STRAẞE"},
		{"é", "e\u0301", "É", "e\u034f\u0301"},
		{"¼", "1\u20444"},
		{"👩‍👩‍👧", "👩👩👧"},
		{"ﷺ", "صلى الله عليه وسلم"},
		{"ᾳ", "αι", "ΑΙ", "\u03b1\u0345"},
	} {
		allSame(t, same, groupNameKey)
	}
}

func TestGroupNamesThatDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{"a b", "ab", "a-b", "a_b", "a.b", "а b", "á b", "a b!", "a b 1"} {
		key := must(groupNameKey(text))
		if other, taken := seen[key]; taken {
			t.Errorf("%q and %q are compared alike", text, other)
		}
		seen[key] = text
	}
}

func TestGroupNamesHoldOnlyAssignedCharacters(t *testing.T) {
	if _, err := domain.ParseGroupName("a\u0378"); !errors.Is(err, domain.Invalid) {
		t.Errorf("%v, want domain.Invalid", err)
	}
}

func TestExternalIDsAreComparedByteByByte(t *testing.T) {
	seen := map[string]bool{}
	for _, text := range []string{"a", "A", "é", "e\u0301", "a ", " a", "ａ", "ﬁ", "fi"} {
		key := must(domain.ParseExternalID(text)).Key()
		if key != text || seen[key] {
			t.Errorf("%+q is compared as %+q", text, key)
		}
		seen[key] = true
	}
}

func TestValuesInJSON(t *testing.T) {
	type values struct {
		Username   domain.Username
		Email      domain.Email
		GroupName  domain.GroupName
		ExternalID domain.ExternalID
		Text       domain.Text
	}
	for _, test := range []struct {
		values values
		json   string
	}{
		{
			values{must(domain.ParseUsername("Ελένη\"")), must(domain.ParseEmail("A@B.example")), must(domain.ParseGroupName("a\\b")), must(domain.ParseExternalID("</x>")), text("é\u200d")},
			`{"Username":"Ελένη\"","Email":"A@B.example","GroupName":"a\\b","ExternalID":"</x>","Text":"é` + "\u200d" + `"}`,
		},
		{values{}, `{"Username":null,"Email":null,"GroupName":null,"ExternalID":null,"Text":null}`},
	} {
		got, err := json.Marshal(test.values)
		if err != nil || string(got) != test.json {
			t.Errorf("written as %s (%v), want %s", got, err, test.json)
		}
		back := values{Text: text("was there before")}
		if err := json.Unmarshal([]byte(test.json), &back); err != nil || back != test.values {
			t.Errorf("read as %v (%v), want %v", back, err, test.values)
		}
	}
	var line domain.Text
	for _, bad := range []string{`1`, `true`, `[]`, `{}`, `"\ud800"`, "\"\xff\"", `"`} {
		if err := json.Unmarshal([]byte(bad), &line); err == nil {
			t.Errorf("%s was read as %q", bad, line)
		}
	}
}
