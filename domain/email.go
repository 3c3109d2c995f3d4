package domain

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Email is a mail address. It is unique, compared by Key and shown as typed.
type Email struct{ value }

// ParseEmail accepts local@host of at most MaxEmailBytes: a local part of at most
// MaxLocalBytes that is a dot-atom of RFC 5322 or, outside ASCII, what a Username
// may be; and a host name, in ASCII or in Unicode (IDNA 2008, as UTS 46 maps it).
// Quoted local parts, address literals, IPv4 addresses and a dot after the host
// are refused.
func ParseEmail(text string) (Email, error) {
	if !utf8.ValidString(text) || len(text) > MaxEmailBytes {
		return Email{}, fmt.Errorf("%w: must be UTF-8 of at most %d bytes", Invalid, MaxEmailBytes)
	}
	if _, err := emailKey(text); err != nil {
		return Email{}, err
	}
	return Email{value{text}}, nil
}

// Key is the form in which two addresses are compared: the local part as a
// Username is, although RFC 5321 would let a host tell cases apart, because no
// host in use does; the host in IDNA's ASCII form. Dots and +tags count: only the
// mail's host knows what they mean.
func (e Email) Key() string {
	key, err := emailKey(e.text)
	if err != nil {
		return e.text
	}
	return key
}

func emailKey(text string) (string, error) {
	at := strings.LastIndexByte(text, '@')
	if at < 1 || at > MaxLocalBytes || at == len(text)-1 {
		return "", fmt.Errorf("%w: must be local@host, with at most %d bytes before the @", Invalid, MaxLocalBytes)
	}
	local, err := identifier(text[:at])
	if err != nil || !isDotAtom(local) {
		return "", fmt.Errorf("%w: the part before the @ must be letters, digits and signs, without spaces, quotes, brackets or stray dots", Invalid)
	}
	host, err := hostKey(text[at+1:])
	if err != nil || !isHostName(host) {
		return "", fmt.Errorf("%w: the part after the @ must be a host name", Invalid)
	}
	return local + "@" + host, nil
}

// isDotAtom looks at a local part in its compared form, so that what only maps
// to a quote or an @ is refused too.
func isDotAtom(local string) bool {
	return local != "" && local[0] != '.' && local[len(local)-1] != '.' &&
		!strings.Contains(local, "..") && !strings.ContainsAny(local, `"(),:;<>[\]@`)
}

// hostKey is the ASCII form of a host name. Names with "--" go the long way
// because they may be in that form already, and may be wrong.
func hostKey(host string) (string, error) {
	if isPlainLower(host) && !strings.Contains(host, "--") {
		return host, nil
	}
	// From Unicode 15.1 on the capital sharp s is mapped to the small one, which
	// is a letter of its own; before it was mapped to ss.
	return idna.Lookup.ToASCII(strings.ReplaceAll(host, "ẞ", "ß"))
}

// isHostName tells whether the name is made of ASCII labels of lower-case
// letters, digits and inner hyphens (RFC 1123 section 2.1), the last of them not
// a number.
func isHostName(host string) bool {
	if len(host) > 253 {
		return false
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if !isHostLabel(label) {
			return false
		}
	}
	return true
}

func isHostLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if c := label[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
