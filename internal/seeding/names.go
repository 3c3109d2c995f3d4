package seeding

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// name is a name as it is written, and in Latin letters for logins.
type name struct{ written, latin string }

// culture is how some people are called.
type culture struct {
	familyFirst   bool
	joint         string
	given, family []name
}

//go:embed names.txt
var namesText string

// cultures holds each culture as often as it weighs, so that it is one draw.
var cultures = sync.OnceValue(func() []*culture {
	var all []*culture
	for line := range strings.Lines(namesText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		one, weight := parseCulture(line)
		for range weight {
			all = append(all, one)
		}
	}
	return all
})

// parseCulture reads a line of names.txt, which is part of the program: a
// mistake in it is a bug.
func parseCulture(line string) (*culture, int) {
	parts := strings.Split(line, "|")
	var order, joint string
	var weight int
	if _, err := fmt.Sscanf(parts[0], "%s %q %d", &order, &joint, &weight); err != nil || len(parts) != 3 {
		panic("names.txt: malformed line " + strconv.Quote(line))
	}
	return &culture{familyFirst: order == "eastern", joint: joint, given: parseNames(parts[1]), family: parseNames(parts[2])}, weight
}

func parseNames(list string) []name {
	var names []name
	for _, word := range strings.Fields(list) {
		written, latin, found := strings.Cut(word, "=")
		if !found {
			latin = strings.ToLower(written)
		}
		names = append(names, name{written, latin})
	}
	return names
}

// join puts a given and a family name together as the culture does.
func (c *culture) join(given, family string) string {
	if c.familyFirst {
		return family + c.joint + given
	}
	return given + c.joint + family
}
