package httpapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// TestDocumentNamesTheCodes looks for codes that only come where the service is not what
// the black-box suite asks.
func TestDocumentNamesTheCodes(t *testing.T) {
	document := refusalsOf(t, withEverything(t))
	names := func(method, path string, status int, code string) bool {
		return strings.Contains(document[path][strings.ToLower(method)].Responses[strconv.Itoa(status)].Description, "`"+code+"`")
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
		{"GET", "/openapi.json", 400, "malformed_token foreign_token"},
		{"GET", "/users", 400, "unknown_position latest_unavailable"},
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
	for _, open := range []string{"/docs", "/docs/rapidoc-min.js", "/openapi.json"} {
		for _, code := range []string{"malformed_body", "unknown_position", "latest_unavailable"} {
			if names("GET", open, 400, code) {
				t.Errorf("GET %s: 400 names %s, which does not come", open, code)
			}
		}
	}
}

// TestDocumentNamesRefusalsOfBodies sends bodies that no route takes.
func TestDocumentNamesRefusalsOfBodies(t *testing.T) {
	handler := withEverything(t)
	ids := strings.NewReplacer("{id}", someID, "{memberId}", someID)
	asked := 0
	for path, operations := range refusalsOf(t, handler) {
		for method, operation := range operations {
			if method == "get" || method == "delete" {
				continue
			}
			asked++
			for name, bad := range map[string]struct {
				media  string
				body   io.Reader
				status int
			}{
				"of another type": {"text/plain", strings.NewReader("{}"), http.StatusUnsupportedMediaType},
				"too large":       {"application/json", strings.NewReader(strings.Repeat(" ", 9<<20)), http.StatusRequestEntityTooLarge},
				"too slow":        {"application/json", iotest.ErrReader(os.ErrDeadlineExceeded), http.StatusRequestTimeout},
			} {
				r := httptest.NewRequest(strings.ToUpper(method), ids.Replace(path), bad.body)
				r.Header.Set("Authorization", "Bearer "+adminKey)
				r.Header.Set("Content-Type", bad.media)
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, r)
				if answer.Code != bad.status {
					t.Errorf("%s %s with a body %s: %d %s", method, path, name, answer.Code, answer.Body)
				}
				if _, documented := operation.Responses[strconv.Itoa(answer.Code)]; !documented {
					t.Errorf("%s %s with a body %s: %d is not in the document", method, path, name, answer.Code)
				}
			}
		}
	}
	if asked < 10 {
		t.Errorf("%d routes were asked", asked)
	}
}

const someID = "01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10"

// refusals are the operations of the document, by path and method.
type refusals map[string]map[string]struct {
	Responses map[string]struct{ Description string }
}

func refusalsOf(t *testing.T, handler http.Handler) refusals {
	t.Helper()
	var document struct{ Paths refusals }
	if err := json.Unmarshal(ask(handler, "GET", "/openapi.json", "").Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	return document.Paths
}

// withEverything has the routes that only some services have, too.
func withEverything(t *testing.T) http.Handler {
	return newDirectory(t, wiring{}).handler(t, func(c *httpapi.Config) {
		c.Keeper, c.Views, c.Parking = &askedKeeper{}, &askedViews{}, parkingLot{}
	})
}
