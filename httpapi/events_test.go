package httpapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whoever copies gets nothing more once their key was revoked.
func TestCopiesEndWithTheirKey(t *testing.T) {
	handler := newDirectory(t, wiring{noSearch: true}).handler(t, nil)
	var key struct{ Key, ID string }
	if err := json.Unmarshal(ask(handler, "POST", "/keys", `{"label":"test","scopes":["read","admin"]}`).Body.Bytes(), &key); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/events?wait=60s", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key.Key)
	request.Header.Set("Accept", "application/x-ndjson")
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), `"sha256"`) { // before which it gives all that there is
	}
	if answer := ask(handler, "DELETE", "/keys/"+key.ID, ""); answer.Code != http.StatusNoContent {
		t.Fatalf("DELETE /keys: %d", answer.Code)
	}
	created(t, handler, "/users", `{"username":"nobodys-business"}`)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "nobodys-business") {
			t.Fatalf("given %s", lines.Text())
		}
	}
	if lines.Err() == nil {
		t.Error("it ends as if it were whole")
	}
}

// revoking revokes a key when the first of an answer is sent.
type revoking struct {
	*httptest.ResponseRecorder
	revoke func()
}

func (w *revoking) Flush() {
	w.ResponseRecorder.Flush()
	w.revoke()
}

// Nor does a list go on that is being told.
func TestListsEndWithTheirKey(t *testing.T) {
	handler := newDirectory(t, wiring{noSearch: true}).handler(t, nil)
	for i := range 501 {
		created(t, handler, "/users", fmt.Sprintf(`{"username":"u%d"}`, i))
	}
	var key struct{ Key, ID string }
	if err := json.Unmarshal(ask(handler, "POST", "/keys", `{"label":"test","scopes":["read"]}`).Body.Bytes(), &key); err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), "GET", "/users", nil)
	request.Header.Set("Authorization", "Bearer "+key.Key)
	request.Header.Set("Accept", "application/x-ndjson")
	answer := &revoking{httptest.NewRecorder(), func() { ask(handler, "DELETE", "/keys/"+key.ID, "") }}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it ends as if it were whole")
			}
		}()
		handler.ServeHTTP(answer, request)
	}()
	if lines := strings.Count(answer.Body.String(), "\n"); lines != 500 {
		t.Errorf("%d lines were told", lines)
	}
}
