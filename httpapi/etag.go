package httpapi

import (
	"strings"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// tags is what an If-Match or If-None-Match header says, over all its lines.
type tags struct {
	given bool
	any   bool // *
	list  []tag
}

// tag is one entity tag as it was sent: its opaque text, without quotes.
type tag struct {
	text string
	weak bool
}

// parseTags reads entity tags (RFC 9110 section 8.8.3) leniently: what is not a
// tag, or none of ours, is a tag that matches nothing, which is all that a
// condition needs to know of it.
func parseTags(lines []string) tags {
	if len(lines) == 0 {
		return tags{}
	}
	parsed := tags{given: true}
	for _, line := range lines {
		for rest := line; rest != ""; {
			rest = strings.TrimLeft(rest, ", \t")
			switch {
			case rest == "":
			case rest[0] == '*':
				parsed.any = true
				rest = rest[1:]
			default:
				var t tag
				t, rest = cutTag(rest)
				parsed.list = append(parsed.list, t)
			}
		}
	}
	return parsed
}

func cutTag(text string) (tag, string) {
	var t tag
	text, t.weak = strings.CutPrefix(text, "W/")
	if opened, quoted := strings.CutPrefix(text, `"`); quoted {
		if inside, rest, closed := strings.Cut(opened, `"`); closed {
			t.text = inside
			return t, rest
		}
	}
	// Not a tag: pass over it up to the next element.
	_, rest, _ := strings.Cut(text, ",")
	return t, rest
}

// matches tells whether one of the tags is the text, which is none that a client
// can send by accident. Weak tags count only for a weak comparison.
func (t *tags) matches(text string, weakly bool) bool {
	if t.any {
		return true
	}
	for i := range t.list {
		if t.list[i].text == text && (weakly || !t.list[i].weak) {
			return true
		}
	}
	return false
}

// condition turns If-Match into what a command is told: tags that are unreadable,
// weak or of another epoch are left out, so that they never match.
func (t *tags) condition(epoch eventstream.Epoch) commands.Condition {
	c := commands.Condition{Given: t.given, Exists: t.any}
	for i := range t.list {
		if t.list[i].weak {
			continue
		}
		if token, err := eventstream.DecodeToken(t.list[i].text, epoch); err == nil {
			c.Tags = append(c.Tags, token)
		}
	}
	return c
}
