package domain

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/idna"
	"pgregory.net/rapid"
)

// anyText draws texts of the characters with which compared forms go wrong most
// easily, among all others.
var anyText = rapid.StringOf(rapid.OneOf(
	rapid.SampledFrom([]rune("aAzZ09.-_@+ \t'\"<[\\~!ßẞſıİςσΣǅﬁﬀＡ１．＠。｡ª①ⅳ℀´¨\u00ad\u0301\u0307\u0315\u0345\u034f\u0399\u03b9\u0591\u05d0\u05bf\u0627\u0644\u0660\u06f0\u064b\u094d\u0915\u115f\u1160\u1161\u11a8각\u13a0\uab70\u180e\u200b\u200c\u200d\u200e\u2028\u202e\u2060\u2126\u212a\u2800\u3000\u3099ばハﾊ\u3164\ufe0f\ufeff\uffa0😀\U000e0041\U0001e900\U0001d400")),
	rapid.Rune(),
	rapid.RuneFrom(nil, unicode.Lower, unicode.Upper, unicode.Mn, unicode.Arabic, unicode.Hebrew, unicode.Cherokee, unicode.Hangul),
))

var asciiText = rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("abcxyz0189-.AZ"), nil...), rapid.Map(rapid.IntRange(1, 0x7e), func(c int) rune { return rune(c) })))

func TestComparedFormsAreTheirOwn(t *testing.T) {
	for form, of := range map[string]func(string) (string, error){
		"identifier": identifier,
		"e-mail":     emailKey,
		"group name": func(text string) (string, error) { return groupNameKey(text), nil },
	} {
		t.Run(form, rapid.MakeCheck(func(t *rapid.T) {
			for range 20 {
				text := anyText.Draw(t, "text")
				if form == "e-mail" {
					text += "@" + anyText.Draw(t, "host")
				}
				key, err := of(text)
				if err != nil {
					continue
				}
				if again, err := of(key); err != nil || again != key {
					t.Fatalf("%+q is compared as %+q, and that as %+q (%v)", text, key, again, err)
				}
			}
		}))
	}
}

// TestEveryCharacterHasOneComparedForm goes over all of Unicode, each character
// by itself and beside others.
func TestEveryCharacterHasOneComparedForm(t *testing.T) {
	for r := range unicode.MaxRune + 1 {
		plain := folded(string(r)) == string(r) && !unicode.Is(unicode.M, r) && !isIgnorable(r)
		if unicode.In(r, unicode.Cn, unicode.Cs) || plain && r%32 != 0 {
			continue // nothing happens to them
		}
		for _, text := range []string{string(r), "a\u0315" + string(r) + "\u0300"} {
			name := groupNameKey(text)
			if again := groupNameKey(name); again != name {
				t.Errorf("%U: %+q is compared as %+q, and that as %+q", r, text, name, again)
			}
			id, err := identifier(text)
			if err != nil {
				continue
			}
			if again, err := identifier(id); err != nil || again != id || strings.ContainsFunc(id, isIgnorable) {
				t.Errorf("%U: %+q is compared as %+q, and that as %+q (%v)", r, text, id, again, err)
			}
		}
	}
}

func TestShortcutsAgreeWithTheLongWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			checkShortcuts(t, asciiText.Draw(t, "text"))
		}
	})
}

func checkShortcuts(t *rapid.T, text string) {
	if isPlainLower(text) {
		if slow, err := identifiers.CompareKey(folded(text)); text != "" && (err != nil || slow != text) {
			t.Errorf("%q is an identifier by the shortcut, and %q (%v) by the long way", text, slow, err)
		}
		if slow := folded(strings.Map(dropIgnorable, folded(text))); slow != text {
			t.Errorf("%q is %q by the long way", text, slow)
		}
	}
	short, shortErr := hostKey(text)
	long, longErr := idna.Lookup.ToASCII(text)
	shortGood, longGood := shortErr == nil && isHostName(short), longErr == nil && isHostName(long)
	if shortGood != longGood || shortGood && short != long {
		t.Errorf("host %q is %q (%v) by the shortcut, and %q (%v) by the long way", text, short, shortGood, long, longGood)
	}
}

// TestShortcutIsTakenForASCIIOnly goes over all bytes.
func TestShortcutIsTakenForASCIIOnly(t *testing.T) {
	for c := range 256 {
		text := string([]byte{'a', byte(c)})
		want := c > ' ' && c < 0x7f && (c < 'A' || c > 'Z')
		if isPlainLower(text) != want {
			t.Errorf("byte %#x: %v, want %v", c, !want, want)
		}
	}
}
