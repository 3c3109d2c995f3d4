package httpapi

import (
	"maps"

	"github.com/danielgtaylor/huma/v2"
)

// Words for writing schemas.

func object(required []string, properties map[string]*huma.Schema) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Required: required, Properties: properties, AdditionalProperties: false}
}

func array(items *huma.Schema) *huma.Schema { return &huma.Schema{Type: huma.TypeArray, Items: items} }

func bounded(s *huma.Schema, least, most int) *huma.Schema {
	s.MinItems, s.MaxItems = &least, &most
	return s
}

func text(description string, longest int) *huma.Schema {
	least := 1
	s := &huma.Schema{Type: huma.TypeString, Description: description, MinLength: &least}
	if longest > 0 {
		s.MaxLength = &longest
	}
	return s
}

// anyText may be empty.
func anyText(longest int) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, MaxLength: &longest}
}

func boolean() *huma.Schema { return &huma.Schema{Type: huma.TypeBoolean} }

func integer(least float64) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Minimum: &least}
}

func atMost(s *huma.Schema, most float64) *huma.Schema {
	s.Maximum = &most
	return s
}

func integerWithin(least, most, otherwise float64) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most, Default: otherwise}
}

func enum(values ...string) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, value := range values {
		s.Enum = append(s.Enum, value)
	}
	return s
}

func idSchema(description string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uuid", Description: description, Examples: []any{exampleUserID}}
}

func timeSchema(description string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Description: description, Examples: []any{exampleTime}}
}

// list is a page of the items.
func list(item string) *huma.Schema {
	return object([]string{"items", "next"}, map[string]*huma.Schema{
		"items": array(ref(item)),
		"next":  {Type: huma.TypeString, Nullable: true, Description: "The cursor of the next page; null after the last one."},
	})
}

func described(s *huma.Schema, description string) *huma.Schema {
	if description != "" {
		s.Description = description
	}
	return s
}

func nullable(s *huma.Schema) *huma.Schema {
	s.Nullable = true
	return s
}

// optional makes all but the named properties nullable: null is none. Within
// attributes it is, too.
func optional(properties map[string]*huma.Schema, except ...string) map[string]*huma.Schema {
	kept := map[string]bool{}
	for _, name := range except {
		kept[name] = true
	}
	for name, property := range properties {
		if !kept[name] {
			property.Nullable = true
		}
		if values, ok := property.AdditionalProperties.(*huma.Schema); ok {
			values.AnyOf = append(values.AnyOf, &huma.Schema{Type: "null"})
		}
	}
	return properties
}

func with(properties, more map[string]*huma.Schema) map[string]*huma.Schema {
	maps.Copy(properties, more)
	return properties
}

func without(properties map[string]*huma.Schema, name string) map[string]*huma.Schema {
	delete(properties, name)
	return properties
}
