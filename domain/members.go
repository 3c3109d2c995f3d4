package domain

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// members walks the members of a JSON object, which a type names one after the
// other: it writes them all or, while reading, takes in the one at hand. So one
// list of members per type serves both ways, and reflection none.
type members struct {
	out []byte

	reading bool
	name    []byte         // of the member at hand
	value   jsontext.Value // of the member at hand, until the next is read
	known   bool           // the member at hand was named
	err     error
}

var errWrongKind = errors.New("a member of the wrong kind")

// begin writes a member's name.
func (m *members) begin(name string) {
	if m.out[len(m.out)-1] != '{' {
		m.out = append(m.out, ',')
	}
	m.out = append(m.out, '"')
	m.out = append(m.out, name...)
	m.out = append(m.out, '"', ':')
}

// hand tells whether the member at hand has the name, and is of one of the kinds.
func (m *members) hand(name, kinds string) bool {
	if m.known || string(m.name) != name {
		return false
	}
	m.known = true
	if strings.IndexByte(kinds, byte(m.value.Kind())) < 0 {
		m.err = errWrongKind
		return false
	}
	return true
}

// text is a string.
func (m *members) text(name string, text *string) {
	if !m.reading {
		m.begin(name)
		m.quote(*text)
	} else if m.hand(name, `"`) {
		*text, m.err = unquote(m.value)
	}
}

// eventType is a string, mostly one of a few.
func (m *members) eventType(name string, text *string) {
	if m.reading && !m.known && string(m.name) == name && m.value.Kind() == '"' {
		if known := schemas[string(m.value[1:len(m.value)-1])]; known != nil {
			*text, m.known = known.name, true
			return
		}
	}
	m.text(name, text)
}

// textOrNull is a string, null for the empty one.
func (m *members) textOrNull(name string, text *string) {
	if !m.reading {
		m.begin(name)
		if *text == "" {
			m.out = append(m.out, "null"...)
			return
		}
		m.quote(*text)
	} else if m.hand(name, `"n`) && m.value.Kind() == '"' {
		*text, m.err = unquote(m.value)
	}
}

// textIfAny is a string, left out if empty.
func (m *members) textIfAny(name string, text *string) {
	if m.reading || *text != "" {
		m.text(name, text)
	}
}

// truth is true or false.
func (m *members) truth(name string, truth *bool) {
	if !m.reading {
		m.begin(name)
		m.out = strconv.AppendBool(m.out, *truth)
	} else if m.hand(name, `tf`) {
		*truth = m.value.Kind() == 't'
	}
}

// number is a number that is not negative.
func (m *members) number(name string, number *uint64) {
	if !m.reading {
		m.begin(name)
		m.out = strconv.AppendUint(m.out, *number, 10)
	} else if m.hand(name, `0`) {
		var err error
		if *number, err = strconv.ParseUint(string(m.value), 10, 64); err != nil {
			m.err = errWrongKind
		}
	}
}

// numberIfAny is a number that is not negative, left out if it is 0.
func (m *members) numberIfAny(name string, number *uint64) {
	if m.reading || *number != 0 {
		m.number(name, number)
	}
}

// count is a number.
func (m *members) count(name string, count *int) {
	if !m.reading {
		m.begin(name)
		m.out = strconv.AppendInt(m.out, int64(*count), 10)
	} else if m.hand(name, `0`) {
		var err error
		if *count, err = strconv.Atoi(string(m.value)); err != nil {
			m.err = errWrongKind
		}
	}
}

// id is a UUID as a string.
func (m *members) id(name string, id *uuid.UUID) {
	if !m.reading {
		m.begin(name)
		m.quote(id.String())
	} else if m.hand(name, `"`) {
		var err error
		if *id, err = uuid.ParseBytes(m.value[1 : len(m.value)-1]); err != nil {
			m.err = errWrongKind
		}
	}
}

// idIfAny is a UUID as a string, left out if it is the nil one.
func (m *members) idIfAny(name string, id *uuid.UUID) {
	if m.reading || *id != uuid.Nil {
		m.id(name, id)
	}
}

// attribute is any value as it was accepted, null for none.
func (m *members) attribute(name string, attribute *Attribute) {
	if !m.reading {
		m.begin(name)
		if attribute.json == "" {
			m.out = append(m.out, "null"...)
		} else {
			m.out = append(m.out, attribute.json...)
		}
	} else if m.hand(name, `"0tf[{n`) && m.value.Kind() != 'n' {
		attribute.json = string(m.value)
	}
}

// scopes is an array of strings; absent and empty are the same, none.
func (m *members) scopes(name string, scopes *[]Scope) {
	if !m.reading {
		m.begin(name)
		m.out = append(m.out, '[')
		for i, scope := range *scopes {
			if i > 0 {
				m.out = append(m.out, ',')
			}
			m.quote(string(scope))
		}
		m.out = append(m.out, ']')
	} else if m.hand(name, `[`) {
		*scopes, m.err = readScopes(m.value)
	}
}

func readScopes(value jsontext.Value) ([]Scope, error) {
	var scopes []Scope
	s := scanner{data: value}
	s.expect('[')
	for first := true; s.more(first, ']'); first = false {
		element := s.value()
		if element.Kind() != '"' {
			return nil, errWrongKind
		}
		scope, err := unquote(element)
		if err != nil {
			return nil, errWrongKind
		}
		scopes = append(scopes, Scope(scope))
	}
	return scopes, s.err
}

func (m *members) quote(text string) {
	var err error
	if m.out, err = jsontext.AppendQuote(m.out, text); err != nil {
		m.err = errors.New("a text that is not UTF-8")
	}
}

// unquote gives the text of a JSON string, which mostly has nothing escaped.
func unquote(value jsontext.Value) (string, error) {
	if !hasEscape(value) {
		return string(value[1 : len(value)-1]), nil
	}
	text, err := jsontext.AppendUnquote(nil, value)
	return string(text), err
}

func hasEscape(value jsontext.Value) bool { return bytes.IndexByte(value, '\\') >= 0 }
