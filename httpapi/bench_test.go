package httpapi_test

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// sink is a ResponseWriter that costs next to nothing.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// benchmarked is the handler with everything on, and some users in it.
func benchmarked(b *testing.B) (http.Handler, []map[string]any, []string) {
	d := newDirectory(b, wiring{})
	handler := d.handler(b, func(c *httpapi.Config) {
		c.Registry = prometheus.NewRegistry()
		c.AccessLog = func(*httpapi.Access) {}
	})
	var users []map[string]any
	var tags []string
	for i := range 1000 {
		body := fmt.Sprintf(`{"username":"user%d","email":"user%d@example.org","name":"Some Body","attributes":{"department":"sales","site":"north","level":3}}`, i, i)
		w := ask(handler, "POST", "/users", body)
		var user map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &user); err != nil || w.Code != http.StatusCreated {
			b.Fatal(w.Code, err)
		}
		users, tags = append(users, user), append(tags, tagOf(w.Header()))
	}
	return handler, users, tags
}

// drive asks the handler for one request after the other.
func drive(b *testing.B, handler http.Handler, status int, requests []*http.Request) {
	b.Helper()
	for _, r := range requests {
		r.Header.Set("Authorization", "Bearer "+adminKey)
		r.Body = http.NoBody
	}
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		clear(w.header)
		handler.ServeHTTP(w, requests[i%len(requests)])
		if w.status != status {
			b.Fatalf("status %d, want %d", w.status, status)
		}
	}
}

func requestsFor(n int, target func(i int) string, headers func(i int) http.Header) []*http.Request {
	requests := make([]*http.Request, n)
	for i := range requests {
		requests[i] = httptest.NewRequest(http.MethodGet, target(i), http.NoBody)
		if headers != nil {
			requests[i].Header = headers(i)
		}
	}
	return requests
}

func BenchmarkGet(b *testing.B) {
	handler, users, tags := benchmarked(b)
	byID := func(i int) string { return "/users/" + users[i]["id"].(string) }
	b.Run("floor", func(b *testing.B) { drive(b, floor(users), http.StatusOK, requestsFor(len(users), byID, nil)) })
	b.Run("by id", func(b *testing.B) { drive(b, handler, http.StatusOK, requestsFor(len(users), byID, nil)) })
	b.Run("not modified", func(b *testing.B) {
		drive(b, handler, http.StatusNotModified, requestsFor(len(users), byID, func(i int) http.Header { return http.Header{"If-None-Match": {tags[i]}} }))
	})
	b.Run("with a token", func(b *testing.B) {
		drive(b, handler, http.StatusOK, requestsFor(len(users), byID, func(i int) http.Header { return http.Header{"X-Consistency": {tags[i]}} }))
	})
	b.Run("by e-mail", func(b *testing.B) {
		byEmail := func(i int) string { return "/users?email=" + users[i]["email"].(string) }
		drive(b, handler, http.StatusOK, requestsFor(len(users), byEmail, nil))
	})
	b.Run("by username", func(b *testing.B) {
		byName := func(i int) string { return "/users?username=" + users[i]["username"].(string) }
		drive(b, handler, http.StatusOK, requestsFor(len(users), byName, nil))
	})
	b.Run("live", func(b *testing.B) {
		drive(b, handler, http.StatusOK, requestsFor(1, func(int) string { return "/livez" }, nil))
	})
}

// floor is the least that a GET takes: chi, a bearer key, a map, encoding/json.
func floor(users []map[string]any) http.Handler {
	type user struct {
		ID         string         `json:"id"`
		Username   string         `json:"username"`
		Email      string         `json:"email,omitempty"`
		Name       string         `json:"name,omitempty"`
		Active     bool           `json:"active"`
		Attributes map[string]any `json:"attributes,omitempty"`
	}
	byID := map[string]*user{}
	for _, u := range users {
		id := u["id"].(string)
		byID[id] = &user{id, u["username"].(string), u["email"].(string), u["name"].(string), true, u["attributes"].(map[string]any)}
	}
	key := sha256.Sum256([]byte(adminKey))
	var mu sync.RWMutex
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			sum := sha256.Sum256([]byte(given))
			if subtle.ConstantTimeCompare(sum[:], key[:]) == 1 {
				next.ServeHTTP(w, r)
			}
		})
	})
	router.Get("/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		mu.RLock()
		found := byID[chi.URLParam(r, "id")]
		mu.RUnlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		_ = json.NewEncoder(w).Encode(found)
	})
	return router
}

// tagOf finds the entity tag by the spelling of RFC 9110, in which it is sent.
func tagOf(header http.Header) string {
	for name, values := range header {
		if strings.EqualFold(name, "ETag") {
			return values[0]
		}
	}
	return ""
}
