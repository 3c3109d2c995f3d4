package domain

import "fmt"

// Username is the name by which a user logs in. It is unique, compared by Key
// and shown as typed.
type Username struct{ value }

// ParseUsername accepts 1 to MaxUsername characters that are, after NFKC, what
// the PRECIS profile UsernameCaseMapped allows (RFC 8265 section 3.3): letters,
// digits and marks of any script and visible ASCII; no spaces, no symbols outside
// ASCII, no characters that do not show, and no mixture of directions of writing.
func ParseUsername(text string) (Username, error) {
	if err := checkText(text, MaxUsername); err != nil {
		return Username{}, err
	}
	if key, err := identifier(text); err != nil || key == "" {
		return Username{}, fmt.Errorf("%w: must be letters, digits or visible ASCII, without spaces (RFC 8265, UsernameCaseMapped)", Invalid)
	}
	return Username{value{text}}, nil
}

// Key is the form in which two usernames are compared: width and case mapped as
// RFC 8265 says, after NFKC, so that look-alikes by compatibility are the same.
// Letters of different scripts that look alike are different.
func (u Username) Key() string {
	key, err := identifier(u.text)
	if err != nil {
		return u.text
	}
	return key
}
