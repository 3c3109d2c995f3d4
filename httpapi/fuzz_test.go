package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
)

// FuzzPatch sends bodies as patches of a user and of a group. Whatever they are,
// the answer is a good one: never a fault; what is not JSON is malformed; and
// what was accepted is what is read afterwards.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"name":"x","email":null,"attributes":{"a":[1,"b",true],"c":null}}`, `{"attributes":null}`, `{"active":false}`, `[]`, `{"a":`, `{"a":1,"a":2}`,
		`{"username":"\u00e9\ud83d\ude00"}`, `{"username":"\ud800"}`, `{"name":"\u0000"}`, `{"attributes":{"a/b~c":{"x":[[]]}}}`, "{\"name\":\"\xff\"}", `{"externalId":"same"}`, `{"name":"x"} x`,
		`{"attributes":{"n":1e999,"m":-0.0,"o":123456789012345678901234567890}}`, `{"externalId":"` + strings.Repeat("é", 300) + `"}`, ``, `null`, `{"description":"\\u0000"}`,
	} {
		f.Add([]byte(seed))
	}
	// A directory each: a user and a group of one directory may not have the same external id.
	users := newDirectory(f, wiring{noSearch: true}).handler(f, nil)
	groups := newDirectory(f, wiring{noSearch: true}).handler(f, nil)
	handlers := map[string]http.Handler{
		"/users/" + created(f, users, "/users", `{"username":"somebody"}`): users,
		"/groups/" + created(f, groups, "/groups", `{"name":"something"}`): groups,
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for path, handler := range handlers {
			answer := ask(handler, "PATCH", path, string(body), "Content-Type", "application/merge-patch+json")
			sound := json.Valid(body) && utf8.Valid(body)
			switch answer.Code {
			case http.StatusOK:
				if read := ask(handler, "GET", path, ""); !sound || !bytes.Equal(read.Body.Bytes(), answer.Body.Bytes()) {
					t.Errorf("accepted, and read as %s, patched %s", read.Body, answer.Body)
				}
			case http.StatusUnprocessableEntity:
				if !sound {
					t.Errorf("not malformed: %s", answer.Body)
				}
				checkPointers(t, answer.Body.Bytes())
			case http.StatusBadRequest:
			default:
				t.Errorf("status %d: %s", answer.Code, answer.Body)
			}
			if !json.Valid(answer.Body.Bytes()) {
				t.Errorf("status %d with what is no JSON: %s", answer.Code, answer.Body)
			}
		}
	})
}

// FuzzCheck sends bodies as questions. Whatever they are, the answer is a good one:
// never a fault; what is not JSON is malformed; and every question has its answer.
func FuzzCheck(f *testing.F) {
	handler := newDirectory(f, wiring{noSearch: true}).handler(f, nil)
	group, user := created(f, handler, "/groups", `{"name":"something"}`), created(f, handler, "/users", `{"username":"somebody"}`)
	if put := ask(handler, "PUT", "/groups/"+group+"/members/"+user, ""); put.Code != http.StatusCreated {
		f.Fatalf("put: status %d", put.Code)
	}
	one := `{"groupId":"` + group + `","userId":"` + user + `"}`
	for _, seed := range []string{
		`{"items":[` + one + `]}`, `{"items":[` + strings.Repeat(one+",", 100) + one + `]}`, `{"items":[]}`, `{"items":[{}]}`, `{"items":[null,7,"x",[]]}`, `{}`, `[]`, ``, `null`,
		`{"items":[{"groupId":"` + user + `","userId":"` + group + `"}]}`, `{"items":[{"groupId":7,"userId":null,"x":{}}]}`, `{"items":{"groupId":1}}`, `{"items":[` + one + `,` + one + `],"items":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer := ask(handler, "POST", "/groups:check", string(body), "Content-Type", "application/json")
		sound := json.Valid(body) && utf8.Valid(body)
		switch answer.Code {
		case http.StatusOK:
			var asked struct {
				Items []struct{ GroupID, UserID string } `json:"items"`
			}
			var told struct {
				Items []struct{ Member *bool } `json:"items"`
			}
			if err := errors.Join(json.Unmarshal(body, &asked), json.Unmarshal(answer.Body.Bytes(), &told)); err != nil || len(told.Items) != len(asked.Items) || len(asked.Items) > 100 {
				t.Fatalf("%d questions, %d answers, %v", len(asked.Items), len(told.Items), err)
			}
			for i, q := range asked.Items {
				in := strings.EqualFold(q.GroupID, group) && strings.EqualFold(q.UserID, user)
				if told.Items[i].Member == nil || *told.Items[i].Member != in {
					t.Errorf("answer %d: %s", i, answer.Body)
				}
			}
		case http.StatusUnprocessableEntity:
			if !sound {
				t.Errorf("not malformed: %s", answer.Body)
			}
			checkPointers(t, answer.Body.Bytes())
		case http.StatusBadRequest:
		default:
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
	})
}

func checkPointers(t *testing.T, body []byte) {
	var problem struct {
		Errors []struct {
			Pointer string `json:"pointer"`
			Detail  string `json:"detail"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &problem); err != nil || len(problem.Errors) == 0 {
		t.Errorf("nothing is named: %v %s", err, body)
	}
	for _, e := range problem.Errors {
		if e.Pointer != "" && e.Pointer[0] != '/' || e.Detail == "" {
			t.Errorf("pointer %q, detail %q", e.Pointer, e.Detail)
		}
	}
}

var fuzzEpoch = eventstream.Epoch{1, 2, 3, 4, 5, 6, 7, 8}

func tokenOf(tb testing.TB, epoch eventstream.Epoch, positions ...eventstream.Position) string {
	tb.Helper()
	text, err := eventstream.NewToken(positions...).Encode(epoch)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// FuzzHeaders reads lines of X-Consistency and If-Match: a token counts in both
// or in neither, what is read covers each token that was sent, and the order of
// elements and lines means nothing.
func FuzzHeaders(f *testing.F) {
	one := tokenOf(f, fuzzEpoch, eventstream.Position{Stream: "users/0", Seq: 7})
	two := tokenOf(f, fuzzEpoch, eventstream.Position{Stream: "user/01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10", Seq: 9}, eventstream.Position{Stream: "users/0", Seq: 3})
	foreign := tokenOf(f, eventstream.Epoch{9}, eventstream.Position{Stream: "log", Seq: 1})
	for _, seed := range [][2]string{
		{one, two}, {`"` + one + `"`, "W/\"" + two + `"`}, {one + "," + two, "latest"}, {foreign, ""}, {"*", `"a"b`}, {`W/`, `"`}, {",,", `"x", "y`}, {`"a,b"`, `""`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		lines := []string{first, second}
		merged, latest, err := httpapi.ParseConsistency(lines, fuzzEpoch)
		if err != nil && !errors.Is(err, eventstream.ErrMalformedToken) && !errors.Is(err, eventstream.ErrForeignToken) && err.Error() != "malformed_token" {
			t.Fatalf("error %v", err)
		}
		swapped, latestToo, swappedErr := httpapi.ParseConsistency([]string{second, first}, fuzzEpoch)
		if (err == nil) != (swappedErr == nil) || err == nil && (latest != latestToo || !merged.Covers(swapped) || !swapped.Covers(merged)) {
			t.Errorf("in the other order: %v %v %v, %v %v %v", merged, latest, err, swapped, latestToo, swappedErr)
		}
		for _, tag := range httpapi.ConditionTags(lines, fuzzEpoch) {
			text, encodeErr := tag.Encode(fuzzEpoch)
			if encodeErr != nil {
				t.Fatal(encodeErr)
			}
			if !httpapi.MatchTags(lines, text, false) {
				t.Errorf("tag %s is in the condition and does not match", text)
			}
			if err == nil && !merged.Covers(tag) {
				t.Errorf("tag %s is not covered by %v", text, merged)
			}
		}
		httpapi.ParseWait(lines)
	})
}

// FuzzQuery sends queries: they are understood or refused, never a fault.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "limit=5", "username=homer", "email=%40", "q=a+b&active=true", "sort=-name&limit=1", "attr.a=b&attr.a=c", "group=x", "cursor=abc", "%zz=1", "a=%ff", "&&=&", "q=%00", ";", "limit=1;limit=2",
		"at=2026-01-01T00:00:00Z", "seq=18446744073709551616",
	} {
		f.Add(seed)
	}
	handler := newDirectory(f, wiring{}).handler(f, nil)
	user := created(f, handler, "/users", `{"username":"somebody"}`)
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/users", "/groups", "/users/" + user, "/users/" + user + "/history"} {
			status := askRaw(handler, path, query)
			if status != http.StatusOK && status != http.StatusUnprocessableEntity && status != http.StatusNotFound {
				t.Errorf("%s?%q: status %d", path, query, status)
			}
		}
	})
}

// askRaw asks with a query that no parser has seen.
func askRaw(handler http.Handler, path, query string) int {
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	r.URL.RawQuery = query
	r.Header.Set("Authorization", "Bearer "+adminKey)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code
}

// FuzzBatch sends bodies as a batch, as one item of a batch and as lines. Each
// answer is a good one: as many results as items, all of them JSON, none a fault.
func FuzzBatch(f *testing.F) {
	for _, seed := range []string{
		`{"items":[]}`, `{"items":[{"op":"create","user":{"username":"a"}},7]}`, `{"op":"create","user":{"username":"b","attributes":{"a":[1]}}}`,
		`{"op":"patch","id":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10","ifMatch":"*","user":{"name":null}}`, "{\"op\":\"create\"}\n\n[]\r\n{", `{"op":"patch","ifMatch":"\"a\", W/","id":"x","user":[]}`,
		`{"op":null,"id":null,"ifMatch":null,"user":null}`, `{"op":"create","id":null,"user":{"id":null,"username":"\ud800"}}`, `{"items":[[[[]]]],"items":1}`, "\x00", `{"op":"create","op":1}`, `{"items":{"a":1}}`,
	} {
		f.Add([]byte(seed))
	}
	handler := newDirectory(f, wiring{noSearch: true}).handler(f, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, text := range []string{string(body), `{"items":[` + string(body) + `]}`} {
			answer := ask(handler, "POST", "/users:batch", text)
			switch answer.Code {
			case http.StatusOK:
				var sent, got struct{ Items []json.RawMessage }
				if errors.Join(json.Unmarshal([]byte(text), &sent), json.Unmarshal(answer.Body.Bytes(), &got)) != nil || len(sent.Items) != len(got.Items) {
					t.Errorf("%d results for %d items: %s", len(got.Items), len(sent.Items), answer.Body)
				}
				for _, result := range got.Items {
					checkResult(t, result)
				}
			case http.StatusUnprocessableEntity:
				checkPointers(t, answer.Body.Bytes())
			case http.StatusBadRequest:
			default:
				t.Errorf("status %d: %s", answer.Code, answer.Body)
			}
		}
		answer := ask(handler, "POST", "/users:batch", string(body), "Content-Type", "application/x-ndjson")
		want := 0
		for line := range bytes.SplitSeq(body, []byte("\n")) {
			if len(bytes.TrimSpace(line)) > 0 {
				want++
			}
		}
		if got := bytes.Count(answer.Body.Bytes(), []byte("\n")); got != want {
			t.Errorf("%d results for %d lines: %s", got, want, answer.Body)
		}
		for line := range bytes.Lines(answer.Body.Bytes()) {
			checkResult(t, line)
		}
	})
}

func checkResult(t *testing.T, text []byte) {
	var result struct {
		Status   int
		ID, Code string
	}
	if err := json.Unmarshal(text, &result); err != nil || result.Status < 200 || result.Status >= 500 || (result.Status < 300) != (result.ID != "") || (result.Status < 300) != (result.Code == "") {
		t.Errorf("a result is %s: %v", text, err)
	}
	if result.Status == http.StatusUnprocessableEntity {
		checkPointers(t, text)
	}
}

// FuzzRetry sends bodies as orders to try a parked stream again: they are done or
// refused, never a fault.
func FuzzRetry(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"view":"rows","stream":"user/x"}`, `{"view":null,"stream":7}`, `{"view":"rows","stream":""}`, `{"view":"rows","stream":"x","more":1}`, `[]`, ``, `{"view":"`,
		`{"view":"rows","stream":"` + strings.Repeat("x", 300) + `"}`,
	} {
		f.Add([]byte(seed))
	}
	handler := newDirectory(f, wiring{noSearch: true}).handler(f, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		answer := ask(handler, "POST", "/parked:retry", string(body), "Content-Type", "application/json")
		switch answer.Code {
		case http.StatusNoContent, http.StatusNotFound, http.StatusBadRequest, http.StatusServiceUnavailable:
		case http.StatusUnprocessableEntity:
			checkPointers(t, answer.Body.Bytes())
		default:
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
	})
}
