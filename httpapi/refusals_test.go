package httpapi_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// TestDocumentNamesTheCodes looks for codes that only come where the service is not what
// the black-box suite asks.
func TestDocumentNamesTheCodes(t *testing.T) {
	handler := newDirectory(t, wiring{}).handler(t, func(c *httpapi.Config) {
		c.Keeper, c.Views = &askedKeeper{}, &askedViews{}
	})
	var document struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct{ Description string }
		}
	}
	if err := json.Unmarshal(ask(handler, "GET", "/openapi.json", "").Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	names := func(method, path string, status int, code string) bool {
		return strings.Contains(document.Paths[path][strings.ToLower(method)].Responses[strconv.Itoa(status)].Description, "`"+code+"`")
	}
	for _, want := range []struct {
		method, path string
		status       int
		codes        string
	}{
		{"POST", "/users", 503, "replica store_closed unavailable"},
		{"PATCH", "/groups/{id}", 503, "replica store_closed"},
		{"POST", "/users:batch", 503, "replica store_closed"},
		{"DELETE", "/keys/{id}", 503, "replica store_closed"},
		{"POST", "/users", 422, "invalid mismatch"},
		{"POST", "/store:close", 503, "replica parked unavailable"},
		{"POST", "/store:promote", 409, "not_a_replica"},
		{"POST", "/views:rebuild", 409, "rebuilding"},
		{"POST", "/views:rebuild", 422, "invalid no_such_view"},
		{"POST", "/views:back", 409, "rebuilding nothing_kept"},
		{"GET", "/changes", 501, "changes_off"},
		{"GET", "/users", 501, "search_off"},
	} {
		for code := range strings.FieldsSeq(want.codes) {
			if !names(want.method, want.path, want.status, code) {
				t.Errorf("%s %s: %d does not name %s", want.method, want.path, want.status, code)
			}
		}
	}
	if names("GET", "/users", 503, "replica") || names("PATCH", "/users/{id}", 422, "mismatch") || names("POST", "/views:back", 409, "username_taken") {
		t.Error("codes are named where they do not come")
	}
}
