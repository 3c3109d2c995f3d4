package words_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/internal/words"
)

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"Jane DOE-92":           "jane doe-92",
		"Ångström ÉÈ ç":         "angstrom ee c",
		"Łódź Ørsted Đặng Æon":  "lodz orsted dang aeon",
		"ıİIi ſ ﬃ Ⅷ ½":          "iiii s ffi viii 1\u20442",
		"Straße STRASSE":        "strasse strasse",
		"ΟΔΥΣΣΕΎΣ Οδυσσεύς":     "οδυσσευσ οδυσσευσ",
		"Ёлка Їжак Йод":         "елка іжак иод",
		"آدَم ى ة ک ۀ":          "ادم ي ه ك ه",
		"שָׁלוֹם":               "שלומ",
		"क़लम कि":               "कलम कि",
		"น้ำ":                   "น้ํา",
		"カタカナ ｶﾞ が":             "かたかな か\u3099 か\u3099",
		"각":                     "\u1100\u1161\u11a8",
		"ㄱ":                     "\u1100",
		"٣ ۳ ३ ３ 𝟛":             "3 3 3 3 3",
		"a\u200db\u00adc\ufe0f": "abc",
		"O´Neill O’Neill":       "o'neill o’neill",
		"𝓜𝓪𝓻𝓲𝓪":                 "maria",
		"Ꭰ ꭰ Ა ა 𐐀 𐐨":           "ꭰ ꭰ ა ა 𐐨 𐐨",
	} {
		if got := words.Fold(text); got != want {
			t.Errorf("%q folds to %q (%+q), not %q", text, got, got, want)
		}
	}
}

func TestFoldingTwiceChangesNothing(t *testing.T) {
	for r := range rune(utf8.MaxRune + 1) {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cf) || unicode.In(r, unicode.Han, unicode.Hangul) && r%64 != 0 {
			continue
		}
		if once := words.Fold(string(r)); words.Fold(once) != once {
			t.Errorf("%U folds to %+q and then to %+q", r, once, words.Fold(once))
		}
	}
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		name, username, email, given string
		want                         words.Terms
	}{
		{want: words.Terms{}},
		{name: "Jean-Luc O'Neill", given: "Jean-Luc", want: words.Terms{
			Words: []string{"jean", "jeanluc", "luc", "neill", "o", "oneill"}, Name: []string{"jean", "luc", "oneill"},
		}},
		{name: "Duran Duran", given: "Simon", want: words.Terms{
			Words: []string{"duran", "simon"}, Name: []string{"duran", "duran"},
		}},
		{username: "jane.doe_92", email: "Jane.Doe@Acme.co.uk", want: words.Terms{
			Words: []string{"92", "doe", "jane"}, Logins: []string{"janedoe", "janedoe92"}, Hosts: []string{"acme", "co", "uk"}, Username: "janedoe92",
		}},
		{username: "jane@acme.com", want: words.Terms{
			Words: []string{"jane"}, Logins: []string{"jane", "janeacmecom"}, Hosts: []string{"acme", "com"}, Username: "janeacmecom",
		}},
		{name: "team@home @work", want: words.Terms{
			Words: []string{"home", "team", "teamhome", "work"}, Logins: []string{"team"}, Hosts: []string{"home", "work"}, Name: []string{"team", "home", "work"},
		}},
		{name: "田中太郎 Taro", username: "+++", email: "...@x", want: words.Terms{
			Words: []string{"taro", "中太郎", "太郎", "田中太郎", "郎"}, Hosts: []string{"x"}, Name: []string{"田中太郎", "taro"},
		}},
		{name: "一二三四五六七八九十", want: words.Terms{
			Words: []string{"一二三四五六七八", "七八九十", "三四五六七八九十", "九十", "二三四五六七八九", "五六七八九十", "八九十", "六七八九十", "十", "四五六七八九十"},
			Name:  []string{"一二三四五六七八", "九十"},
		}},
	} {
		slices.Sort(c.want.Words)
		got := words.Of(c.name, c.username, c.email, c.given)
		if diff := cmp.Diff(c.want, got, cmp.Transformer("empty", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
			t.Errorf("words of %q %q %q %q (-want +got):\n%s", c.name, c.username, c.email, c.given, diff)
		}
	}
}

func TestInText(t *testing.T) {
	for text, want := range map[string][]words.Typed{
		"":                   nil,
		" -- ' \t@ ":         nil,
		"Ann ann ANN":        {{Text: "ann"}},
		"o'ne jean-luc":      {{Text: "one"}, {Text: "jean", Typo: true}, {Text: "luc"}},
		"jane.doe@acme.c":    {{Text: "janedoe", Where: words.InLogins, Typo: true}, {Text: "acme", Where: words.InHosts, Typo: true}, {Text: "c", Where: words.InHosts}},
		"<jane@acme>, jane@": {{Text: "jane", Where: words.InLogins, Typo: true}, {Text: "acme", Where: words.InHosts, Typo: true}, {Text: "jane", Typo: true}},
		"@acme acme":         {{Text: "acme", Where: words.InHosts, Typo: true}, {Text: "acme", Typo: true}},
		"김민수 황보민수":           {{Text: words.Fold("김민수")}, {Text: words.Fold("황보민수"), Typo: true}},
		"कमल कमला कमलाक":     {{Text: "कमल"}, {Text: "कमला"}, {Text: "कमलाक", Typo: true}},
		"一二三四五六七八九":          {{Text: "一二三四五六七八", Typo: true}, {Text: "九"}},
	} {
		if diff := cmp.Diff(want, words.InText(text)); diff != "" {
			t.Errorf("typed words of %q (-want +got):\n%s", text, diff)
		}
	}
}

// FuzzWords holds what indexes rely on, for any text.
func FuzzWords(f *testing.F) {
	f.Add("Jean-Pierre O'Neill 田中太郎", "j.p@acme.com", "İ@ß", "마")
	f.Add(strings.Repeat("ﷺ", 200), strings.Repeat("田a", 100), strings.Repeat("a@", 99), "\xff\x00\u0345ΐ")
	f.Add("\xf1˙", "", "", "")
	f.Fuzz(func(t *testing.T, name, username, email, given string) {
		if once := words.Fold(name); words.Fold(once) != once {
			t.Errorf("%q folds to %+q and then to %+q", name, once, words.Fold(once))
		}
		terms := words.Of(name, username, email, given)
		for _, list := range [][]string{terms.Words, terms.Logins, terms.Hosts} {
			if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
				t.Errorf("%q is not sorted, or holds something twice", list)
			}
			for _, word := range list {
				if word == "" || len(word) > words.MaxBytes || !utf8.ValidString(word) || strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || unicode.IsSpace(r) || r == '@' }) {
					t.Errorf("%+q is no word", word)
				}
			}
		}
		for _, word := range terms.Name {
			if !slices.Contains(terms.Words, word) {
				t.Errorf("%q of the name is not among the words", word)
			}
		}
		if len(terms.NameKey()) > words.MaxBytes || terms.Username != "" && !slices.Contains(terms.Logins, terms.Username) {
			t.Errorf("keys are %q and %q", terms.NameKey(), terms.Username)
		}
		all := map[words.Where][]string{words.Anywhere: terms.Words, words.InLogins: terms.Logins, words.InHosts: terms.Hosts}
		for _, typed := range words.InText(name) {
			if !slices.Contains(all[typed.Where], typed.Text) {
				t.Errorf("%q as typed: %v is not among %q", name, typed, all[typed.Where])
			}
		}
	})
}
