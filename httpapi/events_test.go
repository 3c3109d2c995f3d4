package httpapi_test

import (
	"bufio"
	"encoding/json"
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
