package apitest

import (
	"net/http"
	"strings"
	"testing"
)

func testIdempotency(t *testing.T, c *client) {
	c.run("the first answer again", func(t *testing.T, c *client) {
		key, name := unique("once"), unique("idem")
		body := `{"username":"` + name + `","name":"A"}`
		first := c.post("/users", body, "Idempotency-Key", key).want(http.StatusCreated)
		c.patch(first.path(), `{"name":"B"}`).want(http.StatusOK)
		again := c.post("/users", ` { "name" : "A" , "username" : "`+name+`" }`, "Idempotency-Key", key).want(http.StatusCreated)
		if string(again.body) != string(first.body) || again.etag() != first.etag() || again.path() != first.path() || again.token() != first.token() {
			t.Errorf("again %s, first %s", again.body, first.body)
		}
		c.post("/users", `{"username":"`+name+`","name":"C"}`, "Idempotency-Key", key).wantProblem(http.StatusUnprocessableEntity, "mismatch")
		c.post("/groups", `{"name":"`+name+`"}`, "Idempotency-Key", key).wantProblem(http.StatusUnprocessableEntity, "mismatch")
	})
	c.run("a key with an id that is there already", func(_ *testing.T, c *client) {
		body := `{"id":"` + c.newID() + `","username":"` + unique("brought") + `"}`
		c.post("/users", body, "Idempotency-Key", unique("first")).want(http.StatusCreated)
		key := unique("second")
		c.post("/users", body, "Idempotency-Key", key).want(http.StatusOK)
		c.post("/users", body, "Idempotency-Key", key).want(http.StatusOK)
		body = `{"id":"` + c.newID() + `","name":"` + unique("brought") + `"}`
		key = unique("third")
		c.post("/groups", body, "Idempotency-Key", key).want(http.StatusCreated)
		c.post("/groups", body, "Idempotency-Key", key).want(http.StatusCreated)
		c.post("/groups", body, "Idempotency-Key", unique("fourth")).want(http.StatusOK)
	})
	c.run("only successes are remembered", func(_ *testing.T, c *client) {
		key, taken := unique("once"), c.user().text("username")
		c.post("/users", `{"username":"`+taken+`"}`, "Idempotency-Key", key).wantProblem(http.StatusConflict, "username_taken")
		c.post("/users", `{"username":"`+unique("free")+`"}`, "Idempotency-Key", key).want(http.StatusCreated)
	})
	c.run("groups, members and keys", func(t *testing.T, c *client) {
		name := unique("idem")
		group := c.post("/groups", `{"name":"`+name+`"}`, "Idempotency-Key", "g"+name).want(http.StatusCreated)
		if again := c.post("/groups", `{"name":"`+name+`"}`, "Idempotency-Key", "g"+name).want(http.StatusCreated); string(again.body) != string(group.body) {
			t.Errorf("again %s", again.body)
		}
		body := `{"members":["` + c.user().id() + `"]}`
		added := c.post(group.path()+"/members", body, "Idempotency-Key", "m"+name).want(http.StatusOK)
		if again := c.post(group.path()+"/members", body, "Idempotency-Key", "m"+name).want(http.StatusOK); string(again.body) != string(added.body) {
			t.Errorf("again %s, first %s", again.body, added.body)
		}
		c.post(c.group().path()+"/members", body, "Idempotency-Key", "m"+name).wantProblem(http.StatusUnprocessableEntity, "mismatch")
		key := c.post("/keys", `{"label":"l","scopes":["read"]}`, "Idempotency-Key", "k"+name).want(http.StatusCreated)
		if again := c.post("/keys", `{"label":"l","scopes":["read"]}`, "Idempotency-Key", "k"+name).want(http.StatusCreated); string(again.body) != string(key.body) {
			t.Errorf("again %s, first %s", again.body, key.body)
		}
	})
	c.run("bad keys", func(_ *testing.T, c *client) {
		for _, bad := range []string{"", strings.Repeat("k", 256), "ключ"} {
			c.post("/users", `{"username":"`+unique("never")+`"}`, "Idempotency-Key", bad).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/Idempotency-Key")
		}
		c.post("/users", `{"username":"`+unique("never")+`"}`, "Idempotency-Key", "a", "Idempotency-Key", "b").wantProblem(http.StatusUnprocessableEntity, "invalid")
	})
}
