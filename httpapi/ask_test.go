package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ask makes one request in this process.
func ask(handler http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.Header.Set("Authorization", "Bearer "+adminKey)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// keyFor makes a key with scopes, a JSON array.
func keyFor(t testing.TB, handler http.Handler, scopes string) string {
	t.Helper()
	answer := ask(handler, "POST", "/keys", `{"label":"test","scopes":`+scopes+`}`)
	var made struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &made); err != nil || answer.Code != http.StatusCreated {
		t.Fatalf("POST /keys: %d %s", answer.Code, answer.Body)
	}
	return made.Key
}

// askAs makes a request with a key.
func askAs(handler http.Handler, key, method, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, http.NoBody)
	r.Header.Set("Authorization", "Bearer "+key)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// created makes an entity and gives its id.
func created(t testing.TB, handler http.Handler, path, body string) string {
	t.Helper()
	answer := ask(handler, "POST", path, body)
	var entity struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &entity); err != nil || answer.Code != http.StatusCreated {
		t.Fatalf("POST %s: %d %s", path, answer.Code, answer.Body)
	}
	return entity.ID
}
