package apitest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func testKeys(_ *testing.T, c *client) {
	c.run("life of a key", testLifeOfAKey)
	c.run("a key of a user goes with the user", testOwnedKey)
	c.run("bad keys", testBadKeys)
}

func testAccess(t *testing.T, c *client) {
	keyOf := func(scopes string) *client {
		return c.with(c.post("/keys", `{"label":"access","scopes":[`+scopes+`]}`).want(http.StatusCreated).text("key"))
	}
	user, group := c.user(), c.group()
	reads := []string{
		"/users", "/users?username=x", user.path(), user.path() + "/history", user.path() + "/groups", "/groups", group.path(),
		group.path() + "/history", group.path() + "/members",
	}
	c.run("no key, or none of ours", func(t *testing.T, c *client) {
		good := c.post("/keys", `{"label":"access","scopes":["read"]}`).want(http.StatusCreated)
		secret := good.text("key")
		last := secret[len(secret)-2:]
		altered := secret[:len(secret)-2] + map[bool]string{true: "BA", false: "AA"}[last == "AA"]
		for _, authorization := range []string{
			"", "Bearer", "Bearer ", "Basic YTpi", secret, "Bearer " + altered, "Bearer x", "Bearer idk_", "Bearer idk_" + unknownID + "_x",
			"Bearer " + strings.Repeat("k", 4000), "Bearer " + secret + " x",
		} {
			for _, path := range reads {
				refused := c.with("").get(path, "Authorization", authorization).wantProblem(http.StatusUnauthorized, "unauthorized")
				if got := refused.header.Get("WWW-Authenticate"); got != "Bearer" {
					t.Errorf("WWW-Authenticate %q", got)
				}
			}
		}
		none := c.with("")
		none.post("/users", `{"username":"never"}`).wantProblem(http.StatusUnauthorized, "unauthorized")
		none.get("/keys").wantProblem(http.StatusUnauthorized, "unauthorized")
		none.get(user.path(), "Authorization", "bearer "+secret).want(http.StatusOK)
	})
	c.run("read", func(_ *testing.T, _ *client) {
		reader := keyOf(`"read"`)
		for _, path := range reads {
			reader.get(path).want(http.StatusOK)
		}
		reader.post("/users", `{"username":"never"}`).wantProblem(http.StatusForbidden, "forbidden")
		reader.patch(user.path(), `{}`).wantProblem(http.StatusForbidden, "forbidden")
		reader.delete(user.path()).wantProblem(http.StatusForbidden, "forbidden")
		reader.put(group.path()+"/members/"+user.id()).wantProblem(http.StatusForbidden, "forbidden")
		reader.post(group.path()+"/members", `{"members":[]}`).wantProblem(http.StatusForbidden, "forbidden")
		reader.post("/keys", `{}`).wantProblem(http.StatusForbidden, "forbidden")
		reader.delete("/keys/"+unknownID).wantProblem(http.StatusForbidden, "forbidden")
	})
	c.run("write", func(_ *testing.T, _ *client) {
		writer := keyOf(`"write"`)
		writer.patch(user.path(), `{}`).want(http.StatusOK)
		writer.get(user.path()).wantProblem(http.StatusForbidden, "forbidden")
		writer.get("/keys").wantProblem(http.StatusForbidden, "forbidden")
	})
	c.run("admin", func(_ *testing.T, _ *client) {
		admin := keyOf(`"admin"`)
		admin.get(user.path()).want(http.StatusOK)
		admin.patch(user.path(), `{}`).want(http.StatusOK)
		admin.get("/keys").want(http.StatusOK)
	})
}

func testLifeOfAKey(t *testing.T, c *client) {
	made := c.post("/keys", `{"label":"payroll","scopes":["read","write"]}`).want(http.StatusCreated)
	secret := made.text("key")
	if made.text("label") != "payroll" || !strings.HasPrefix(secret, "idk_"+made.id()+"_") || made.header.Get("Cache-Control") != "no-store" {
		t.Errorf("made %v %s", made.header, strings.ReplaceAll(string(made.body), secret, "…"))
	}
	made.token()
	owned := c.with(secret)
	owned.get("/users?limit=1").want(http.StatusOK)
	user := owned.user()
	owned.get("/keys").wantProblem(http.StatusForbidden, "forbidden")
	history := c.get(user.path() + "/history").want(http.StatusOK)
	if actor := history.items()[0]["actor"]; actor != "key/"+made.id() {
		t.Errorf("actor %v", actor)
	}
	found := false
	for _, item := range c.get("/keys?limit=500").want(http.StatusOK).items() {
		if item["id"] == made.id() {
			found = true
			if item["key"] != nil || item["hash"] != nil {
				t.Error("the list tells the secret or its hash")
			}
		}
	}
	if !found {
		t.Error("the key is not listed")
	}
	c.delete("/keys/" + made.id()).want(http.StatusNoContent).token()
	owned.refused()
	c.delete("/keys/"+made.id()).wantProblem(http.StatusNotFound, "not_found")
	if slices.Contains(c.walk("/keys?limit=500", "id", 500), made.id()) {
		t.Error("a revoked key is listed")
	}
}

func testOwnedKey(_ *testing.T, c *client) {
	user := c.user()
	made := c.post("/keys", `{"label":"own","scopes":["read"],"owner":"`+user.id()+`"}`).want(http.StatusCreated)
	if made.text("owner") != user.id() {
		c.t.Errorf("owner %q", made.text("owner"))
	}
	owned := c.with(made.text("key"))
	owned.get(user.path()).want(http.StatusOK)
	c.patch(user.path(), `{"active":false}`).want(http.StatusOK)
	owned.refused()
	c.patch(user.path(), `{"active":true}`).want(http.StatusOK)
	owned.get(user.path()).want(http.StatusOK)
	c.delete(user.path()).want(http.StatusNoContent)
	owned.refused()
}

// refused demands that the client's key is refused: everywhere at once, or within
// RevocationTime.
func (c *client) refused() {
	c.t.Helper()
	until := time.Now()
	if c.target.Behind {
		until = until.Add(RevocationTime)
	}
	for range len(c.target.Others) + 1 {
		began := time.Now()
		answer := c.get("/users?limit=1")
		for answer.status == http.StatusOK && began.Before(until) {
			began = time.Now()
			answer = c.get("/users?limit=1")
		}
		answer.wantProblem(http.StatusUnauthorized, "unauthorized")
	}
}

func testBadKeys(_ *testing.T, c *client) {
	for body, pointers := range map[string][]string{
		`{}`:                                          {"/label", "/scopes"},
		`{"label":"x","scopes":[]}`:                   {"/scopes"},
		`{"label":"x","scopes":["root"]}`:             {"/scopes/0"},
		`{"label":"x","scopes":"read"}`:               {"/scopes"},
		`{"label":"","scopes":["read"]}`:              {"/label"},
		`{"label":null,"scopes":["read",7]}`:          {"/label", "/scopes/1"},
		`{"label":"x","scopes":["read"],"owner":"x"}`: {"/owner"},
		`{"label":"x","scopes":["read"],"key":"idk_","id":"x","more":1}`: {"/key", "/id", "/more"},
	} {
		c.post("/keys", body).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers(pointers...)
	}
	c.post("/keys", `{"label":"x","scopes":["read"],"owner":"`+unknownID+`"}`).wantProblem(http.StatusNotFound, "not_found")
	c.delete("/keys/nonsense").wantProblem(http.StatusNotFound, "not_found")
	c.delete("/keys/"+unknownID).wantProblem(http.StatusNotFound, "not_found")
}
