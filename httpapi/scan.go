package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// scanner reads one JSON text token by token.
type scanner struct {
	source  bytes.Buffer
	decoder jsontext.Decoder
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// scan gives a decoder of the text to read, which is strict: UTF-8, no name twice
// in an object, nothing after the value.
func scan(text []byte, read func(dec *jsontext.Decoder) error) error {
	s := scanners.Get().(*scanner)
	defer func() {
		s.source = bytes.Buffer{}
		s.decoder.Reset(&s.source)
		scanners.Put(s)
	}()
	s.source = *bytes.NewBuffer(text)
	s.decoder.Reset(&s.source)
	if err := read(&s.decoder); err != nil {
		return syntaxProblem(err)
	}
	if _, err := s.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return malformedBody("the body goes on after its JSON value")
	}
	return nil
}

// members gives each member of a JSON object, which stands at the pointer. A text
// that is no object is reported; the error is that it is not JSON.
func (b *body) members(pointer string, text jsontext.Value, member func(name string, value jsontext.Value)) error {
	return scan(text, func(dec *jsontext.Decoder) error {
		if dec.PeekKind() != '{' {
			b.wrong(pointer, "must be an object")
			return dec.SkipValue()
		}
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		for dec.PeekKind() != '}' {
			token, err := dec.ReadToken()
			if err != nil {
				return err
			}
			name := token.String()
			value, err := dec.ReadValue()
			if err != nil {
				return err
			}
			member(name, value)
		}
		_, err := dec.ReadToken()
		return err
	})
}

// elements gives each element of a JSON array, as members does those of an object.
func (b *body) elements(pointer string, text jsontext.Value, element func(i int, value jsontext.Value)) error {
	return scan(text, func(dec *jsontext.Decoder) error {
		if dec.PeekKind() != '[' {
			b.wrong(pointer, "must be an array")
			return dec.SkipValue()
		}
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		for i := 0; dec.PeekKind() != ']'; i++ {
			value, err := dec.ReadValue()
			if err != nil {
				return err
			}
			element(i, value)
		}
		_, err := dec.ReadToken()
		return err
	})
}

// syntaxProblem says where a body stops being JSON, and nothing of what is there.
func syntaxProblem(err error) error {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return malformedBody(fmt.Sprintf("the body is not JSON that is accepted, from byte %d on: it must be UTF-8, with no name twice in an object", syntactic.ByteOffset))
	}
	return malformedBody("the body is not JSON")
}

// checkNesting tells what a decoder does not look for: too many levels, and the
// character NUL, which can only stand in a string and only escaped.
func checkNesting(text []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			if bytes.HasPrefix(text[i:], escapedNUL) {
				return malformedBody("the body holds the character NUL")
			}
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return malformedBody(fmt.Sprintf("the body has more than %d levels", maxDepth))
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

var escapedNUL = []byte(`\u0000`)
