package domain_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/seed5b6a70b4/identity/domain"
)

func TestUsernames(t *testing.T) {
	for _, text := range []string{
		"a", "eleni", "Eleni.Papadopoulou", "e_p-42", "user@example.com", "!#$%&'*+/=?^_`{|}~", "42", "_", "-", "1é", "é_", "~é~", "müller-", "x'y",
		"Ελένη", "Иван", "Ёлка", "José", "Jose\u0301", "Łukasz", "Đặng", "Þóra", "İpek", "ısı", "straße",
		"أحمد", "محمد123", "דוד", "שלום.א", "नरेश", "क्‍ष", "สมชาย", "გიორგი", "ՀայԱստան", "አበበ",
		"김민준", "美咲", "田中太郎", "ｶﾀｶﾅ", "Ｅｌｅｎｉ", "王小明", "ᏣᎳᎩ", "ﬁona", "𠀀", "𞤀𞤁",
		strings.Repeat("a", domain.MaxUsername), strings.Repeat("é", domain.MaxUsername), strings.Repeat("美", domain.MaxUsername),
	} {
		username, err := domain.ParseUsername(text)
		if err != nil || username.String() != text || username.IsZero() {
			t.Errorf("%+q: %q, %v", text, username, err)
		}
	}
}

func TestTextsThatAreNoUsernames(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                      "",
		"a space":                    "a b",
		"a space before":             " a",
		"only a space":               " ",
		"no-break space":             "a\u00a0b",
		"ideographic space":          "a\u3000b",
		"tab":                        "a\tb",
		"line feed":                  "a\nb",
		"NUL":                        "a\x00b",
		"delete":                     "a\x7f",
		"C1 control":                 "a\u0085b",
		"not UTF-8":                  "a\xffb",
		"UTF-8 cut":                  "a\xc3",
		"a surrogate":                "a\xed\xa0\x80",
		"too long":                   strings.Repeat("a", domain.MaxUsername+1),
		"too long in characters":     strings.Repeat("é", domain.MaxUsername+1),
		"a symbol":                   "a€b",
		"an emoji":                   "a😀",
		"punctuation outside ASCII":  "a–b",
		"zero width space":           "el\u200beni",
		"zero width joiner astray":   "el\u200deni",
		"soft hyphen":                "el\u00adeni",
		"byte order mark":            "\ufeffeleni",
		"variation selector":         "eleni\ufe0f",
		"Hangul filler":              "\u3164",
		"right-to-left override":     "a\u202eb",
		"left-to-right mark":         "a\u200eb",
		"a tag":                      "a\U000e0041",
		"directions mixed":           "אa",
		"Arabic after Latin":         "aب",
		"Arabic begun with a digit":  "1ب",
		"two kinds of Arabic digits": "ب\u0660\u06f0",
		"not assigned":               "a\u0378",
		"private use":                "a\ue000",
		"a noncharacter":             "a\ufdd0",
		"replacement character":      "a\ufffd",
		"old Hangul":                 "\u1100\u1160",
		"a fraction, by its slash":   "½",
	} {
		username, err := domain.ParseUsername(text)
		if !errors.Is(err, domain.Invalid) || !username.IsZero() {
			t.Errorf("%s: %q, %v; want domain.Invalid", name, username, err)
		}
		holdsNothingOf(t, name, err, text)
	}
}

// holdsNothingOf checks that an error does not repeat what was refused.
func holdsNothingOf(t *testing.T, name string, err error, text string) {
	t.Helper()
	if err != nil && len(text) > 3 && len(text) < 100 && strings.Contains(err.Error(), text) {
		t.Errorf("%s: the error repeats the text: %v", name, err)
	}
}

func TestUsernamesThatAreTheSame(t *testing.T) {
	for _, same := range [][]string{
		{"eleni", "Eleni", "ELENI", "Ｅｌｅｎｉ", "eＬeni", "𝐞𝐥𝐞𝐧𝐢", "ⓔleni"},
		{"josé", "jose\u0301", "JOSÉ", "JOSE\u0301"},
		{"fiona", "ﬁona", "FIONA"},
		{"straße", "strasse", "STRASSE", "STRAẞE", "ſtraſſe"},
		{"σας", "ΣΑΣ", "σασ"},
		{"ﾊﾟ", "パ", "ハ\u309a"},
		{"각", "\u1100\u1161\u11a8"},
		{"ᏣᎳᎩ", "ꮳꮃꭹ"},
		{"İ", "i\u0307"},
		{"Å", "Å", "A\u030a", "å"},
		{"क्ष", "क्\u200dष", "क्\u200cष"},
		{"x²", "x2", "X２"},
		{"ǆ", "ǅ", "Ǆ", "dž"},
		{"a…b", "a...b"},
	} {
		allSame(t, same, func(text string) (string, error) {
			username, err := domain.ParseUsername(text)
			return username.Key(), err
		})
	}
}

// allSame checks that texts are accepted and compared alike.
func allSame(t *testing.T, texts []string, key func(string) (string, error)) {
	t.Helper()
	first, err := key(texts[0])
	if err != nil {
		t.Errorf("%+q: %v", texts[0], err)
		return
	}
	for _, text := range texts[1:] {
		if got, err := key(text); err != nil || got != first {
			t.Errorf("%+q is compared as %+q (%v), and %+q as %+q", text, got, err, texts[0], first)
		}
	}
}

func TestUsernamesThatDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{
		"eleni", "eleni.", "e.leni", "eleni_", "eleni1", "elena", "еleni", "éleni", "ı", "i", "İ", "l", "1", "o", "0", "ö", "oe", "ø", "d", "đ", "strase", "ss", "s",
	} {
		username := must(domain.ParseUsername(text))
		if other, taken := seen[username.Key()]; taken {
			t.Errorf("%q and %q are compared alike", text, other)
		}
		seen[username.Key()] = text
	}
}

func TestKeysMayBeMadeConcurrently(t *testing.T) {
	want := must(domain.ParseUsername("ＥｌένηＳΣς")).Key()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if got := must(domain.ParseUsername("ＥｌένηＳΣς")).Key(); got != want {
					t.Errorf("compared as %q, want %q", got, want)
				}
				if _, err := domain.ParseEmail("Ελένη@Straße.Example"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
