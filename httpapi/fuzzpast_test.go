package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"
)

// The grammar of RFC 3339, section 5.6, but for what only a calendar knows.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// FuzzInstant asks for lists as they were at any text. What is no time is refused
// with a pointer to it; any other gives a list, or that there was nothing then:
// by the same rule for a group, a user and the lists of their memberships.
func FuzzInstant(f *testing.F) {
	for _, seed := range []string{
		"2026-11-22T07:00:00.000Z", "2026-11-22T07:00:00+01:00", "9999-12-31T23:59:59.999999999-23:59", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
		"2026-02-30T00:00:00Z", "2026-11-22T7:00:00Z", "2026-11-22T07:00:00,5Z", "2026-11-22 07:00:00Z", "2026-11-22", "yesterday", "", "\x00", "\xff", "1e9", "2026-11-22T24:00:00Z", "2026-11-22T07:00:60Z",
	} {
		f.Add(seed)
	}
	handler := newDirectory(f, wiring{noSearch: true}).handler(f, nil)
	user, group := created(f, handler, "/users", `{"username":"somebody"}`), created(f, handler, "/groups", `{"name":"something"}`)
	if put := ask(handler, "PUT", "/groups/"+group+"/members/"+user, ""); put.Code != http.StatusCreated {
		f.Fatalf("put a member: %d %s", put.Code, put.Body)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for entity, list := range map[string]string{"/groups/" + group: "/members", "/users/" + user: "/groups"} {
			query := "?at=" + url.QueryEscape(text)
			whole, answer := ask(handler, "GET", entity+query, ""), ask(handler, "GET", entity+list+query, "")
			if whole.Code != answer.Code {
				t.Errorf("status %d of the entity and %d of the list", whole.Code, answer.Code)
			}
			switch _, err := time.Parse(time.RFC3339, text); {
			case err != nil || !rfc3339.MatchString(text):
				if answer.Code != http.StatusUnprocessableEntity {
					t.Errorf("status %d for what is no time: %s", answer.Code, answer.Body)
				}
				checkPointers(t, answer.Body.Bytes())
			case answer.Code != http.StatusOK && answer.Code != http.StatusNotFound:
				t.Errorf("status %d: %s", answer.Code, answer.Body)
			}
			if !json.Valid(answer.Body.Bytes()) {
				t.Errorf("status %d with what is no JSON: %s", answer.Code, answer.Body)
			}
		}
	})
}
