package apitest

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// replica is what a client knows who follows: it puts in what is there and takes
// out what is removed.
type replica struct {
	states   map[string]string // by kind and id
	removed  map[string]bool
	position string
}

func newReplica() *replica { return &replica{states: map[string]string{}, removed: map[string]bool{}} }

func (r *replica) apply(change map[string]any) {
	kind, _ := change["kind"].(string)
	id, _ := change["id"].(string)
	r.position, _ = change["position"].(string)
	name := kind + " " + id
	if change["removed"] == true {
		delete(r.states, name)
		r.removed[name] = true
		return
	}
	state, _ := json.Marshal(change[kind])
	r.states[name] = string(state)
	delete(r.removed, name)
}

// pageSizes are what pages are asked for by those who follow: one that is small
// ends where another does not, and some are large, since much may have happened.
var pageSizes = []int{1, 2, 7, 500}

// follow reads pages, of all sizes in turns, until the replica is as it should be.
func (c *client) follow(r *replica, query string, done func() bool) {
	c.t.Helper()
	for pages := range 5000 {
		limit := pageSizes[pages%len(pageSizes)]
		path := "/changes?limit=" + strconv.Itoa(limit) + "&wait=1s" + query
		if r.position != "" {
			path += "&after=" + r.position
		}
		page := c.get(path).want(http.StatusOK)
		if len(page.items()) > limit {
			c.t.Fatalf("a page of %d has %d items", limit, len(page.items()))
		}
		for _, change := range page.items() {
			r.apply(change)
		}
		if r.position = page.text("next"); !tokenText.MatchString(r.position) {
			c.t.Fatalf("next is %q", r.position)
		}
		if len(page.items()) < limit && done() {
			return
		}
	}
	c.t.Fatal("what was written is not told")
}

func testChanges(t *testing.T, c *client) {
	c.run("from nothing, and on", testFollowing)
	c.run("filters", testFilters)
	c.run("lines and events", testStreams)
	c.run("refusals", testChangeRefusals)
}

func testFollowing(t *testing.T, c *client) {
	user, other, group, outer := c.user(), c.user(), c.group(), c.group()
	c.put(group.path() + "/members/" + user.id()).want(http.StatusCreated)
	c.put(outer.path() + "/members/" + group.id()).want(http.StatusCreated)
	member, nested := group.id()+"/"+user.id(), outer.id()+"/"+group.id()
	r := newReplica()
	c.follow(r, "", func() bool {
		return r.states["user "+user.id()] != "" && r.states["user "+other.id()] != "" && r.states["group "+group.id()] != "" &&
			r.states["member "+member] != "" && r.states["member "+nested] != ""
	})
	c.patch(user.path(), `{"name":"Followed"}`).want(http.StatusOK)
	c.follow(r, "", func() bool { return strings.Contains(r.states["user "+user.id()], `"Followed"`) })
	c.delete(group.path()).want(http.StatusNoContent)
	c.delete(other.path()).want(http.StatusNoContent)
	c.follow(r, "", func() bool {
		return r.removed["group "+group.id()] && r.removed["user "+other.id()] && r.removed["member "+member] && r.removed["member "+nested]
	})
	if r.states["user "+user.id()] == "" || r.states["group "+outer.id()] == "" {
		t.Error("what is still there was told as removed")
	}
}

func testFilters(t *testing.T, c *client) {
	user, group := c.user(), c.group()
	c.put(group.path() + "/members/" + user.id()).want(http.StatusCreated)
	name := "member " + group.id() + "/" + user.id()
	r := newReplica()
	c.follow(r, "&group="+group.id(), func() bool { return len(r.states) == 2 })
	if r.states[name] == "" || r.states["group "+group.id()] == "" {
		t.Errorf("of a group is told %v", r.states)
	}
	c.group()
	c.delete(user.path()).want(http.StatusNoContent)
	c.follow(r, "", func() bool { return r.removed[name] })
	if len(r.states) != 1 || len(r.removed) != 1 {
		t.Errorf("of a group is told %v and %v", r.states, r.removed)
	}
	users := newReplica()
	another := c.user()
	c.follow(users, "&kind=user", func() bool { return users.states["user "+another.id()] != "" })
	for told := range users.states {
		if !strings.HasPrefix(told, "user ") {
			t.Errorf("of users is told: %s", told)
		}
	}
	c.get("/changes?kind=group&after="+users.position).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/after")
}

func testStreams(t *testing.T, c *client) {
	group := c.group()
	r := newReplica()
	c.follow(r, "&group="+group.id(), func() bool { return len(r.states) == 1 })
	from := r.position
	lines := c.get("/changes?group="+group.id(), "Accept", ndjsonMedia).want(http.StatusOK)
	if got := strings.Count(string(lines.body), "\n"); got != 1 || lines.header.Get("Content-Type") != ndjsonMedia {
		t.Errorf("%s with %d lines\n%s", lines.header.Get("Content-Type"), got, lines.body)
	}
	if head := c.do("HEAD", "/changes", "", "Accept", eventMedia).want(http.StatusOK); head.header.Get("Content-Type") != eventMedia {
		t.Errorf("HEAD says %q", head.header.Get("Content-Type"))
	}
	for _, test := range []struct{ media, query, resumed, prefix string }{
		{eventMedia, "", from, "data: "},
		{ndjsonMedia, "?wait=1s&after=" + from, "", ""},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		next := c.stream(ctx, "/changes"+test.query, test.media, test.resumed)
		for _, text := range []string{"one", "two"} {
			c.patch(group.path(), `{"description":"`+text+" "+test.media+`"}`).want(http.StatusOK)
			for followed := newReplica(); !strings.Contains(followed.states["group "+group.id()], text); {
				line, ok := strings.CutPrefix(next(), test.prefix)
				if strings.Contains(line, `"kind":"user"`) {
					t.Fatalf("it begins anew: %s", line)
				}
				var change map[string]any
				if ok && json.Unmarshal([]byte(line), &change) == nil {
					followed.apply(change)
				}
			}
		}
		cancel()
	}
}

// stream begins an answer without end, and gives what reads its next line.
func (c *client) stream(ctx context.Context, path, media, resumed string) (next func() string) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.target.url()+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	request.Header.Set("Accept", media)
	if resumed != "" {
		request.Header.Set("Last-Event-ID", resumed)
	}
	response, err := c.target.Client.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != media || response.Header.Get("X-Request-Id") == "" {
		c.t.Fatalf("%s: status %d, headers %v", path, response.StatusCode, response.Header)
	}
	lines := bufio.NewReader(response.Body)
	return func() string {
		line, err := lines.ReadString('\n')
		if err != nil {
			c.t.Fatalf("%s: %v", path, err)
		}
		return strings.TrimSuffix(line, "\n")
	}
}

func testChangeRefusals(t *testing.T, c *client) {
	for query, pointer := range map[string]string{
		"wait=61s": "/wait", "wait=1m": "/wait", "wait=-1s": "/wait", "kind=users": "/kind", "kind=user,": "/kind", "group=x": "/group", "limit=0": "/limit", "limit=501": "/limit",
		"after=": "/after", "kind=user&group=01926e60-11b2-7d0a-8c55-2f9e4b7a6d31": "/kind", "since=x": "/since",
	} {
		c.get("/changes?"+query).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers(pointer)
	}
	next := c.get("/changes?limit=1").want(http.StatusOK).text("next")
	raw, err := base64.RawURLEncoding.DecodeString(next)
	if err != nil {
		t.Fatal(err)
	}
	epoch := eventstream.Epoch(raw[1:9])
	mark, err := eventstream.DecodeMark(next, epoch)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(m eventstream.Mark, epoch eventstream.Epoch) string {
		text, err := m.AppendEncode(nil, epoch)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	future := eventstream.Token{{Stream: eventstream.LogStream, Seq: 1 << 40}}
	if mark.At.Seq(eventstream.LogStream) == 0 {
		future = eventstream.Token{{Stream: eventstream.ChangesStream(0), Seq: 1 << 40}}
	}
	for position, code := range map[string]string{
		"x": "malformed_token", next[1:]: "malformed_token", next + "A": "malformed_token", strings.Repeat("A", 3000): "malformed_token",
		c.get("/users?limit=1").want(http.StatusOK).token():                   "malformed_token",
		encode(mark, eventstream.Epoch{1}):                                    "foreign_token",
		encode(eventstream.Mark{At: mark.At, Rest: []byte{9, 9}}, epoch):      "malformed_token",
		encode(eventstream.Mark{At: future, Rest: []byte{0, 4, 0, 0}}, epoch): "unknown_position",
	} {
		c.get("/changes?after="+position).wantProblem(http.StatusBadRequest, code)
		c.get("/changes", "Accept", eventMedia, "Last-Event-ID", position).wantProblem(http.StatusBadRequest, code)
	}
}
