package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// requestCounter stands between the service and DynamoDB and counts what is asked for.
type requestCounter struct {
	mu    sync.Mutex
	count map[string]int
}

func newRequestCounter(t *testing.T, to string) (c *requestCounter, url string) {
	t.Helper()
	at, err := neturl.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	c = &requestCounter{count: map[string]int{}}
	forward := httputil.NewSingleHostReverseProxy(at)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		// Whether the store is open is looked at every few seconds, whatever is asked.
		if !bytes.Contains(body, []byte(`{"S":"store"}`)) {
			c.mu.Lock()
			c.count[operation]++
			c.mu.Unlock()
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return c, server.URL
}

// of tells what a step asks for.
func (c *requestCounter) of(step func()) string {
	c.mu.Lock()
	c.count = map[string]int{}
	c.mu.Unlock()
	step()
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, operation := range slices.Sorted(maps.Keys(c.count)) {
		parts = append(parts, fmt.Sprintf("%d %s", c.count[operation], operation))
	}
	return strings.Join(parts, ", ")
}

// TestRequestsOfTheService counts what commands, reads and projected commits ask of
// DynamoDB; the rows are those of docs/aws.md.
func TestRequestsOfTheService(t *testing.T) {
	cloudAt(t, "--shards", "1")
	counted, url := newRequestCounter(t, os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"))
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
	c, err := openCloud(t.Context(), os.Getenv("IDENTITY_TABLE_PREFIX"), followFlags{Feed: noFeed, Search: noSearch}, settings{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := serveHere(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.close() })
	w := &requestsWorld{t: t, cloud: c, server: server}
	w.create() // what is looked up once
	id := w.create()
	group := w.ask(http.MethodPost, "/groups", map[string]string{"name": uuid.NewString()}, "")["id"].(string)
	user, behind := eventstream.UserStream(uuid.MustParse(id)), w.create()
	w.handle(user, 1)
	w.handle(eventstream.GroupStream(uuid.MustParse(group)), 1)
	above := w.nest(group, id)
	changed, given := w.end("/changes"), w.end("/events")
	document := documentedRequests(t)
	for _, row := range []struct {
		what string
		do   func()
	}{
		{"POST /users with username and e-mail", func() { w.create() }},
		{"PATCH of a name", func() { w.ask(http.MethodPatch, "/users/"+id, map[string]string{"name": "Homer"}, "") }},
		{"PATCH of what this process changed last", func() { w.ask(http.MethodPatch, "/users/"+id, map[string]string{"name": "Homer J."}, "") }},
		{"PUT of a member", func() { w.ask(http.MethodPut, "/groups/"+group+"/members/"+behind, nil, "") }},
		{"GET by id", func() { w.ask(http.MethodGet, "/users/"+id, nil, "") }},
		{"GET by id with X-Consistency, the row behind", func() { w.ask(http.MethodGet, "/users/"+behind, nil, w.token(behind)) }},
		{"the same, the row there already", func() { w.ask(http.MethodGet, "/users/"+behind, nil, w.token(behind)) }},
		{"GET by username, of nobody", func() { w.ask(http.MethodGet, "/users?username=nobody", nil, "") }},
		{"GET of a member with effective=true", func() { w.ask(http.MethodGet, "/groups/"+group+"/members/"+id+"?effective=true", nil, "") }},
		{"the same, of a group with a group in it", func() { w.ask(http.MethodGet, "/groups/"+above+"/members/"+id+"?effective=true", nil, "") }},
		{"GET /users?limit=50", func() { w.ask(http.MethodGet, "/users?limit=50", nil, "") }},
		{"GET of a group's two members", func() { w.ask(http.MethodGet, "/groups/"+group+"/members", nil, "") }},
		{"the same, as they are at=", func() { w.ask(http.MethodGet, "/groups/"+group+"/members?at=2100-01-01T00:00:00Z", nil, "") }},
		{"POST /users:batch of two patches, one of whom this process changed last", func() { w.patchAll(id, behind) }},
		{"GET /changes from nothing, a first page of three users", func() { w.ask(http.MethodGet, "/changes?limit=3", nil, "") }},
		{"GET /changes?after= with nothing new", func() { w.ask(http.MethodGet, "/changes?after="+changed, nil, "") }},
		{"GET /events?after= with nothing new", func() { w.ask(http.MethodGet, "/events?after="+given, nil, "") }},
		{"a commit of a user, projected and announced", func() { w.handle(user, 3) }},
		{"the same, told of again", func() { w.handle(user, 3) }},
	} {
		if got, want := counted.of(row.do), document[row.what]; got != want {
			t.Errorf("| %s | %s |, and docs/aws.md says %q", row.what, got, want)
		}
	}
}

// requestsWorld is a directory without a feed, and what is done to it.
type requestsWorld struct {
	t      *testing.T
	cloud  *cloud
	server *client
}

// nest puts a user into a group and that into another, which it gives, and has the
// rows show it.
func (w *requestsWorld) nest(group, user string) (above string) {
	w.t.Helper()
	above = w.ask(http.MethodPost, "/groups", map[string]string{"name": uuid.NewString()}, "")["id"].(string)
	w.handle(eventstream.GroupStream(uuid.MustParse(above)), 1)
	for _, edge := range [][2]string{{group, user}, {above, group}} {
		w.ask(http.MethodPut, "/groups/"+edge[0]+"/members/"+edge[1], nil, "")
		w.handle(eventstream.MemberStream(uuid.MustParse(edge[0]), uuid.MustParse(edge[1])), 1)
	}
	return above
}

func (w *requestsWorld) ask(method, path string, body any, token string) map[string]any {
	w.t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	if body == nil {
		sent = nil
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.server.url+path, bytes.NewReader(sent))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+w.server.key)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Consistency", token)
	answer, err := w.server.http.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	var into map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&into); err != nil || answer.StatusCode >= 300 {
		w.t.Fatalf("%s %s: status %d, %v", method, path, answer.StatusCode, err)
	}
	return into
}

// end is the position at which there is nothing more to tell.
func (w *requestsWorld) end(path string) string {
	w.t.Helper()
	for position := ""; ; {
		page := w.ask(http.MethodGet, path+position, nil, "")
		next := page["next"].(string)
		if position != "" && len(page["items"].([]any)) == 0 {
			return next
		}
		position = "?after=" + next
	}
}

func (w *requestsWorld) patchAll(users ...string) {
	w.t.Helper()
	var items []any
	for _, id := range users {
		items = append(items, map[string]any{"op": "patch", "id": id, "user": map[string]string{"name": uuid.NewString()}})
	}
	w.ask(http.MethodPost, "/users:batch", map[string]any{"items": items}, "")
}

func (w *requestsWorld) create() string {
	w.t.Helper()
	name := uuid.NewString()
	return w.ask(http.MethodPost, "/users", map[string]string{"username": name, "email": name + "@example.org"}, "")["id"].(string)
}

// token is what an answer that shows the new user has as its entity tag.
func (w *requestsWorld) token(id string) string {
	w.t.Helper()
	text, err := eventstream.NewToken(eventstream.Position{Stream: eventstream.UserStream(uuid.MustParse(id)), Seq: 1}).Encode(w.cloud.directory.Epoch)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

func (w *requestsWorld) handle(stream eventstream.StreamID, seq eventstream.Seq) {
	w.t.Helper()
	if err := w.cloud.synchroniser.Handle(w.t.Context(), []eventstream.Position{{Stream: stream, Seq: seq}}); err != nil {
		w.t.Fatal(err)
	}
}

// documentedRequests are the rows of the tables in docs/aws.md.
func documentedRequests(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(strings.TrimSpace(line), "|"); len(cells) == 4 {
			rows[strings.TrimSpace(cells[1])] = strings.Trim(strings.TrimSpace(cells[2]), "`")
		}
	}
	return rows
}
