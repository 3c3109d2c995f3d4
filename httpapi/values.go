package httpapi

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
)

// Reading the values of a body into the domain's types, which cannot hold a bad
// one. Each reports what is wrong and goes on.

const (
	isRequired   = "is required"
	isReadOnly   = "is read-only"
	mustBeString = "must be a string"
)

// text reads a string value.
func (b *body) text(pointer string, value jsontext.Value) (string, bool) {
	if value.Kind() != '"' {
		b.wrong(pointer, mustBeString)
		return "", false
	}
	if inside := value[1 : len(value)-1]; !strings.Contains(string(inside), `\`) {
		return string(inside), true
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		b.wrong(pointer, mustBeString)
		return "", false
	}
	return string(text), true
}

// readValue reads a string into a value type; null is no value, which is reported
// unless the field is optional.
func readValue[T any](b *body, pointer string, value jsontext.Value, optional bool, parse func(string) (T, error)) (change commands.Change[T]) {
	if value.Kind() == 'n' {
		if !optional {
			b.wrong(pointer, isRequired)
			return change
		}
		change.Set = true
		return change
	}
	text, ok := b.text(pointer, value)
	if !ok {
		return change
	}
	parsed, err := parse(text)
	if err != nil {
		b.wrong(pointer, reasonOf(err))
		return change
	}
	return commands.To(parsed)
}

// readElement reads a string of an array that stands at the pointer, in which null has
// no meaning.
func readElement[T any](b *body, pointer string, i int, value jsontext.Value, parse func(string) (T, error)) commands.Change[T] {
	pointer += "/" + strconv.Itoa(i)
	if value.Kind() == 'n' {
		b.wrong(pointer, mustBeString)
		return commands.Change[T]{}
	}
	return readValue(b, pointer, value, false, parse)
}

// reasonOf is what a Parse function of the domain says, without the kind.
func reasonOf(err error) string {
	return strings.TrimPrefix(err.Error(), domain.Invalid.Error()+": ")
}

func parseLine(text string) (domain.Text, error) { return domain.ParseText(text, domain.MaxText) }

func parseDescription(text string) (domain.Text, error) {
	return domain.ParseText(text, domain.MaxDescription)
}

func readBool(b *body, pointer string, value jsontext.Value) (change commands.Change[bool]) {
	switch value.Kind() {
	case 't':
		return commands.To(true)
	case 'f':
		return commands.To(false)
	}
	b.wrong(pointer, "must be true or false")
	return change
}

// attributeChanges is what a body says of attributes: those that are null are
// zero.
type attributeChanges struct {
	clear  bool
	values domain.Attributes
}

const attributesPointer = "/attributes"

func readAttributes(b *body, value jsontext.Value) (changes attributeChanges) {
	if value.Kind() == 'n' {
		changes.clear = true
		return changes
	}
	changes.values = domain.Attributes{}
	_ = b.members(attributesPointer, value, func(name string, value jsontext.Value) {
		pointer := attributesPointer + "/" + pointerName(name)
		if _, err := domain.ParseText(name, domain.MaxAttributeName); err != nil {
			b.wrong(pointer, "the name "+reasonOf(err))
			return
		}
		if value.Kind() == 'n' {
			changes.values[name] = domain.Attribute{}
			return
		}
		attribute, err := domain.ParseAttribute(value)
		if err != nil {
			b.wrong(pointer, reasonOf(err))
			return
		}
		changes.values[name] = attribute
	})
	return changes
}

// withoutNulls leaves out the attributes that are null: there is nothing to take
// them away from.
func withoutNulls(attributes domain.Attributes) domain.Attributes {
	for name, value := range attributes {
		if value.IsZero() {
			delete(attributes, name)
		}
	}
	return attributes
}
