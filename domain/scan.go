package domain

import (
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// scanner takes JSON apart, one value after the other, without copying. It
// exists because replaying a store's history mostly is reading JSON: it knows the
// plain values that events are made of, and leaves what is seldom in them
// (escapes, fractions, nested values) to jsontext. What it accepts is JSON in
// UTF-8, but for names that stand twice in an object.
type scanner struct {
	data []byte
	at   int
	err  error
}

// fail stops the scanner; where it failed first stays the error, and says
// nothing of what stood there.
func (s *scanner) fail() {
	if s.err == nil {
		s.err = fmt.Errorf("malformed JSON at byte %d", s.at)
	}
}

func (s *scanner) skipSpace() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// next tells whether the byte comes next, and passes over it if so.
func (s *scanner) next(c byte) bool {
	s.skipSpace()
	if s.err != nil || s.at == len(s.data) || s.data[s.at] != c {
		return false
	}
	s.at++
	return true
}

// expect passes over a byte that must come next.
func (s *scanner) expect(c byte) {
	if !s.next(c) {
		s.fail()
	}
}

// more tells whether the array or object at hand has another item, and passes
// over what stands before it, or over the end.
func (s *scanner) more(first bool, end byte) bool {
	if s.next(end) {
		return false
	}
	if !first {
		s.expect(',')
	}
	return s.err == nil
}

// name reads the name of an object's member, as it stands between its quotes.
func (s *scanner) name() []byte {
	s.skipSpace()
	quoted := s.text()
	s.expect(':')
	if s.err != nil {
		return nil
	}
	if name := quoted[1 : len(quoted)-1]; !hasEscape(quoted) {
		return name
	}
	name, _ := jsontext.AppendUnquote(nil, quoted) // text has found it good
	return name
}

// value reads any value.
func (s *scanner) value() jsontext.Value {
	s.skipSpace()
	if s.err != nil || s.at == len(s.data) {
		s.fail()
		return nil
	}
	switch c := s.data[s.at]; {
	case c == '"':
		return s.text()
	case c == '[' || c == '{':
		return s.nested()
	default:
		return s.word()
	}
}

// text reads a string, with its quotes.
func (s *scanner) text() jsontext.Value {
	start, escape, ascii := s.at, false, true
	if s.at == len(s.data) || s.data[s.at] != '"' {
		s.fail()
		return nil
	}
	for i := start + 1; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			text := jsontext.Value(s.data[start : i+1])
			if !ascii && !utf8.Valid(text) || escape && !text.IsValid() {
				s.fail()
			}
			s.at = i + 1
			return text
		case c == '\\':
			escape = true
			i++
		case c < ' ':
			s.fail()
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.fail()
	return nil
}

// word reads a number, true, false or null.
func (s *scanner) word() jsontext.Value {
	start, digits := s.at, true
	for s.at < len(s.data) && isWordByte(s.data[s.at]) {
		digits = digits && '0' <= s.data[s.at] && s.data[s.at] <= '9'
		s.at++
	}
	word := jsontext.Value(s.data[start:s.at])
	switch {
	case digits && len(word) > 0 && (word[0] != '0' || len(word) == 1):
	case string(word) == "true" || string(word) == "false" || string(word) == "null":
	case !word.IsValid():
		s.at = start
		s.fail()
	}
	return word
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'E'
}

// nested reads an array or an object.
func (s *scanner) nested() jsontext.Value {
	start, depth := s.at, 0
	for s.err == nil && s.at < len(s.data) {
		switch s.data[s.at] {
		case '"':
			s.text()
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		s.at++
		if depth == 0 {
			value := jsontext.Value(s.data[start:s.at])
			if !value.IsValid() {
				s.at = start
				s.fail()
			}
			return value
		}
	}
	s.fail()
	return nil
}

// end makes sure that nothing follows.
func (s *scanner) end() {
	s.skipSpace()
	if s.at != len(s.data) {
		s.fail()
	}
}
