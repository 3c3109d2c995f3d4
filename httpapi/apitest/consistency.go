package apitest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

func testConsistency(_ *testing.T, c *client) {
	c.run("TU1 and TG1, then TG2", testDeck)
	c.run("bad tokens", testBadTokens)
	c.run("bad tokens, wherever something is read", testBadTokensEverywhere)
	c.run("a write names the entity, and what lists it", testWhatAWriteNames)
	c.run("good tokens", testGoodTokens)
	c.run("every answer can be sent back", testTokensOfAnswers)
	c.run("a list shows at least what its token says", testTokensOfLists)
}

// testDeck is the flow as the deck draws it.
func testDeck(t *testing.T, c *client) {
	name := strings.ReplaceAll(unique("deck"), "-", "")
	userA := c.post("/users", `{"username":"`+name+`"}`).want(http.StatusCreated)
	tu1 := userA.token()
	groupB := c.group()
	tg1 := groupB.token()
	added := c.put(groupB.path()+"/members/"+userA.id(), "X-Consistency", tu1+", "+tg1).want(http.StatusCreated)
	tg2 := added.token()

	members := c.get(groupB.path()+"/members", "X-Consistency", tg2).want(http.StatusOK)
	if got := members.ids("memberId"); !slices.Equal(got, []string{userA.id()}) {
		t.Errorf("members with TG2: %v, want A", got)
	}
	if c.target.NoSearch {
		return
	}
	found := c.get("/users?q="+name+"&group="+groupB.id(), "X-Consistency", tg2).want(http.StatusOK)
	if got := found.ids("id"); !slices.Equal(got, []string{userA.id()}) {
		t.Errorf("search with TG2: %v, want A", got)
	}
}

func testBadTokens(t *testing.T, c *client) {
	user, group := c.user(), c.group()
	future := c.forgedToken(user, eventstream.StreamID("user/"+user.id()))
	cut := user.token()[:len(user.token())-2]
	flipped := []byte(user.token())
	flipped[20] ^= 1
	tests := []struct {
		name, code string
		headers    []string
	}{
		{"nonsense", "malformed_token", []string{"nonsense"}},
		{"cut", "malformed_token", []string{cut}},
		{"altered", "malformed_token", []string{string(flipped)}},
		{"half quoted", "malformed_token", []string{`"` + user.token()}},
		{"an empty tag", "malformed_token", []string{`""`}},
		{"any", "malformed_token", []string{"*"}},
		{"one of several", "malformed_token", []string{user.token() + ", nonsense"}},
		{"on another line", "malformed_token", []string{user.token(), "nonsense"}},
		{"too long", "malformed_token", []string{strings.Repeat("A", 3000)}},
		{"too many", "malformed_token", slices.Repeat([]string{user.token()}, 17)},
		{"foreign", "foreign_token", []string{foreignToken()}},
		{"foreign, as a tag", "foreign_token", []string{`"` + foreignToken() + `"`}},
		{"from the future", "unknown_position", []string{future}},
		{"from the future, among others", "unknown_position", []string{user.token(), future}},
		{"from the future of nesting", "unknown_position", []string{c.forgedToken(user, eventstream.NestingStream)}},
		{"of changes that there are not", "unknown_position", []string{c.forgedToken(user, "changes/0")}},
	}
	for _, test := range tests {
		c.run(test.name, func(_ *testing.T, c *client) {
			var headers []string
			for _, line := range test.headers {
				headers = append(headers, "X-Consistency", line)
			}
			reads := []string{
				user.path(), group.path(), "/users", "/users?username=nobody", "/groups?limit=1", group.path() + "/members",
				group.path() + "/members/" + user.id(), user.path() + "/groups", user.path() + "/history", user.path() + "?seq=1", "/keys",
			}
			if !c.target.NoSearch {
				reads = append(reads, "/users?q=nobody")
			}
			for _, path := range reads {
				c.get(path, headers...).wantProblem(http.StatusBadRequest, test.code)
			}
			c.patch(user.path(), `{"name":"never"}`, headers...).wantProblem(http.StatusBadRequest, test.code)
			c.post("/users", `{"username":"`+unique("never")+`"}`, headers...).wantProblem(http.StatusBadRequest, test.code)
			c.put(group.path()+"/members/"+user.id(), headers...).wantProblem(http.StatusBadRequest, test.code)
			c.delete(user.path(), headers...).wantProblem(http.StatusBadRequest, test.code)
		})
	}
	c.get(user.path()).want(http.StatusOK) // nothing of it was written
}

// testBadTokensEverywhere asks all there is to read, also what waits for no token. Only
// those who watch the service are never refused.
func testBadTokensEverywhere(t *testing.T, c *client) {
	user, group := c.user(), c.group()
	future := c.forgedToken(user, eventstream.StreamID("user/"+user.id()))
	paths, _ := c.document.root["paths"].(map[string]any)
	for template, item := range paths {
		operation, reads := item.(map[string]any)["get"].(map[string]any)
		if !reads {
			continue
		}
		path := strings.NewReplacer("/users/{id}", user.path(), "/groups/{id}", group.path(), "{memberId}", user.id()).Replace(template)
		if path == "/livez" || path == "/readyz" {
			c.get(path, "X-Consistency", "nonsense").want(http.StatusOK)
			continue
		}
		c.get(path, "X-Consistency", "nonsense").wantProblem(http.StatusBadRequest, "malformed_token")
		c.get(path, "X-Consistency", user.token()+", "+foreignToken()).wantProblem(http.StatusBadRequest, "foreign_token")
		if security, _ := operation["security"].([]any); len(security) > 0 {
			c.get(path, "X-Consistency", future).wantProblem(http.StatusBadRequest, "unknown_position")
		}
	}
	idle := []string{"/events?limit=1", "/parked", "/openapi.json"}
	if !c.target.NoOperators {
		idle = append(idle, "/views", "/store")
	}
	for _, path := range idle {
		c.get(path, "X-Consistency", user.token()+", "+group.etag()).want(http.StatusOK)
		c.get(path, "X-Consistency", "latest").want(http.StatusOK)
	}
	if len(paths) < 10 {
		t.Errorf("%d paths", len(paths))
	}
}

// forgedToken is a token of this store, whose epoch an answer tells, for a commit
// that the stream does not have.
func (c *client) forgedToken(answer *reply, stream eventstream.StreamID) string {
	c.t.Helper()
	text, err := eventstream.NewToken(eventstream.Position{Stream: stream, Seq: 1_000_000}).Encode(epochOf(answer.token()))
	if err != nil {
		c.t.Fatal(err)
	}
	return text
}

// positions reads a token or an entity tag.
func (r *reply) positions(text string) eventstream.Token {
	r.t.Helper()
	text = strings.Trim(text, `"`)
	token, err := eventstream.DecodeToken(text, epochOf(text))
	if err != nil {
		r.t.Fatal(err)
	}
	return token
}

// epochOf reads the epoch of a token, which clients have no business to know, so
// that one can be forged.
func epochOf(token string) eventstream.Epoch {
	return eventstream.Epoch(decodeBase64(token)[1:9])
}

func testWhatAWriteNames(t *testing.T, c *client) {
	user, group := c.user(), c.group()
	nested := c.put(group.path() + "/members/" + c.group().id()).want(http.StatusCreated)
	for kind, r := range map[eventstream.Kind]*reply{"users": user, "groups": group, "nesting": nested} {
		written, shown := r.positions(r.token()), r.positions(r.etag())
		if !written.Covers(shown) || len(shown) != 1 || len(written) != 2 || !slices.ContainsFunc(written, func(p eventstream.Position) bool { return p.Stream.Kind() == kind }) {
			t.Errorf("%s: wrote %v, shows %v", r.what, written, shown)
		}
	}
}

func testGoodTokens(_ *testing.T, c *client) {
	user, group := c.user(), c.group()
	// From here on it is no question of time.
	c.get(user.path()).want(http.StatusOK)
	c.get(group.path()).want(http.StatusOK)
	many := slices.Repeat([]string{"X-Consistency", user.token()}, 16)
	for _, headers := range [][]string{
		{"X-Consistency", user.token()},
		{"X-Consistency", user.etag()},
		{"X-Consistency", "W/" + user.etag()},
		{"X-Consistency", user.token() + "," + group.token() + " , " + group.etag()},
		{"X-Consistency", user.token(), "X-Consistency", group.token()},
		{"X-Consistency", "latest"},
		{"X-Consistency", "latest, " + user.token()},
		{"X-Consistency", ""},
		{"X-Consistency", ",, ,"},
		{"X-Consistency", user.token(), "Prefer", "wait=1"},
		{"X-Consistency", user.token(), "Prefer", "respond-async, wait=60; x"},
		{"X-Consistency", user.token(), "Prefer", "wait=soon"},
		many,
	} {
		c.get(user.path(), headers...).want(http.StatusOK)
		c.get("/users?username=nobody", headers...).want(http.StatusOK)
		c.get(user.path()+"/history", headers...).want(http.StatusOK)
		c.patch(user.path(), `{}`, headers...).want(http.StatusOK)
		if c.target.Behind && strings.HasPrefix(headers[1], "latest") {
			c.get(group.path()+"/members", headers...).wantProblem(http.StatusBadRequest, "latest_unavailable")
			c.get("/users?limit=1", headers...).wantProblem(http.StatusBadRequest, "latest_unavailable")
			continue
		}
		c.get(group.path()+"/members", headers...).want(http.StatusOK)
		c.get("/users?limit=1", headers...).want(http.StatusOK)
		if !c.target.NoSearch {
			c.get("/users?q=nobody", headers...).want(http.StatusOK)
		}
	}
}

func testTokensOfAnswers(_ *testing.T, c *client) {
	user, group := c.user(), c.group()
	in := c.put(group.path() + "/members/" + user.id()).want(http.StatusCreated)
	for _, r := range []*reply{
		user, group, in, c.get(user.path()), c.get("/users?limit=1"), c.get(group.path() + "/members"), c.get(user.path() + "/groups"),
		c.get(user.path() + "/history"), c.get("/groups?limit=1"), c.get("/users?username=" + user.text("username")), c.get("/keys"),
		c.patch(user.path(), `{"name":"x"}`), c.delete(group.path() + "/members/" + user.id()), c.delete(user.path()),
	} {
		c.get(group.path(), "X-Consistency", r.token()).want(http.StatusOK)
		c.get("/users?limit=1", "X-Consistency", r.token()).want(http.StatusOK)
	}
}

func testTokensOfLists(t *testing.T, c *client) {
	group := c.group()
	for range 3 {
		user := c.user()
		in := c.put(group.path() + "/members/" + user.id()).want(http.StatusCreated)
		listed := c.get(group.path()+"/members", "X-Consistency", in.token()).want(http.StatusOK)
		if !slices.Contains(listed.ids("memberId"), user.id()) {
			t.Errorf("%s is missing: %s", user.id(), listed.body)
		}
		again := c.get(group.path()+"/members", "X-Consistency", listed.token()).want(http.StatusOK)
		if !slices.Contains(again.ids("memberId"), user.id()) {
			t.Errorf("%s is missing with the list's own token", user.id())
		}
	}
}
