package httpapi

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed5b6a70b4/identity/domain"
)

// parameter is a parameter of the query: its schema is what it is checked by and
// what the document shows.
type parameter struct {
	name, description string
	schema            *huma.Schema
	example           any
	// prefix makes it a family of parameters: name and whatever follows.
	prefix bool
}

// queryValue is a parameter as it was sent, found good.
type queryValue struct {
	parameter *parameter
	name      string
	text      string
}

// maxParameters is the most parameters that a query may have.
const maxParameters = 64

// parseQuery reads the query by the route's parameters. A parameter that is
// unknown, given twice or not as its schema says is refused, all at once.
func (x *exchange) parseQuery(known []parameter) error {
	if strings.Count(x.r.URL.RawQuery, "&") >= maxParameters {
		return invalid(fieldError{in: "query", detail: fmt.Sprintf("more than %d parameters", maxParameters)})
	}
	var found []fieldError
	wrong := func(name, detail string) {
		if len(found) < maxFieldErrors {
			found = append(found, fieldError{pointer: "/" + pointerName(name), in: "query", detail: detail})
		}
	}
	for part := range strings.SplitSeq(x.r.URL.RawQuery, "&") {
		if part == "" {
			continue
		}
		rawName, rawText, _ := strings.Cut(part, "=")
		name, nameErr := url.QueryUnescape(rawName)
		text, textErr := url.QueryUnescape(rawText)
		p := findParameter(known, name)
		switch {
		case nameErr != nil || !utf8.ValidString(name):
			wrong("", "a parameter's name is not percent-encoded UTF-8")
		case p == nil:
			wrong(name, "is not a parameter here")
		case textErr != nil || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
			wrong(name, "must be percent-encoded UTF-8 without control characters")
		case slices.ContainsFunc(x.query, func(v queryValue) bool { return v.name == name }):
			wrong(name, "is given twice")
		default:
			if detail := checkText(p.schema, text); detail != "" {
				wrong(name, detail)
			}
			x.query = append(x.query, queryValue{p, name, text})
		}
	}
	if found != nil {
		return invalid(found...)
	}
	return nil
}

func findParameter(known []parameter, name string) *parameter {
	for i := range known {
		p := &known[i]
		if p.name == name && !p.prefix || p.prefix && strings.HasPrefix(name, p.name) {
			return p
		}
	}
	return nil
}

// checkText tells what is wrong with a parameter's text, by its schema; nothing
// if it is empty.
func checkText(s *huma.Schema, text string) string {
	switch s.Type {
	case huma.TypeInteger:
		number, err := strconv.ParseUint(text, 10, 63)
		if err != nil || float64(number) < *s.Minimum || s.Maximum != nil && float64(number) > *s.Maximum {
			if s.Maximum == nil {
				return fmt.Sprintf("must be an integer of %.0f to %d", *s.Minimum, math.MaxInt64)
			}
			return fmt.Sprintf("must be an integer of %.0f to %.0f", *s.Minimum, *s.Maximum)
		}
	case huma.TypeBoolean:
		if text != "true" && text != "false" {
			return "must be true or false"
		}
	case huma.TypeString:
		return checkString(s, text)
	}
	return ""
}

func checkString(s *huma.Schema, text string) string {
	switch {
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, any(text)):
		return fmt.Sprintf("must be one of %v", s.Enum)
	case s.Format == "date-time":
		if _, err := parseTime(text); err != nil {
			return "must be a time as RFC 3339 says"
		}
	case s.Format == "uuid":
		if _, err := domain.ParseID[domain.User](text); err != nil {
			return "must be a UUID"
		}
	case s.MinLength != nil && text == "":
		return "must not be empty"
	case s.MaxLength != nil && utf8.RuneCountInString(text) > *s.MaxLength:
		return fmt.Sprintf("must have at most %d characters", *s.MaxLength)
	}
	return ""
}

var errTime = errors.New("not a time as RFC 3339 says")

// parseTime reads an instant as RFC 3339 says; time.Parse would also take an hour
// of one digit, and a comma before the fraction (go.dev/issue/54580).
func parseTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err == nil && (text[len("2006-01-02T15")] != ':' || strings.Contains(text, ",")) {
		err = errTime
	}
	return at, err
}

// param gives a parameter's text, and whether it was given.
func (x *exchange) param(name string) (string, bool) {
	for i := range x.query {
		if x.query[i].name == name {
			return x.query[i].text, true
		}
	}
	return "", false
}

// numberParam gives a parameter that is an integer, 0 if it was not given.
func (x *exchange) numberParam(name string) uint64 {
	text, _ := x.param(name)
	number, _ := strconv.ParseUint(text, 10, 63)
	return number
}

// alone refuses a query that has a parameter besides the one and those allowed
// beside it.
func (x *exchange) alone(name string, beside ...string) error {
	for i := range x.query {
		if other := x.query[i].name; other != name && !slices.Contains(beside, other) {
			return invalid(fieldError{pointer: "/" + pointerName(other), in: "query", detail: "cannot be combined with " + name})
		}
	}
	return nil
}
