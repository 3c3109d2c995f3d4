package domain

import (
	"errors"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/secure/bidirule"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// Two values are the same to the directory if their compared forms are. The
// functions here make them, and leave a compared form as it is. They are kept
// for ever, in the names of claims, so they must not change with the version of
// Unicode: its stability policies see to that for assigned characters, and others
// are not accepted.

// caseless is the compared form in which neither case counts, nor compatibility
// variants (width, ligatures, circled letters…), nor what does not show: NFKC and
// full case folding, twice, as the Unicode standard asks (section 3.13, D146),
// and between them without ignorable characters, as its NFKC_Casefold.
func caseless(text string) string {
	if isPlainLower(text) {
		return text
	}
	return folded(strings.Map(dropIgnorable, folded(text)))
}

func folded(text string) string {
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))
}

// identifiers is the profile UsernameCaseMapped (RFC 8265 section 3.3) without
// its Bidi Rule, which the library would demand of left-to-right texts too.
var identifiers = precis.NewIdentifier(precis.FoldWidth, precis.LowerCase(), precis.Norm(norm.NFC))

var errMixedDirections = errors.New("mixes directions of writing")

// identifier is the compared form of a name of letters and digits, after NFKC
// and case folding. It refuses what PRECIS and the Bidi Rule refuse, with an
// error that holds nothing of the text. The joiners that PRECIS allows in some
// scripts do not count.
func identifier(text string) (string, error) {
	if isPlainLower(text) {
		return text, nil
	}
	key, err := identifiers.CompareKey(folded(text))
	if err != nil {
		return "", err
	}
	if strings.ContainsFunc(key, isRightToLeft) && !bidirule.ValidString(key) {
		return "", errMixedDirections
	}
	// Marks that a joiner kept apart get their order now.
	return norm.NFC.String(strings.Map(dropIgnorable, key)), nil
}

// isPlainLower tells whether the text is lower-case ASCII without spaces, which
// every mapping used here leaves as it is.
func isPlainLower(text string) bool {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f || ('A' <= c && c <= 'Z') {
			return false
		}
	}
	return true
}

func isRightToLeft(r rune) bool {
	if r <= unicode.MaxASCII {
		return false
	}
	properties, _ := bidi.LookupRune(r)
	switch properties.Class() {
	case bidi.R, bidi.AL, bidi.AN:
		return true
	default:
		return false
	}
}

// isIgnorable tells whether a character shows nothing by itself: the property
// Default_Ignorable_Code_Point, and the other format characters.
func isIgnorable(r rune) bool {
	return r > unicode.MaxASCII && unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

func dropIgnorable(r rune) rune {
	if isIgnorable(r) {
		return -1
	}
	return r
}
