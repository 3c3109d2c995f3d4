package domain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/domain"
)

func parseEmailKey(text string) (string, error) {
	email, err := domain.ParseEmail(text)
	return email.Key(), err
}

func TestEmails(t *testing.T) {
	longHost := strings.Repeat(strings.Repeat("a", 49)+".", 3) + strings.Repeat("b", 39)
	for _, text := range []string{
		"a@b", "eleni@example.com", "Eleni.Papadopoulou+tag@Sub.Example.COM", "!#$%&'*+/=?^_`{|}~-@example.com", "0@0.com", "root@localhost",
		"o'brien@example.ie", "a@b-c.example", "a@1and1.example", "a@123.example", "x@y.co.uk", "a@x1", "a@3com",
		"jürgen@example.de", "eleni@müller.example", "Ελένη@παράδειγμα.δοκιμή", "用户@例子.广告", "अजय@डाटा.भारत", "أحمد@مثال.إختبار", "дом@почта.рф",
		"a@xn--mller-kva.example", "A@XN--MLLER-KVA.EXAMPLE", "a@straße.example", "a@faß.de", "a@例子。测试", "a@😀.example",
		strings.Repeat("a", domain.MaxLocalBytes) + "@example.com",
		strings.Repeat("a", domain.MaxEmailBytes-1-len(longHost)-0) + "@" + longHost,
		"a@" + strings.Repeat("b", 63) + ".example",
	} {
		email, err := domain.ParseEmail(text)
		if err != nil || email.String() != text {
			t.Errorf("%+q: %v", text, err)
		}
	}
}

func TestTextsThatAreNoEmails(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                         "",
		"no @":                          "example.com",
		"nothing before":                "@example.com",
		"nothing after":                 "eleni@",
		"only an @":                     "@",
		"two @":                         "a@b@example.com",
		"a wide @":                      "a＠b@example.com",
		"only a wide @":                 "a＠example.com",
		"a space":                       "a b@example.com",
		"a space after":                 "eleni@example.com ",
		"a space before":                " eleni@example.com",
		"a space in the host":           "eleni@exam ple.com",
		"no-break space":                "a\u00a0b@example.com",
		"tab":                           "a\t@example.com",
		"line feed":                     "eleni@example.com\n",
		"a header":                      "eleni@example.com\r\nBcc: x@example.com",
		"NUL":                           "a\x00@example.com",
		"not UTF-8":                     "a\xff@example.com",
		"not UTF-8 in the host":         "a@ex\xffample.com",
		"a dot before":                  ".a@example.com",
		"a dot after":                   "a.@example.com",
		"two dots":                      "a..b@example.com",
		"wide dots":                     "a．．b@example.com",
		"an ellipsis":                   "a…b@example.com",
		"quoted":                        `"a b"@example.com`,
		"wide quotes":                   "＂a＂@example.com",
		"angle brackets":                "<eleni@example.com>",
		"with a name":                   "Eleni <eleni@example.com>",
		"two addresses":                 "a@example.com,b@example.com",
		"a comment":                     "eleni(work)@example.com",
		"a backslash":                   `a\b@example.com`,
		"a colon":                       "mailto:a@example.com",
		"an address literal":            "a@[192.0.2.1]",
		"an IPv4 address":               "a@192.0.2.1",
		"a number as last label":        "a@example.123",
		"a dot after the host":          "eleni@example.com.",
		"an ideographic dot after it":   "eleni@example.com。",
		"a dot before the host":         "eleni@.example.com",
		"two dots in the host":          "eleni@example..com",
		"a hyphen before a label":       "eleni@-example.com",
		"a hyphen after a label":        "eleni@example-.com",
		"an underscore in the host":     "eleni@ex_ample.com",
		"a port":                        "eleni@example.com:25",
		"a path":                        "eleni@example.com/x",
		"hyphens like IDNA's":           "eleni@ab--cd.example",
		"punycode of nothing":           "eleni@xn--.example",
		"punycode that is wrong":        "eleni@xn--0.example",
		"punycode that is wrong, upper": "eleni@XN--0.example",
		"punycode of ASCII":             "eleni@xn--abc-.example",
		"punycode of upper case":        "eleni@xn--mller-2pa.example",
		"label too long":                "a@" + strings.Repeat("b", 64) + ".example",
		"label too long in punycode":    "a@" + strings.Repeat("ü", 60) + ".example",
		"local part too long":           strings.Repeat("a", domain.MaxLocalBytes+1) + "@example.com",
		"local part too long in bytes":  strings.Repeat("é", domain.MaxLocalBytes/2+1) + "@example.com",
		"too long":                      "a@" + strings.Repeat("b.", domain.MaxEmailBytes/2) + "c",
		"zero width space":              "el\u200beni@example.com",
		"soft hyphen":                   "el\u00adeni@example.com",
		"left-to-right mark":            "eleni\u200e@example.com",
		"an emoji":                      "😀@example.com",
		"directions mixed":              "אa@example.com",
		"directions mixed in the host":  "a@אa.example",
	} {
		email, err := domain.ParseEmail(text)
		if !errors.Is(err, domain.Invalid) || !email.IsZero() {
			t.Errorf("%s: %q, %v; want domain.Invalid", name, email, err)
		}
		holdsNothingOf(t, name, err, text)
	}
}

func TestEmailsThatAreTheSame(t *testing.T) {
	for _, same := range [][]string{
		{"eleni@example.com", "Eleni@Example.COM", "ELENI@EXAMPLE.COM", "Ｅleni@ｅxample．com", "eleni@example。com", "𝐞leni@example.com"},
		{"a.b@example.com", "a．b@example.com", "A.B@EXAMPLE.COM"},
		{"jürgen@müller.example", "JÜRGEN@MÜLLER.EXAMPLE", "ju\u0308rgen@mu\u0308ller.example", "jürgen@xn--mller-kva.example", "Jürgen@XN--MLLER-KVA.example"},
		{"a@straße.example", "a@xn--strae-oqa.example", "A@STRAẞE.example"},
		{"a@example.com", "a@exam\u00adple.com"}, // IDNA leaves the soft hyphen out
		{"ss@example.com", "ß@example.com"},
	} {
		allSame(t, same, parseEmailKey)
	}
	if got, _ := parseEmailKey("Ελένη@Παράδειγμα.δοκιμή"); got != "ελένη@xn--hxajbheg2az3al.xn--jxalpdlp" {
		t.Errorf("compared as %q", got)
	}
}

func TestEmailsThatDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{
		"eleni@example.com", "eleni+a@example.com", "e.leni@example.com", "eleni@example.org", "eleni@sub.example.com", "eleni@examp.le.com", "еleni@example.com",
		"a@strasse.example", "a@straße.example", "ı@example.com", "i@example.com", "a@i.example", "a@ı.example",
	} {
		key := must(parseEmailKey(text))
		if other, taken := seen[key]; taken {
			t.Errorf("%q and %q are compared alike", text, other)
		}
		seen[key] = text
	}
}
