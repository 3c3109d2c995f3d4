package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// document is the service's OpenAPI document.
type document struct {
	root map[string]any
}

func fetchDocument(t *testing.T, target *Target) *document {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target.URL+"/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := target.Client.Do(request)
	if err != nil {
		t.Fatalf("get the document: %v", err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("get the document: status %d, %v", response.StatusCode, err)
	}
	d := &document{}
	if err := json.Unmarshal(content, &d.root); err != nil {
		t.Fatalf("the document is not JSON: %v", err)
	}
	return d
}

// operation finds what the document says of a method and a path.
func (d *document) operation(method, path string) (map[string]any, bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	paths, _ := d.root["paths"].(map[string]any)
	var fitting []string
	for template := range paths {
		if fits(template, path) {
			fitting = append(fitting, template)
		}
	}
	if len(fitting) == 0 {
		return nil, false
	}
	// Of two that fit, the one with the fewer parameters is meant.
	operations, _ := paths[slices.MinFunc(fitting, func(a, b string) int { return strings.Count(a, "{") - strings.Count(b, "{") })].(map[string]any)
	operation, found := operations[strings.ToLower(method)].(map[string]any)
	return operation, found
}

func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}

// check holds an answer to the document. An answer that no operation gives must
// be a problem: 404 or 405.
func (d *document) check(method, path string, r *reply) error {
	operation, found := d.operation(method, path)
	if !found {
		if r.status != http.StatusNotFound && r.status != http.StatusMethodNotAllowed {
			return fmt.Errorf("no such operation")
		}
		return nil
	}
	responses, _ := operation["responses"].(map[string]any)
	response, found := responses[strconv.Itoa(r.status)].(map[string]any)
	if !found {
		return fmt.Errorf("no such status")
	}
	if err := checkHeaders(response, r); err != nil {
		return err
	}
	if method == http.MethodHead || len(r.body) == 0 {
		return nil
	}
	content, _ := response["content"].(map[string]any)
	media, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
	if text, _ := response["description"].(string); media == problemMedia && !strings.Contains(text, "`"+r.text("code")+"`") {
		return fmt.Errorf("code %s is not among those that the document names", r.text("code"))
	}
	for declared, value := range content {
		if name, _, _ := strings.Cut(declared, ";"); name != media {
			continue
		}
		if !strings.HasSuffix(media, "json") {
			return nil
		}
		schema, _ := value.(map[string]any)["schema"].(map[string]any)
		for text := range bodiesOf(media, r.body) {
			var body any
			if err := json.Unmarshal(text, &body); err != nil {
				return err
			}
			if err := d.validate(schema, body, ""); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("media type %q is not declared", media)
}

// bodiesOf gives the values that a body of the media type holds: one, or one a line.
func bodiesOf(media string, body []byte) iter.Seq[[]byte] {
	if media == ndjsonMedia {
		return func(yield func([]byte) bool) {
			for line := range bytes.Lines(body) {
				if len(bytes.TrimSpace(line)) > 0 && !yield(line) {
					return
				}
			}
		}
	}
	return slices.Values([][]byte{body})
}

// maybeHeaders are declared where they may be, not where they must be.
var maybeHeaders = map[string]bool{"Link": true}

func checkHeaders(response map[string]any, r *reply) error {
	headers, _ := response["headers"].(map[string]any)
	for name := range headers {
		if r.header.Get(name) == "" && !maybeHeaders[name] && r.status < 400 {
			return fmt.Errorf("no header %s", name)
		}
	}
	for _, name := range []string{"ETag", "X-Consistency", "Location", "Link", "Retry-After"} {
		if _, declared := headers[name]; !declared && r.header.Get(name) != "" {
			return fmt.Errorf("undeclared header %s", name)
		}
	}
	return nil
}

// checkBody holds a request's body to the document.
func (d *document) checkBody(method, path, text string) error {
	operation, _ := d.operation(method, path)
	request, declared := operation["requestBody"].(map[string]any)
	if !declared {
		if text == "{}" {
			return nil
		}
		return fmt.Errorf("no body is declared")
	}
	content, _ := request["content"].(map[string]any)
	media, _ := content[jsonMedia].(map[string]any)
	schema, _ := media["schema"].(map[string]any)
	var body any
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		return err
	}
	return d.validate(schema, body, "")
}
