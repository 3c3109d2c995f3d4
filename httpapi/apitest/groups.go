package apitest

import (
	"net/http"
	"testing"
)

func testGroups(t *testing.T, c *client) {
	c.run("life of a group", func(t *testing.T, c *client) {
		name := unique("Group of")
		made := c.post("/groups", `{"name":"`+name+`","description":"D","externalId":"`+name+`","attributes":{"floor":3}}`).want(http.StatusCreated)
		if made.path() != "/groups/"+made.id() || made.text("name") != name || made.text("description") != "D" || made.text("externalId") != name {
			t.Errorf("created %s at %s", made.body, made.path())
		}
		made.token()
		read := c.get(made.path()).want(http.StatusOK)
		if string(read.body) != string(made.body) || read.etag() != made.etag() {
			t.Errorf("GET differs from POST: %s", read.body)
		}
		patched := c.patch(made.path(), `{"name":"`+name+` (new)","description":null,"attributes":null}`).want(http.StatusOK)
		if got := patched.object(); got["name"] != name+" (new)" || got["description"] != nil || got["attributes"] != nil || got["externalId"] != name {
			t.Errorf("patched %s", patched.body)
		}
		if again := c.patch(made.path(), `{"description":null}`).want(http.StatusOK); again.etag() != patched.etag() {
			t.Error("a patch that changes nothing changed the ETag")
		}
		if items := c.get(made.path() + "/history").want(http.StatusOK).items(); len(items) != 2 {
			t.Errorf("%d commits, want 2", len(items))
		}
		c.delete(made.path()).want(http.StatusNoContent).token()
		c.delete(made.path()).wantProblem(http.StatusNotFound, "not_found")
		c.get(made.path()).wantProblem(http.StatusNotFound, "not_found")
	})
	c.run("what is not there is 404", func(_ *testing.T, c *client) {
		for _, path := range []string{"/groups/01926e5f-0000-7000-8000-000000000000", "/groups/none"} {
			c.get(path).wantProblem(http.StatusNotFound, "not_found")
			c.patch(path, `{"name":"x"}`).wantProblem(http.StatusNotFound, "not_found")
			c.delete(path).wantProblem(http.StatusNotFound, "not_found")
			c.get(path+"/history").wantProblem(http.StatusNotFound, "not_found")
			c.get(path+"/members").wantProblem(http.StatusNotFound, "not_found")
		}
	})
	c.run("a user is no group", func(_ *testing.T, c *client) {
		user, group := c.user(), c.group()
		c.get("/groups/"+user.id()).wantProblem(http.StatusNotFound, "not_found")
		c.get("/users/"+group.id()).wantProblem(http.StatusNotFound, "not_found")
	})
}

func testRemoval(t *testing.T, c *client) {
	c.run("once, and the history stays", func(t *testing.T, c *client) {
		made := c.user()
		c.patch(made.path(), `{"name":"Seen"}`).want(http.StatusOK)
		gone := c.delete(made.path()).want(http.StatusNoContent)
		gone.token()
		if len(gone.body) != 0 {
			t.Errorf("204 with a body: %s", gone.body)
		}
		c.get(made.path()).wantProblem(http.StatusNotFound, "not_found")
		c.patch(made.path(), `{"name":"x"}`).wantProblem(http.StatusNotFound, "not_found")
		c.delete(made.path()).wantProblem(http.StatusNotFound, "not_found")
		if items := c.get(made.path() + "/history").want(http.StatusOK).items(); len(items) != 3 {
			t.Errorf("%d commits, want 3", len(items))
		}
		if past := c.get(made.path() + "?seq=2").want(http.StatusOK); past.text("name") != "Seen" {
			t.Errorf("at commit 2: %s", past.body)
		}
	})
	c.run("only from where the condition says", func(t *testing.T, c *client) {
		made := c.user()
		changed := c.patch(made.path(), `{"name":"x"}`).want(http.StatusOK)
		refused := c.delete(made.path(), "If-Match", made.etag()).wantProblem(http.StatusPreconditionFailed, "precondition_failed")
		if refused.etag() != changed.etag() {
			t.Errorf("412 with ETag %s, want the current %s", refused.etag(), changed.etag())
		}
		c.delete(made.path(), "If-Match", changed.etag()).want(http.StatusNoContent)
	})
	c.run("takes its memberships along", func(t *testing.T, c *client) {
		user, group, other := c.user(), c.group(), c.group()
		c.put(group.path() + "/members/" + user.id()).want(http.StatusCreated)
		c.put(other.path() + "/members/" + user.id()).want(http.StatusCreated)
		c.delete(other.path()).want(http.StatusNoContent)
		if ids := c.get(user.path() + "/groups").want(http.StatusOK).ids("groupId"); len(ids) != 1 || ids[0] != group.id() {
			t.Errorf("groups of the user: %v", ids)
		}
		gone := c.delete(user.path()).want(http.StatusNoContent)
		c.get(group.path()+"/members/"+user.id()).wantProblem(http.StatusNotFound, "not_a_member")
		if items := c.get(group.path()+"/members", "X-Consistency", gone.token()).want(http.StatusOK).items(); len(items) != 0 {
			t.Errorf("members after the removal: %v", items)
		}
		c.get(user.path()+"/groups").wantProblem(http.StatusNotFound, "not_found")
	})
}
