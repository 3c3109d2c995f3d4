package domain_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/domain"
)

func TestAttributes(t *testing.T) {
	many := "[" + strings.TrimSuffix(strings.Repeat("1,", 256), ",") + "]"
	for _, test := range []struct {
		given, kept string
		values      []string
	}{
		{`"a"`, `"a"`, []string{"a"}},
		{`""`, `""`, []string{""}},
		{` "a b" `, `"a b"`, []string{"a b"}},
		{`"\u0041\u00e9\/\n\""`, `"Aé/\n\""`, []string{"Aé/\n\""}},
		{`0`, `0`, []string{"0"}},
		{`-1.50e+10`, `-1.50e+10`, []string{"-1.50e+10"}},
		{`12345678901234567890123`, `12345678901234567890123`, []string{"12345678901234567890123"}},
		{`-1.7976931348623157e308`, `-1.7976931348623157e308`, []string{"-1.7976931348623157e308"}},
		{`1e-400`, `1e-400`, []string{"1e-400"}},
		{`true`, `true`, []string{"true"}},
		{`false`, `false`, []string{"false"}},
		{`[]`, `[]`, []string{}},
		{"[ \"a\" ,\n1, true ]", `["a",1,true]`, []string{"a", "1", "true"}},
		{many, many, slices.Repeat([]string{"1"}, 256)},
	} {
		got, err := domain.ParseAttribute(jsontext.Value(test.given))
		if err != nil || got.JSON() != test.kept || !slices.Equal(got.Values(), test.values) || got.IsZero() {
			t.Errorf("%.40s: %.40s with values %.40q (%v), want %.40s with %.40q", test.given, got.JSON(), got.Values(), err, test.kept, test.values)
		}
		if again, err := domain.ParseAttribute(jsontext.Value(got.JSON())); err != nil || again != got {
			t.Errorf("%.40s: what was kept becomes %.40s (%v)", test.given, again.JSON(), err)
		}
	}
}

func TestJSONThatIsNoAttribute(t *testing.T) {
	for name, given := range map[string]string{
		"nothing":                ``,
		"null":                   `null`,
		"an object":              `{"a":1}`,
		"an empty object":        `{}`,
		"null in an array":       `["a",null]`,
		"an array in an array":   `[["a"]]`,
		"an object in an array":  `[{}]`,
		"too many values":        "[" + strings.Repeat("1,", 256) + "1]",
		"not JSON":               `abc`,
		"JSON cut":               `["a"`,
		"two values":             `1 2`,
		"a comma too many":       `[1,]`,
		"not UTF-8":              "\"\xff\"",
		"half a surrogate":       `"\ud800"`,
		"a bare control":         "\"a\nb\"",
		"a leading zero":         `01`,
		"infinity":               `Infinity`,
		"too large a number":     `1e400`,
		"too large among others": `["a",1,-1e309]`,
		"too long a number":      strings.Repeat("1", 65),
		"too long among others":  "[0." + strings.Repeat("1", 65) + "]",
		"very deep":              strings.Repeat("[", 20000),
	} {
		got, err := domain.ParseAttribute(jsontext.Value(given))
		if !errors.Is(err, domain.Invalid) || !got.IsZero() {
			t.Errorf("%s: %s, %v; want domain.Invalid", name, got.JSON(), err)
		}
		holdsNothingOf(t, name, err, given)
	}
}

func TestAnAttributeIsNotItsCallers(t *testing.T) {
	raw := jsontext.Value(` "abc" `)
	got := must(domain.ParseAttribute(raw))
	if string(raw) != ` "abc" ` {
		t.Fatalf("what was given became %s", raw)
	}
	copy(raw, ` "xyz" `)
	if got.JSON() != `"abc"` {
		t.Fatalf("the attribute became %s", got.JSON())
	}
}

func TestAttributesInJSON(t *testing.T) {
	const text = `{"a":["x",1],"b":"é"}`
	var attributes domain.Attributes
	if err := json.Unmarshal([]byte(text), &attributes); err != nil || len(attributes) != 2 || attributes["b"].JSON() != `"é"` {
		t.Fatalf("read as %v (%v)", attributes, err)
	}
	if got, err := json.Marshal(attributes, json.Deterministic(true)); err != nil || string(got) != text {
		t.Fatalf("written as %s (%v), want %s", got, err, text)
	}
}

func TestLimitsOfAttributes(t *testing.T) {
	filled := func(n, size int) domain.Attributes {
		attributes := domain.Attributes{}
		for i := range n {
			attributes[fmt.Sprintf("%03d", i)] = attribute(`"` + strings.Repeat("x", size) + `"`)
		}
		return attributes
	}
	named := func(name string) domain.Attributes { return domain.Attributes{name: attribute("1")} }
	for name, test := range map[string]struct {
		attributes domain.Attributes
		good       bool
	}{
		"none":                      {nil, true},
		"as many as allowed":        {filled(domain.MaxAttributes, 1), true},
		"one too many":              {filled(domain.MaxAttributes+1, 1), false},
		"as large as allowed":       {filled(1, domain.MaxAttributeBytes-9), true},
		"a byte too large":          {filled(1, domain.MaxAttributeBytes-8), false},
		"together too large":        {filled(2, domain.MaxAttributeBytes/2), false},
		"the longest name":          {named(strings.Repeat("é", domain.MaxAttributeName)), true},
		"a name too long":           {named(strings.Repeat("é", domain.MaxAttributeName+1)), false},
		"no name":                   {named(""), false},
		"a name that does not show": {named("\u200b"), false},
		"a name with a line feed":   {named("a\nb"), false},
		"a name not UTF-8":          {named("\xff"), false},
		"a name like a path":        {named("a.b/c~d"), true},
	} {
		err := test.attributes.Check()
		if (err == nil) != test.good || err != nil && !strings.HasPrefix(err.Error(), "invalid: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
