package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/httpapi"
)

func TestDocumentAndRouterNameTheSameRoutes(t *testing.T) {
	handler := newDirectory(t, wiring{}).handler(t, func(c *httpapi.Config) { c.Registry = prometheus.NewRegistry() })
	routed, documented := map[string]bool{}, map[string]bool{}
	err := chi.Walk(httpapi.RouterOf(handler), func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routed[method+" "+path] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct {
			Security []map[string][]string `json:"security"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(ask(handler, "GET", "/openapi.json", "").Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	scopes := httpapi.ScopesOf(handler)
	for path, operations := range document.Paths {
		for method, operation := range operations {
			route := strings.ToUpper(method) + " " + path
			documented[route] = true
			if method == "get" {
				documented["HEAD "+path] = true // HEAD goes without saying
			}
			want := []map[string][]string{}
			if scope := scopes[route]; scope != "" {
				want = append(want, map[string][]string{"key": {string(scope)}})
			}
			if diff := cmp.Diff(want, operation.Security); diff != "" {
				t.Errorf("%s: security (-want +got):\n%s", route, diff)
			}
		}
	}
	if diff := cmp.Diff(routed, documented); diff != "" {
		t.Errorf("routes (-router +document):\n%s", diff)
	}
	if len(routed) < 30 {
		t.Errorf("%d routes: the walk goes nowhere", len(routed))
	}
}

// TestEveryRouteNeedsItsScope says which routes need no key, and that the others
// refuse those without.
func TestEveryRouteNeedsItsScope(t *testing.T) {
	handler := newDirectory(t, wiring{}).handler(t, func(c *httpapi.Config) { c.Registry = prometheus.NewRegistry() })
	open := map[string]bool{
		"GET /livez": true, "GET /readyz": true, "GET /openapi.json": true, "GET /docs": true, "GET /docs/rapidoc-min.js": true,
	}
	for route, scope := range httpapi.ScopesOf(handler) {
		method, path, _ := strings.Cut(route, " ")
		if open[route] != (scope == "") {
			t.Errorf("%s needs scope %q", route, scope)
		}
		wanted := domain.ReadScope
		switch {
		case strings.HasPrefix(path, "/keys"), strings.HasPrefix(path, "/parked"), path == "/events",
			strings.HasPrefix(path, "/views"), strings.HasPrefix(path, "/store"):
			wanted = domain.AdminScope
		case method != http.MethodGet && path != "/groups:check":
			wanted = domain.WriteScope
		}
		if scope != "" && scope != wanted {
			t.Errorf("%s needs scope %q, want %q", route, scope, wanted)
		}
		path = strings.NewReplacer("{id}", "x", "{memberId}", "y").Replace(path)
		status := ask(handler, method, path, "", "Authorization", "none").Code
		if unauthorized := status == http.StatusUnauthorized; unauthorized == open[route] {
			t.Errorf("%s without a key: status %d", route, status)
		}
	}
}
