package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fingerprint names the folding and cutting rules and the Unicode tables they
// rest on. Raise the number whenever a rule of this package changes.
func Fingerprint() string { return "words 1, unicode " + unicode.Version + ", norm " + norm.Version }

// Fold gives the form in which texts are compared. Folding a folded text changes
// nothing. In this order:
//
//  1. Compatibility decomposition (NFKD): width, ligatures and presentation
//     forms go; accents become marks of their own; a Hangul syllable becomes its
//     jamo, so that 기 is found in 김 while it is being typed.
//  2. Case: each letter's lower-case of its upper-case (ς is σ, ſ is s, ı is i).
//  3. Marks that people leave out are dropped: the diacritics of Latin, Greek
//     and Cyrillic, Hebrew points, Arabic and Syriac vowel signs, the Devanagari
//     nukta, variation selectors. Other marks stay: without its vowel signs a
//     word of an Indic or Thai script is another word. й is и and ё is е by this.
//  4. Letters that do not decompose but are typed as others: see typedAs.
//  5. Katakana becomes Hiragana, a digit of any script its ASCII one.
//  6. Invisible format characters are dropped (ZWJ, ZWNJ, soft hyphen, …).
//
// Traditional and simplified Han characters stay what they are, and ä is a, not ae.
func Fold(text string) string {
	if folded, ok := foldASCII(text); ok {
		return folded
	}
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	// NFKD makes a space and a mark of the acute accent, which is often typed as an apostrophe.
	text = strings.ReplaceAll(text, "´", "'")
	var folded strings.Builder
	folded.Grow(len(text))
	for _, r := range norm.NFKD.String(text) {
		if unicode.Is(dropped, r) || unicode.Is(unicode.Cf, r) {
			continue
		}
		r = unicode.ToLower(unicode.ToUpper(r))
		switch as, ok := typedAs[r]; {
		case ok:
			folded.WriteString(as)
		case 'ァ' <= r && r <= 'ヶ':
			folded.WriteRune(r - 'ァ' + 'ぁ')
		case r > unicode.MaxASCII && unicode.Is(unicode.Nd, r):
			folded.WriteByte('0' + digit(r))
		default:
			folded.WriteRune(r)
		}
	}
	return folded.String()
}

func foldASCII(text string) (string, bool) {
	upper := false
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return "", false
		}
		upper = upper || ('A' <= text[i] && text[i] <= 'Z')
	}
	if upper {
		text = strings.ToLower(text)
	}
	return text, true
}

// digit is the value of a decimal digit. Unicode keeps the ten of a script in a
// row, and rows that touch are whole ones.
func digit(r rune) byte {
	for _, row := range unicode.Nd.R16 {
		if rune(row.Lo) <= r && r <= rune(row.Hi) {
			return byte((r - rune(row.Lo)) % 10)
		}
	}
	for _, row := range unicode.Nd.R32 {
		if rune(row.Lo) <= r && r <= rune(row.Hi) {
			return byte((r - rune(row.Lo)) % 10)
		}
	}
	return 0
}

// typedAs are the letters that have no decomposition, in lower case, and what
// people type for them.
var typedAs = map[rune]string{
	// Latin
	'ß': "ss", 'ẞ': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'ħ': "h", 'ı': "i", 'ł': "l",
	'ŋ': "n", 'ŧ': "t", 'þ': "th", 'ɓ': "b", 'ɗ': "d", 'ƙ': "k", 'ƴ': "y", 'ə': "e", 'ɨ': "i", 'ʉ': "u",
	// Cyrillic
	'ґ': "г",
	// Hebrew: final forms
	'ך': "כ", 'ם': "מ", 'ן': "נ", 'ף': "פ", 'ץ': "צ",
	// Arabic: alef with wasla, alef maksura and Farsi yeh, teh marbuta and the other hehs, keheh; no tatweel
	'ٱ': "ا", 'ى': "ي", 'ی': "ي", 'ة': "ه", 'ە': "ه", 'ہ': "ه", 'ھ': "ه", 'ک': "ك", 'ـ': "",
}

// dropped are the marks that are left out when names are typed.
var dropped = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x0300, 0x036f, 1}, // combining diacritical marks
		{0x0483, 0x0487, 1}, // Cyrillic
		{0x0591, 0x05bd, 1},
		{0x05bf, 0x05bf, 1},
		{0x05c1, 0x05c2, 1},
		{0x05c4, 0x05c5, 1},
		{0x05c7, 0x05c7, 1}, // Hebrew
		{0x0610, 0x061a, 1},
		{0x064b, 0x065f, 1},
		{0x0670, 0x0670, 1}, // Arabic
		{0x06d6, 0x06dc, 1},
		{0x06df, 0x06e4, 1},
		{0x06e7, 0x06e8, 1},
		{0x06ea, 0x06ed, 1},
		{0x0711, 0x0711, 1},
		{0x0730, 0x074a, 1}, // Syriac
		{0x093c, 0x093c, 1}, // Devanagari nukta
		{0x1ab0, 0x1aff, 1},
		{0x1dc0, 0x1dff, 1},
		{0x20d0, 0x20f0, 1},
		{0xfe00, 0xfe0f, 1}, // variation selectors
		{0xfe20, 0xfe2f, 1},
	},
	R32: []unicode.Range32{{0xe0100, 0xe01ef, 1}}, // variation selectors of Han
}
