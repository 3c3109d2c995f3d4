package domain

import (
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// Username is the name by which a user logs in. It is unique, compared by Key
// and shown as typed.
type Username struct{ value }

// ParseUsername accepts 1 to MaxUsername characters of the PRECIS profile
// UsernameCaseMapped (RFC 8265 section 3.3): letters, digits and marks of any
// script and visible ASCII; no spaces, no symbols outside ASCII.
func ParseUsername(text string) (Username, error) {
	if err := checkText(text, MaxUsername); err != nil {
		return Username{}, err
	}
	key, err := usernameKey(text)
	if err != nil || key == "" || utf8.RuneCountInString(key) > 4*MaxUsername {
		return Username{}, fmt.Errorf("%w: must be letters, digits or visible ASCII, without spaces (RFC 8265, UsernameCaseMapped)", Invalid)
	}
	return Username{value{text}}, nil
}

// Key is the form in which two usernames are compared: width and case mapped as
// RFC 8265 says, after NFKC, so that look-alikes by compatibility are the same.
func (u Username) Key() string {
	key, err := usernameKey(u.text)
	if err != nil {
		return u.text
	}
	return key
}

func usernameKey(text string) (string, error) {
	if isPlainLower(text) {
		return text, nil
	}
	return precis.UsernameCaseMapped.CompareKey(foldCase(norm.NFKC.String(text)))
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
