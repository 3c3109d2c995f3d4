package domain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Email is a mail address. It is unique, compared by Key and shown as typed.
type Email struct{ value }

// ParseEmail accepts local@domain: a local part of at most MaxLocalBytes without
// spaces, quotes, brackets or control characters (the dot-atom of RFC 5322, and
// its UTF-8 extension, RFC 6531), and a domain that is a host name, in ASCII or
// in Unicode (IDNA 2008). Quoted local parts and address literals are refused.
func ParseEmail(text string) (Email, error) {
	if !utf8.ValidString(text) || len(text) > MaxEmailBytes {
		return Email{}, fmt.Errorf("%w: must be UTF-8 of at most %d bytes", Invalid, MaxEmailBytes)
	}
	if _, err := emailKey(text); err != nil {
		return Email{}, err
	}
	return Email{value{text}}, nil
}

// Key is the form in which two addresses are compared: the local part after NFKC
// and case folding, although RFC 5321 would let a host tell cases apart, because
// no host in use does; the domain as IDNA's ASCII form. Dots and +tags count:
// only the mail's host knows what they mean.
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
		return "", fmt.Errorf("%w: must be local@domain", Invalid)
	}
	local, host := text[:at], text[at+1:]
	if strings.ContainsFunc(local, notInLocalPart) || !dotAtom(local) {
		return "", fmt.Errorf("%w: the part before the @ must not hold spaces, quotes, brackets or stray dots", Invalid)
	}
	if isPlainLower(text) && plainHost(host) {
		return text, nil
	}
	ascii, err := idna.Lookup.ToASCII(norm.NFKC.String(host))
	if err != nil || !plainHost(ascii) {
		return "", fmt.Errorf("%w: the part after the @ must be a host name", Invalid)
	}
	return foldCase(norm.NFKC.String(local)) + "@" + ascii, nil
}

func notInLocalPart(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune(`"(),:;<>[\]@`, r) || unicode.IsControl(r) || unicode.IsSpace(r)
}

func dotAtom(local string) bool {
	return local[0] != '.' && local[len(local)-1] != '.' && !strings.Contains(local, "..")
}

// plainHost tells whether the name is made of ASCII labels of letters, digits
// and inner hyphens (RFC 1123 section 2.1), lower-case.
func plainHost(host string) bool {
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	return true
}

// foldCase folds case in full (Unicode section 3.13), again after NFKC.
func foldCase(text string) string { return norm.NFKC.String(cases.Fold().String(text)) }
