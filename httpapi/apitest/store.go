package apitest

import (
	"net/http"
	"testing"
)

// testStore asks what the store is. That it closes and takes over cannot be shown at a
// service that other tests go on with.
func testStore(_ *testing.T, c *client) {
	if c.target.NoOperators {
		c.get("/store").wantProblem(http.StatusNotFound, "not_found")
		return
	}
	c.run("what it is", func(t *testing.T, c *client) {
		standing := c.get("/store").want(http.StatusOK)
		if role, epoch := standing.text("role"), standing.text("epoch"); role != "primary" || len(epoch) != 16 {
			t.Errorf("role %q, epoch %q", role, epoch)
		}
	})
	c.run("admin keys only", func(_ *testing.T, c *client) {
		writer := c.with(c.post("/keys", `{"label":"store","scopes":["read","write"]}`).want(http.StatusCreated).text("key"))
		writer.get("/store").wantProblem(http.StatusForbidden, "forbidden")
		c.with("").get("/store").wantProblem(http.StatusUnauthorized, "unauthorized")
		for _, path := range []string{"/store:close", "/store:promote"} {
			writer.post(path, `{}`).wantProblem(http.StatusForbidden, "forbidden")
			c.with("").post(path, `{}`).wantProblem(http.StatusUnauthorized, "unauthorized")
			c.get(path).wantProblem(http.StatusMethodNotAllowed, "method_not_allowed")
		}
	})
	c.run("bad orders", func(_ *testing.T, c *client) {
		for _, body := range []string{`{"lost":"yes"}`, `{"lost":null}`, `{"lost":1}`, `{"force":true}`, `{"lost":true,"x":1}`} {
			c.post("/store:promote", body).wantProblem(http.StatusUnprocessableEntity, "invalid")
		}
		c.post("/store:promote", `{"lost":`).wantProblem(http.StatusBadRequest, "malformed_body")
		c.post("/store:promote", `{"lost":false}`).wantProblem(http.StatusConflict, "not_a_replica")
		c.post("/store:close", `{"for":"ever"}`).wantProblem(http.StatusUnprocessableEntity, "invalid")
		c.refusesBodies("/store:close")
	})
}
