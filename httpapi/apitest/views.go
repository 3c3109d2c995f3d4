package apitest

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// viewGenerations is how a service's views are.
type viewGenerations struct {
	Views []struct {
		View        string `json:"view"`
		Generations []struct {
			Number uint64 `json:"number"`
			Name   string `json:"name"`
			State  string `json:"state"`
		} `json:"generations"`
	} `json:"views"`
	Rebuild *struct {
		State  string `json:"state"`
		Reason string `json:"reason"`
	} `json:"rebuild"`
}

// testViews builds views anew, where the service can, and looks that nothing
// shows of it.
func testViews(t *testing.T, c *client) {
	if c.target.NoOperators {
		c.get("/views").wantProblem(http.StatusNotFound, "not_found")
		return
	}
	c.run("admin keys only", func(_ *testing.T, c *client) {
		writer := c.with(c.post("/keys", `{"label":"views","scopes":["read","write"]}`).want(http.StatusCreated).text("key"))
		writer.get("/views").wantProblem(http.StatusForbidden, "forbidden")
		for _, path := range []string{"/views:rebuild", "/views:back", "/views:drop"} {
			writer.post(path, `{"views":["rows"]}`).wantProblem(http.StatusForbidden, "forbidden")
			c.with("").post(path, `{}`).wantProblem(http.StatusUnauthorized, "unauthorized")
		}
	})
	c.run("bad orders", func(_ *testing.T, c *client) {
		for _, body := range []string{
			`{}`, `{"views":[]}`, `{"views":["rows",7]}`, `{"views":["row"]}`, `{"views":"rows"}`, `{"views":null}`, `{"views":["rows"],"force":"yes"}`, `{"views":["rows"],"rate":0}`, `{"views":["rows"],"rate":2.5}`, `{"views":["rows"],"rate":"9"}`, `{"views":["rows"],"rate":10000001}`, `{"views":["rows"],"at":1}`,
		} {
			c.post("/views:rebuild", body).wantProblem(http.StatusUnprocessableEntity, "invalid")
		}
		c.post("/views:rebuild", `{"views":`).wantProblem(http.StatusBadRequest, "malformed_body")
		c.post("/views:back", `{"to":1}`).wantProblem(http.StatusUnprocessableEntity, "invalid")
		c.refusesBodies("/views:back")
		c.refusesBodies("/views:drop")
		c.get("/views:rebuild").wantProblem(http.StatusMethodNotAllowed, "method_not_allowed")
	})
	c.run("rebuild, back and drop", testRebuild)
}

func testRebuild(t *testing.T, c *client) {
	user := c.user()
	c.post("/views:drop", "").want(http.StatusOK)
	c.post("/views:back", "").wantProblem(http.StatusConflict, "nothing_kept")
	before := c.answeringRows()
	c.post("/views:rebuild", `{"views":["rows","closure"],"rate":1000000}`).want(http.StatusAccepted)
	c.awaitRebuild()
	if after := c.answeringRows(); after <= before {
		t.Errorf("generation %d answers after a rebuild, %d did before", after, before)
	}
	c.get(user.path()).want(http.StatusOK)
	c.post("/views:back", "").want(http.StatusOK)
	if after := c.answeringRows(); after != before {
		t.Errorf("generation %d answers after going back to %d", after, before)
	}
	c.get(user.path()).want(http.StatusOK)
	c.post("/views:drop", "").want(http.StatusOK)
	for _, view := range c.generations().Views {
		if len(view.Generations) != 1 {
			t.Errorf("%d generations of %s are left", len(view.Generations), view.View)
		}
	}
}

func (c *client) generations() (g viewGenerations) {
	c.t.Helper()
	if err := json.Unmarshal(c.get("/views").want(http.StatusOK).body, &g); err != nil {
		c.t.Fatal(err)
	}
	return g
}

func (c *client) answeringRows() uint64 {
	c.t.Helper()
	for _, view := range c.generations().Views {
		if view.View == "rows" && len(view.Generations) > 0 && view.Generations[0].State == "answering" {
			return view.Generations[0].Number
		}
	}
	c.t.Fatal("no rows answer")
	return 0
}

// awaitRebuild waits for the end of a rebuild, which must have done what it should.
func (c *client) awaitRebuild() {
	c.t.Helper()
	for began := time.Now(); time.Since(began) < 10*time.Minute; {
		rebuild := c.generations().Rebuild
		if rebuild == nil {
			c.t.Fatal("nobody knows of a rebuild")
		}
		if rebuild.State == "done" {
			return
		}
		if rebuild.State != "running" {
			c.t.Fatalf("the rebuild %s: %s", rebuild.State, rebuild.Reason)
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.t.Fatal("the rebuild does not end")
}
