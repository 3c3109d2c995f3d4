package domain

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of an entity's attributes, all of them together.
const (
	MaxAttributes      = 64
	MaxAttributeBytes  = 16 << 10
	MaxAttributeName   = 128 // characters
	maxAttributeValues = 256
)

// Attribute is one value of an entity that the directory keeps without knowing
// what it means: a JSON string, number or boolean, or an array of these, in
// compact form. The zero Attribute is none.
type Attribute struct{ json string }

// ParseAttribute accepts a JSON scalar other than null, or an array of at most
// 256 such scalars. Strings are kept in their shortest form, numbers as written,
// if they have at most 64 characters and are within the range of a 64-bit float.
func ParseAttribute(raw jsontext.Value) (Attribute, error) {
	compact := raw.Clone()
	if err := compact.Format(); err != nil {
		return Attribute{}, fmt.Errorf("%w: must be JSON in UTF-8", Invalid)
	}
	switch compact.Kind() {
	case '"', 't', 'f':
	case '0':
		if !isReadable(compact) {
			return Attribute{}, errNumber
		}
	case '[':
		if !areReadable(compact) {
			return Attribute{}, errNumber
		}
		if values := (Attribute{string(compact)}).Values(); values == nil && string(compact) != "[]" || len(values) > maxAttributeValues {
			return Attribute{}, fmt.Errorf("%w: must be an array of at most %d strings, numbers and booleans", Invalid, maxAttributeValues)
		}
	default:
		return Attribute{}, fmt.Errorf("%w: must be a string, a number, a boolean or an array of these", Invalid)
	}
	return Attribute{string(compact)}, nil
}

// maxNumber is the longest number, in characters.
const maxNumber = 64

var errNumber = fmt.Errorf("%w: a number must have at most %d characters and be within the range of a 64-bit float", Invalid, maxNumber)

// isReadable tells whether clients can be trusted to read the number: many of
// them fail at one that is out of a float's range, and with it at the whole page
// that it stands on.
func isReadable(number jsontext.Value) bool {
	if len(number) > maxNumber {
		return false
	}
	_, err := strconv.ParseFloat(string(number), 64)
	return err == nil
}

// areReadable tells whether isReadable holds for every number of an array.
func areReadable(array jsontext.Value) bool {
	dec := jsontext.NewDecoder(bytes.NewReader(array))
	for {
		if dec.PeekKind() != '0' {
			if _, err := dec.ReadToken(); err != nil {
				return true
			}
			continue
		}
		if number, err := dec.ReadValue(); err != nil || !isReadable(number) {
			return false
		}
	}
}

// JSON is the value in compact form; empty when there is none.
func (a Attribute) JSON() string { return a.json }

// IsZero tells whether there is no value.
func (a Attribute) IsZero() bool { return a.json == "" }

// Values lists the scalars of the attribute as text, a string without its quotes:
// one for a scalar, one per element for an array. It is what a filter compares.
func (a Attribute) Values() []string {
	if a.json == "" {
		return nil
	}
	if a.json[0] != '[' {
		return []string{scalarText(a.json)}
	}
	dec := jsontext.NewDecoder(strings.NewReader(a.json))
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	values := []string{}
	for dec.PeekKind() != ']' {
		element, err := dec.ReadValue()
		if err != nil || !slices.Contains([]jsontext.Kind{'"', '0', 't', 'f'}, element.Kind()) {
			return nil
		}
		values = append(values, scalarText(string(element)))
	}
	return values
}

func scalarText(raw string) string {
	if raw[0] != '"' {
		return raw
	}
	if inside := raw[1 : len(raw)-1]; strings.IndexByte(inside, '\\') < 0 {
		return inside
	}
	text, err := unquote(jsontext.Value(raw))
	if err != nil {
		return raw
	}
	return text
}

// MarshalJSONTo writes the value, or null.
func (a Attribute) MarshalJSONTo(enc *jsontext.Encoder) error {
	if a.json == "" {
		return enc.WriteToken(jsontext.Null)
	}
	return enc.WriteValue(jsontext.Value(a.json))
}

// UnmarshalJSONFrom reads a stored value and trusts it.
func (a *Attribute) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if raw.Kind() == 'n' {
		a.json = ""
		return nil
	}
	a.json = string(raw)
	return nil
}

// Attributes are an entity's attributes by name.
type Attributes map[string]Attribute

// Check tells whether the attributes keep to the limits together, and each name
// to what ParseText accepts.
func (as Attributes) Check() error {
	if len(as) > MaxAttributes {
		return fmt.Errorf("%w: at most %d attributes", Invalid, MaxAttributes)
	}
	size := 0
	for name, value := range as {
		if err := checkText(name, MaxAttributeName); err != nil {
			return fmt.Errorf("%w: the name of an attribute must have 1 to %d characters, without control characters, and show", Invalid, MaxAttributeName)
		}
		size += len(strconv.Quote(name)) + len(value.json) + 2
	}
	if size > MaxAttributeBytes {
		return fmt.Errorf("%w: at most %d bytes of attributes in all", Invalid, MaxAttributeBytes)
	}
	return nil
}

// cloneFor gives attributes that events may be set in, leaving these as they are.
func (as Attributes) cloneFor(events []Event) Attributes {
	for _, event := range events {
		if _, changes := event.(SetAttribute); !changes {
			continue
		}
		if as == nil {
			return Attributes{}
		}
		return maps.Clone(as)
	}
	return as
}

func (as Attributes) set(e SetAttribute) {
	if e.Value.IsZero() {
		delete(as, e.Name)
		return
	}
	as[e.Name] = e.Value
}
