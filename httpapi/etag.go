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
		for rest := strings.TrimLeft(line, ", \t"); rest != ""; rest = strings.TrimLeft(rest, ", \t") {
			var t tag
			var all bool
			t, all, rest = cutTag(rest)
			if all {
				parsed.any = true
			} else {
				parsed.list = append(parsed.list, t)
			}
		}
	}
	return parsed
}

// cutTag cuts the first element off: a tag, or * for all. What goes on before the
// next comma is neither.
func cutTag(text string) (t tag, all bool, rest string) {
	rest, all = strings.CutPrefix(text, "*")
	if !all {
		rest, t.weak = strings.CutPrefix(text, "W/")
		opened, quoted := strings.CutPrefix(rest, `"`)
		inside, after, closed := strings.Cut(opened, `"`)
		if quoted && closed {
			t.text, rest = inside, after
		}
	}
	tail, rest, _ := strings.Cut(rest, ",")
	if strings.Trim(tail, " \t") != "" {
		return tag{}, false, rest
	}
	return t, all, rest
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
