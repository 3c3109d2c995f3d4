package httpapi_test

import (
	"encoding/json"
	"net/http"
	"testing"
)

// TestDetailsSayWhatIsWrong holds details to what is wrong with the value that they are
// about.
func TestDetailsSayWhatIsWrong(t *testing.T) {
	handler := newDirectory(t, wiring{noSearch: true}).handler(t, nil)
	group := "/groups/" + created(t, handler, "/groups", `{"name":"some"}`)
	for _, test := range []struct{ method, path, body, pointer, detail string }{
		{"POST", group + "/members", `{"members":[null]}`, "/members/0", "must be a string"},
		{"POST", "/keys", `{"label":"x","scopes":["read",null]}`, "/scopes/1", "must be a string"},
		{"POST", "/keys", `{"label":null,"scopes":["read"]}`, "/label", "is required"},
		{"GET", group + "?seq=99999999999999999999", "", "/seq", "must be an integer of 1 to 9223372036854775807"},
		{"GET", "/users?limit=0", "", "/limit", "must be an integer of 1 to 500"},
	} {
		answer := ask(handler, test.method, test.path, test.body)
		if detail := detailOf(t, answer.Body.Bytes(), test.pointer); answer.Code != http.StatusUnprocessableEntity || detail != test.detail {
			t.Errorf("%s %s %s: %d, of %s %q", test.method, test.path, test.body, answer.Code, test.pointer, detail)
		}
	}
	batch := ask(handler, "POST", "/users:batch", `{"items":[{"op":"create","id":"x","ifMatch":"*","user":{"username":"x"}}]}`)
	var results struct{ Items []json.RawMessage }
	if err := json.Unmarshal(batch.Body.Bytes(), &results); err != nil || len(results.Items) != 1 {
		t.Fatalf("%v: %s", err, batch.Body)
	}
	for pointer, want := range map[string]string{
		"/id":      "is for a patch; the id of a new user is one of its fields",
		"/ifMatch": "is for a patch; a new user has no entity tag yet",
	} {
		if detail := detailOf(t, results.Items[0], pointer); detail != want {
			t.Errorf("of %s %q", pointer, detail)
		}
	}
}

// detailOf is what a problem says of a value.
func detailOf(t *testing.T, problem []byte, pointer string) string {
	t.Helper()
	var said struct {
		Errors []struct{ Pointer, Detail string }
	}
	if err := json.Unmarshal(problem, &said); err != nil {
		t.Fatal(err)
	}
	for _, e := range said.Errors {
		if e.Pointer == pointer {
			return e.Detail
		}
	}
	return ""
}
