package httpapi

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/queries"
)

// bodyOf is the body that an entity in a state is answered with, nil if it is not
// there.
func bodyOf(state *queries.State) []byte {
	switch {
	case state.User != nil:
		return appendUser(nil, state.User)
	case state.Group != nil:
		return appendGroup(nil, state.Group)
	case state.Membership != nil:
		return appendMembership(nil, state.Membership)
	}
	return nil
}

// unlisted are the fields of bodies that do not count as changed: each commit says
// whose it is and when it was.
var unlisted = []string{"id", "groupId", "memberId", "createdAt", "updatedAt"}

// field is a field of a body, one of the attributes with its own name.
type field struct {
	name  string
	value jsontext.Value
}

// fieldsOf reads the fields of a body that count, in order.
func fieldsOf(body []byte) []field {
	if body == nil {
		return nil
	}
	var fields []field
	decoder := jsontext.NewDecoder(bytes.NewReader(body))
	eachMember(decoder, func(name string) {
		if name != "attributes" {
			value, _ := decoder.ReadValue()
			if !slices.Contains(unlisted, name) {
				fields = append(fields, field{name, value.Clone()})
			}
			return
		}
		eachMember(decoder, func(attribute string) {
			value, _ := decoder.ReadValue()
			fields = append(fields, field{"attributes." + attribute, value.Clone()})
		})
	})
	return fields
}

// eachMember reads an object that this package wrote; visit reads each value.
func eachMember(decoder *jsontext.Decoder, visit func(name string)) {
	_, _ = decoder.ReadToken()
	for decoder.PeekKind() == '"' {
		name, _ := decoder.ReadToken()
		visit(name.String())
	}
	_, _ = decoder.ReadToken()
}

// appendDifferences writes how two bodies differ, field by field: in the order of
// the second, and then what only the first has.
func appendDifferences(dst, before, after []byte) []byte {
	dst = append(dst, '[')
	begin := len(dst)
	change := func(name string, was, is jsontext.Value) {
		if bytes.Equal(was, is) {
			return
		}
		if len(dst) > begin {
			dst = append(dst, ',')
		}
		dst = appendString(append(dst, `{"field":`...), name)
		if was != nil {
			dst = append(append(dst, `,"before":`...), was...)
		}
		if is != nil {
			dst = append(append(dst, `,"after":`...), is...)
		}
		dst = append(dst, '}')
	}
	old, fresh := fieldsOf(before), fieldsOf(after)
	for _, f := range fresh {
		change(f.name, valueOf(old, f.name), f.value)
	}
	for _, f := range old {
		if valueOf(fresh, f.name) == nil {
			change(f.name, f.value, nil)
		}
	}
	return append(dst, ']')
}

func valueOf(fields []field, name string) jsontext.Value {
	for _, f := range fields {
		if f.name == name {
			return f.value
		}
	}
	return nil
}
