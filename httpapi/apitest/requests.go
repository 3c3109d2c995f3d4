package apitest

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

func decodeBase64(text string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		panic(err) // tokens of the service were checked before
	}
	return raw
}

func testRequests(_ *testing.T, c *client) {
	c.run("methods", testMethods)
	c.run("paths that are none", testPathsThatAreNone)
	c.run("parameters that are none", testUnknownParameters)
	c.run("parameters that are wrong", testWrongParameters)
	c.run("request ids", testRequestIDs)
	c.run("a trace goes on", testTraces)
}

func testService(t *testing.T, c *client) {
	none := c.with("")
	c.run("health", func(t *testing.T, _ *client) {
		none.get("/livez").want(http.StatusOK)
		ready := none.get("/readyz").want(http.StatusOK)
		if ready.text("status") != "ready" {
			t.Errorf("readyz %s", ready.body)
		}
	})
	c.run("docs", func(t *testing.T, c *client) {
		page := none.get("/docs").want(http.StatusOK)
		policy := page.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe-eval") {
			t.Errorf("page with %v", page.header)
		}
		if !strings.Contains(string(page.body), `fill-request-fields-with-example="false"`) {
			t.Errorf("the page would send the examples of all parameters at once: %s", page.body)
		}
		if strings.Contains(string(page.body), "//") {
			t.Errorf("the page names another place: %s", page.body)
		}
		script := none.get("/docs/rapidoc-min.js").want(http.StatusOK)
		if len(script.body) < 500_000 || !strings.HasPrefix(script.header.Get("Content-Type"), "text/javascript") {
			t.Errorf("script of %d bytes with %v", len(script.body), script.header)
		}
		plain := none.get("/docs/rapidoc-min.js", "Accept-Encoding", "identity").want(http.StatusOK)
		if string(plain.body) != string(script.body) || plain.header.Get("Vary") != "Accept-Encoding" {
			t.Error("the script differs when it is not compressed, or caches are not told")
		}
	})
	c.run("what is private is not kept", func(t *testing.T, c *client) {
		user := c.user()
		for _, r := range []*reply{user, c.get(user.path()), c.get("/users?limit=1")} {
			if got := r.header.Get("Cache-Control"); got != "private, no-cache" {
				t.Errorf("%s: Cache-Control %q", r.what, got)
			}
			if r.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: no nosniff", r.what)
			}
		}
	})
}

func testMethods(t *testing.T, c *client) {
	user, group := c.user(), c.group()
	for _, test := range []struct{ method, path, allow string }{
		{"PUT", "/users", "GET, HEAD, POST"},
		{"DELETE", "/users", "GET, HEAD, POST"},
		{"POST", user.path(), "GET, HEAD, PATCH, DELETE"},
		{"PUT", user.path(), "GET, HEAD, PATCH, DELETE"},
		{"OPTIONS", user.path(), "GET, HEAD, PATCH, DELETE"},
		{"NONSENSE", user.path(), "GET, HEAD, PATCH, DELETE"},
		{"POST", user.path() + "/history", "GET, HEAD"},
		{"DELETE", group.path() + "/members", "GET, HEAD, POST"},
		{"POST", group.path() + "/members/" + user.id(), "GET, HEAD, PUT, DELETE"},
		{"GET", "/keys/" + unknownID, "DELETE"},
		{"GET", "/groups:check", "POST"},
		{"POST", "/livez", "GET, HEAD"},
		{"GET", "/users:batch", "POST"},
	} {
		refused := c.do(test.method, test.path, "").wantProblem(http.StatusMethodNotAllowed, "method_not_allowed")
		if got := refused.header.Get("Allow"); got != test.allow {
			t.Errorf("%s %s: Allow %q, want %q", test.method, test.path, got, test.allow)
		}
	}
}

func testPathsThatAreNone(_ *testing.T, c *client) {
	user := c.user()
	for _, path := range []string{
		"/", "/nothing", "/users/", user.path() + "/", user.path() + "/nothing", "/users:bath", "/groups:chec", "/change",
		"/v1/users", "/schemas", "/docs/", "/openapi.yaml", "/openapi-3.0.json", "//users", "/keys/" + unknownID + "/x",
	} {
		c.get(path).wantProblem(http.StatusNotFound, "not_found")
		c.post(path, `{}`).wantProblem(http.StatusNotFound, "not_found")
	}
}

func testUnknownParameters(_ *testing.T, c *client) {
	user, group := c.user(), c.group()
	for _, path := range []string{"/users", user.path(), user.path() + "/history", user.path() + "/groups", "/groups", group.path(), group.path() + "/members", "/keys"} {
		c.get(path+"?nothing=1").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/nothing")
	}
	for _, path := range []string{user.path() + "/groups", group.path() + "/members", group.path() + "/members/" + user.id()} {
		for _, value := range []string{"", "1", "yes", "True", "true&effective=true"} {
			c.get(path+"?effective="+value).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/effective")
		}
	}
	c.post("/groups:check?effective=true", `{}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/effective")
	c.patch(user.path()+"?x=1", `{}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/x")
	c.post("/users?x=1", `{}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/x")
	c.get("/livez?verbose").want(http.StatusOK)
	c.get("/users?Limit=1").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/Limit")
}

func testWrongParameters(t *testing.T, c *client) {
	for query, pointers := range map[string][]string{
		"active=yes&limit=0&x=1":        {"/active", "/limit", "/x"},
		"limit=1&limit=2":               {"/limit"},
		"attr.a=1&attr.a=2":             {"/attr.a"},
		"q=%zz":                         {"/q"},
		"q=%ff":                         {"/q"},
		"q=a%00b":                       {"/q"},
		strings.Repeat("q=a&", 70):      {""},
		"group=nonsense":                {"/group"},
		"q=" + strings.Repeat("x", 257): {"/q"},
	} {
		refused := c.get("/users?"+query).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers(pointers...)
		for _, e := range refused.list("errors") {
			if e["in"] != "query" {
				t.Errorf("%s: in %v", query, e["in"])
			}
		}
	}
}

func testRequestIDs(t *testing.T, c *client) {
	user := c.user()
	if got := c.get(user.path(), "X-Request-Id", "abc-123_x.y").header.Get("X-Request-Id"); got != "abc-123_x.y" {
		t.Errorf("given abc-123_x.y, answered %q", got)
	}
	for _, bad := range []string{"a b", "a<b>", strings.Repeat("x", 129), "hömer", "a@b.c"} {
		if got := c.get(user.path(), "X-Request-Id", bad).header.Get("X-Request-Id"); got == bad || got == "" {
			t.Errorf("given %q, answered %q", bad, got)
		}
	}
	one, two := c.get("/nothing"), c.get("/nothing")
	if one.header.Get("X-Request-Id") == two.header.Get("X-Request-Id") {
		t.Error("two requests with one id")
	}
}

func testTraces(_ *testing.T, c *client) {
	user := c.user()
	for _, trace := range []string{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "nonsense", ""} {
		c.patch(user.path(), `{}`, "traceparent", trace).want(http.StatusOK)
	}
}
