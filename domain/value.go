package domain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// value is a piece of text that was found good when it was made. In JSON it is a
// string, or null where there is none.
type value struct{ text string }

// String gives the text as it was typed.
func (v value) String() string { return v.text }

// IsZero tells whether there is no value.
func (v value) IsZero() bool { return v.text == "" }

// MarshalJSONTo writes the text, or null.
func (v value) MarshalJSONTo(enc *jsontext.Encoder) error {
	if v.text == "" {
		return enc.WriteToken(jsontext.Null)
	}
	return enc.WriteToken(jsontext.String(v.text))
}

// UnmarshalJSONFrom reads a stored value. It trusts it: the rules were applied
// when the value was accepted.
func (v *value) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case 'n':
		v.text = ""
	case '"':
		v.text = token.String()
	default:
		return fmt.Errorf("stored value is of the kind %s, not a string", token.Kind())
	}
	return nil
}

// Limits of the texts in the directory, in characters unless said otherwise.
const (
	MaxUsername    = 128
	MaxEmailBytes  = 254 // RFC 5321 section 4.5.3.1.3, less the angle brackets
	MaxLocalBytes  = 64  // RFC 5321 section 4.5.3.1.1
	MaxGroupName   = 256
	MaxExternalID  = 256
	MaxText        = 256
	MaxDescription = 1024
)

// Text is a line that people read: a name, a label, a description.
type Text struct{ value }

// ParseText accepts 1 to limit characters of UTF-8, some of which show, without
// control characters, ends of lines and overrides of the direction of writing. It
// keeps them as they are.
func ParseText(text string, limit int) (Text, error) {
	if err := checkText(text, limit); err != nil {
		return Text{}, err
	}
	return Text{value{text}}, nil
}

func checkText(text string, limit int) error {
	switch {
	case text == "":
		return fmt.Errorf("%w: must not be empty", Invalid)
	case !utf8.ValidString(text):
		return fmt.Errorf("%w: must be UTF-8", Invalid)
	case utf8.RuneCountInString(text) > limit:
		return fmt.Errorf("%w: must have at most %d characters", Invalid, limit)
	case strings.ContainsFunc(text, isControl):
		return fmt.Errorf("%w: must not hold control characters", Invalid)
	case !strings.ContainsFunc(text, shows):
		return fmt.Errorf("%w: must hold something that shows", Invalid)
	}
	return nil
}

// isControl tells whether a character breaks a line or acts on the text around
// it: the left-to-right and right-to-left overrides let a text pose as another.
func isControl(r rune) bool {
	const lineSeparator, paragraphSeparator, leftToRight, rightToLeft = 0x2028, 0x2029, 0x202d, 0x202e
	return unicode.IsControl(r) || r == lineSeparator || r == paragraphSeparator || r == leftToRight || r == rightToLeft
}

func shows(r rune) bool { return !unicode.IsSpace(r) && !isIgnorable(r) }
