package apitest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

func testAccept(_ *testing.T, c *client) {
	c.run("the form that is liked best", testPreferences)
	c.run("lines have no limit", testNoLimit)
	c.run("a look-up as lines", testLookUpLines)
}

func testPreferences(_ *testing.T, c *client) {
	for _, path := range []string{"/users", "/groups", "/changes", "/events"} {
		for accept, media := range map[string]string{
			"":                                                                jsonMedia,
			"text/plain":                                                      jsonMedia,
			"application/*":                                                   jsonMedia,
			"application/json;q=0":                                            jsonMedia,
			"application/x-ndjson":                                            ndjsonMedia,
			" Application/X-NDJSON ; q=1.000":                                 ndjsonMedia,
			"*/*, application/x-ndjson":                                       ndjsonMedia,
			"application/x-ndjson;q=0, */*":                                   jsonMedia,
			"application/x-ndjson;q=0":                                        jsonMedia,
			"application/x-ndjson;q=0.000":                                    jsonMedia,
			"application/x-ndjson;q=0.5, */*":                                 jsonMedia,
			"application/x-ndjson;v=1;Q=0.5, a":                               ndjsonMedia,
			"application/json, application/x-ndjson;q=0.1":                    jsonMedia,
			"application/json;q=0.1, application/x-ndjson":                    ndjsonMedia,
			"application/x-ndjson;q=0.2, application/json;q=0.25":             jsonMedia,
			"application/json, application/x-ndjson":                          jsonMedia,
			"application/x-ndjson, application/json":                          ndjsonMedia,
			"*/*, application/json;q=0.4, application/x-ndjson;q=0.5":         ndjsonMedia,
			"*/*;q=0.9, application/*;q=0.3, application/x-ndjson;q=0.5":      ndjsonMedia,
			"text/event-stream;q=0, application/json;q=0.1, text/plain;q=0.8": jsonMedia,
		} {
			c.prefers(path, media, accept)
		}
		c.prefers(path, jsonMedia, "application/x-ndjson;q=0.1", "application/json")
	}
	for accept, media := range map[string]string{
		"text/event-stream":     eventMedia,
		"text/event-stream;q=0": jsonMedia,
		"text/*":                jsonMedia,
		"text/event-stream;q=0.1, application/json":                                   jsonMedia,
		"text/event-stream, application/x-ndjson":                                     eventMedia,
		"text/event-stream;q=0.2, application/json;q=0.1, application/x-ndjson;q=0.3": ndjsonMedia,
	} {
		c.prefers("/changes", media, accept)
	}
	c.prefers("/events", ndjsonMedia, "text/event-stream, application/x-ndjson")
}

// prefers asks with lines of Accept, and demands a media type.
func (c *client) prefers(path, media string, accept ...string) {
	c.t.Helper()
	var headers []string
	for _, line := range accept {
		headers = append(headers, "Accept", line)
	}
	answer := c.do(http.MethodHead, path, "", headers...).want(http.StatusOK)
	if got := answer.header.Get("Content-Type"); got != media {
		c.t.Errorf("%s, accepted is %q: answered with %q, want %q", path, accept, got, media)
	}
	if got := answer.header.Get("Vary"); got != "Accept" {
		c.t.Errorf("%s: Vary %q", path, got)
	}
}

func testNoLimit(_ *testing.T, c *client) {
	for _, path := range []string{"/users", "/users?username=nobody", "/groups"} {
		limited := path + "?limit=2"
		if strings.Contains(path, "?") {
			limited = path + "&limit=2"
		}
		c.get(limited, "Accept", ndjsonMedia).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/limit")
		c.get(limited, "Accept", "application/json, application/x-ndjson;q=0.1").want(http.StatusOK).items()
	}
	for range 2 {
		made := c.group()
		c.get(made.path(), "X-Consistency", made.token()).want(http.StatusOK)
	}
	if some := c.get("/changes?kind=group&limit=1", "Accept", ndjsonMedia).want(http.StatusOK); bytes.Count(some.body, []byte("\n")) < 2 {
		c.t.Errorf("lines end at a limit: %s", some.body)
	}
}

func testLookUpLines(t *testing.T, c *client) {
	user := c.user()
	found := c.get("/users?username="+user.text("username"), "Accept", ndjsonMedia).want(http.StatusOK)
	if found.header.Get("Content-Type") != ndjsonMedia || string(found.body) != string(user.body)+"\n" {
		t.Errorf("%q with\n%s", found.header.Get("Content-Type"), found.body)
	}
	none := c.get("/users?username="+unique("nobody"), "Accept", ndjsonMedia).want(http.StatusOK)
	if none.header.Get("Content-Type") != ndjsonMedia || len(none.body) != 0 {
		t.Errorf("of nobody %q with\n%s", none.header.Get("Content-Type"), none.body)
	}
}
