package apitest

import (
	"net/http"
	"testing"
)

func testParked(t *testing.T, c *client) {
	c.run("list", func(t *testing.T, c *client) {
		listed := c.get("/parked").want(http.StatusOK)
		if listed.header.Get("Cache-Control") != "no-store" {
			t.Errorf("listed with %v", listed.header)
		}
		c.get("/parked?more=1").wantProblem(http.StatusUnprocessableEntity, "invalid")
	})
	c.run("bad retries", func(_ *testing.T, c *client) {
		for body, pointers := range map[string][]string{
			`{}`:                               {"/view"},
			`{"view":"x"}`:                     {"/stream"},
			`{"view":"x","stream":null}`:       {"/stream"},
			`{"view":1,"stream":[],"more":{}}`: {"/view", "/stream", "/more"},
			`{"view":"","stream":"x"}`:         {"/view"},
		} {
			c.post("/parked:retry", body).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers(pointers...)
		}
		c.post("/parked:retry", `{`).wantProblem(http.StatusBadRequest, "malformed_body")
		c.post("/parked:retry", `{"view":"none of ours","stream":"user/`+unknownID+`"}`).wantProblem(http.StatusNotFound, "not_found")
	})
	c.run("scope", func(_ *testing.T, c *client) {
		writer := c.with(c.post("/keys", `{"label":"parked","scopes":["read","write"]}`).want(http.StatusCreated).text("key"))
		writer.get("/parked").wantProblem(http.StatusForbidden, "forbidden")
		writer.post("/parked:retry", `{}`).wantProblem(http.StatusForbidden, "forbidden")
		c.with("").get("/parked").wantProblem(http.StatusUnauthorized, "unauthorized")
	})
}
