package apitest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// validate holds a value to a schema (JSON Schema 2020-12, as far as the document
// uses it). A keyword that is not known here is an error, so that none is passed
// over. at is where the value stands.
func (d *document) validate(schema map[string]any, value any, at string) error {
	for keyword, argument := range schema {
		var err error
		switch keyword {
		case "$ref":
			err = d.validateRef(argument.(string), value, at)
		case "type":
			err = checkType(argument, value, at)
		case "enum":
			if !slices.Contains(argument.([]any), value) {
				err = fmt.Errorf("%s: not one of %v", at, argument)
			}
		case "anyOf":
			err = d.validateAny(argument.([]any), value, at)
		case "required", "properties", "additionalProperties", "maxProperties":
			err = d.validateObject(keyword, schema, value, at)
		case "items", "minItems", "maxItems":
			err = d.validateArray(keyword, argument, value, at)
		case "minLength", "maxLength", "format", "pattern":
			err = checkString(keyword, argument, value, at)
		case "minimum", "maximum":
			err = checkNumber(keyword, argument.(float64), value, at)
		case "description", "examples", "readOnly", "default", "title":
		default:
			err = fmt.Errorf("%s: keyword %q is not known to this test", at, keyword)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *document) validateRef(reference string, value any, at string) error {
	schema, err := d.resolve(reference)
	if err != nil {
		return err
	}
	return d.validate(schema, value, at)
}

func (d *document) resolve(reference string) (map[string]any, error) {
	var node any = d.root
	for name := range strings.SplitSeq(strings.TrimPrefix(reference, "#/"), "/") {
		object, _ := node.(map[string]any)
		node = object[name]
	}
	schema, found := node.(map[string]any)
	if !found {
		return nil, fmt.Errorf("%s: nothing is there", reference)
	}
	return schema, nil
}

func (d *document) validateAny(schemas []any, value any, at string) error {
	for _, schema := range schemas {
		if d.validate(schema.(map[string]any), value, at) == nil {
			return nil
		}
	}
	return fmt.Errorf("%s: none of the alternatives", at)
}

func checkType(argument, value any, at string) error {
	names, several := argument.([]any)
	if !several {
		names = []any{argument}
	}
	actual := typeOf(value)
	if slices.Contains(names, any(actual)) || actual == "integer" && slices.Contains(names, any("number")) {
		return nil
	}
	return fmt.Errorf("%s: is %s, want %v", at, actual, names)
}

func typeOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
	}
	return "number"
}

func (d *document) validateObject(keyword string, schema map[string]any, value any, at string) error {
	object, is := value.(map[string]any)
	if !is {
		return nil
	}
	properties, _ := schema["properties"].(map[string]any)
	switch keyword {
	case "required":
		for _, name := range schema[keyword].([]any) {
			if _, found := object[name.(string)]; !found {
				return fmt.Errorf("%s: no member %s", at, name)
			}
		}
	case "maxProperties":
		if float64(len(object)) > schema[keyword].(float64) {
			return fmt.Errorf("%s: too many members", at)
		}
	}
	for name, member := range object {
		known, found := properties[name].(map[string]any)
		switch more := schema["additionalProperties"].(type) {
		case bool:
			if !found && !more {
				return fmt.Errorf("%s: unknown member %s", at, name)
			}
		case map[string]any:
			if !found {
				known = more
			}
		}
		if err := d.validate(known, member, at+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

func (d *document) validateArray(keyword string, argument, value any, at string) error {
	array, is := value.([]any)
	if !is {
		return nil
	}
	switch keyword {
	case "minItems":
		if float64(len(array)) < argument.(float64) {
			return fmt.Errorf("%s: too few items", at)
		}
	case "maxItems":
		if float64(len(array)) > argument.(float64) {
			return fmt.Errorf("%s: too many items", at)
		}
	default:
		for i := range array {
			if err := d.validate(argument.(map[string]any), array[i], fmt.Sprintf("%s/%d", at, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkString(keyword string, argument, value any, at string) error {
	text, is := value.(string)
	if !is {
		return nil
	}
	good := true
	switch keyword {
	case "minLength":
		good = float64(utf8.RuneCountInString(text)) >= argument.(float64)
	case "maxLength":
		good = float64(utf8.RuneCountInString(text)) <= argument.(float64)
	case "pattern":
		good = regexp.MustCompile(argument.(string)).MatchString(text)
	case "format":
		switch argument {
		case "uuid":
			good = uuidText.MatchString(strings.ToLower(text))
		case "date-time":
			_, err := time.Parse(time.RFC3339, text)
			good = err == nil && instantText.MatchString(text)
		default:
			return fmt.Errorf("%s: format %v is not known to this test", at, argument)
		}
	}
	if !good {
		return fmt.Errorf("%s: fails %s %v", at, keyword, argument)
	}
	return nil
}

func checkNumber(keyword string, bound float64, value any, at string) error {
	number, is := value.(float64)
	if !is || keyword == "minimum" && number >= bound || keyword == "maximum" && number <= bound {
		return nil
	}
	return fmt.Errorf("%s: %v is beyond %s %v", at, number, keyword, bound)
}
