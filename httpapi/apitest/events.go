package apitest

import (
	"bufio"
	"bytes"
	"net/http"
	neturl "net/url"
	"strings"
	"testing"
)

func testEvents(_ *testing.T, c *client) {
	c.run("every commit is given, page by page", testEventPages)
	c.run("lines begin with a header and end with a checkpoint", testEventLines)
	c.run("bad requests for commits", testBadEvents)
}

// testEventPages walks to the end and must meet what was written before. Where commits
// are told once they were announced, the end may be where they are not told yet.
func testEventPages(t *testing.T, c *client) {
	user := c.user()
	wanted := `"user/` + user.id() + `"`
	const standing = 60 // pages of a second each in which nothing came
	after, stood := "", 0
	for met := false; !met; {
		page := c.get("/events?limit=500&wait=1s" + after).want(http.StatusOK)
		met = strings.Contains(string(page.body), wanted)
		next := "&after=" + neturl.QueryEscape(page.text("next"))
		if stood++; next != after {
			stood = 0
		}
		if after = next; stood == standing {
			t.Fatal("a user's commits are not given")
		}
	}
	c.get("/events?limit=1" + after).want(http.StatusOK)
}

func testEventLines(t *testing.T, c *client) {
	c.user()
	answer := c.get("/events", "Accept", "application/x-ndjson").want(http.StatusOK)
	lines := bufio.NewScanner(bytes.NewReader(answer.body))
	lines.Buffer(nil, 4<<20)
	var first, last string
	for lines.Scan() {
		if last = lines.Text(); first == "" {
			first = last
		}
	}
	if !strings.HasPrefix(first, `{"format":"identity-commits","version":1,`) || !strings.HasPrefix(last, `{"transactions":`) || !strings.Contains(last, `"end":true`) {
		t.Errorf("begins with %s and ends with %s", first, last)
	}
}

func testBadEvents(_ *testing.T, c *client) {
	for _, query := range []string{"limit=0", "limit=501", "limit=x", "wait=x", "wait=61s", "wait=-1", "unknown=1", "limit=1&limit=1", "after=" + strings.Repeat("a", 3000)} {
		c.get("/events?"+query).wantProblem(http.StatusUnprocessableEntity, "invalid")
	}
	for _, after := range []string{"x", "gQ", "gQECAwQFBgcIAQkFAAMAAMPMi_o", "%20"} {
		c.get("/events?after="+after).wantProblem(http.StatusBadRequest, "malformed_token")
	}
	position := c.get("/changes?limit=1").want(http.StatusOK).text("next")
	c.get("/events?after="+position).wantProblem(http.StatusBadRequest, "malformed_token")
	c.get("/events?after="+position, "Accept", ndjsonMedia).wantProblem(http.StatusBadRequest, "malformed_token")
	c.with("").get("/events").wantProblem(http.StatusUnauthorized, "unauthorized")
	reader := c.with(c.post("/keys", `{"label":"events","scopes":["read","write"]}`).want(http.StatusCreated).text("key"))
	reader.get("/events").wantProblem(http.StatusForbidden, "forbidden")
}
