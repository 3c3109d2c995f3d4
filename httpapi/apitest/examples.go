package apitest

import (
	"fmt"
	"strings"
	"testing"
)

// testDocument holds the document to itself: every reference leads somewhere, and
// every example is as its schema says.
func testDocument(t *testing.T, c *client) {
	d := c.document
	if version, _ := d.root["openapi"].(string); !strings.HasPrefix(version, "3.1.") {
		t.Errorf("openapi %q, want 3.1", version)
	}
	if strings.Contains(fmt.Sprint(d.root), "$schema") {
		t.Error("the document speaks of $schema")
	}
	examples := 0
	d.walk(d.root, "#", func(node map[string]any, at string) {
		if reference, is := node["$ref"].(string); is {
			if _, err := d.resolve(reference); err != nil {
				t.Errorf("%s: %v", at, err)
			}
		}
		example, given := node["example"]
		schema, _ := node["schema"].(map[string]any)
		if !given || schema == nil {
			return
		}
		examples++
		if err := d.validate(schema, example, ""); err != nil {
			t.Errorf("%s: the example is not as its schema says: %v", at, err)
		}
	})
	if examples < 30 {
		t.Errorf("%d examples, want at least 30", examples)
	}
	paths, _ := d.root["paths"].(map[string]any)
	for path, item := range paths {
		for method, operation := range item.(map[string]any) {
			o, _ := operation.(map[string]any)
			if o["operationId"] == nil || o["summary"] == nil || o["tags"] == nil {
				t.Errorf("%s %s: no operationId, summary or tags", method, path)
			}
		}
	}
}

func (d *document) walk(node any, at string, visit func(node map[string]any, at string)) {
	switch n := node.(type) {
	case map[string]any:
		visit(n, at)
		for name, child := range n {
			d.walk(child, at+"/"+name, visit)
		}
	case []any:
		for i, child := range n {
			d.walk(child, fmt.Sprintf("%s/%d", at, i), visit)
		}
	}
}
