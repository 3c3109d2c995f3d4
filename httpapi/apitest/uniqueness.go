package apitest

import (
	"net/http"
	"strings"
	"testing"
)

func testUniqueness(t *testing.T, c *client) {
	name := unique("taken")
	holder := c.post("/users", `{"username":"`+name+`","email":"`+name+`@example.org","externalId":"`+name+`"}`).want(http.StatusCreated)
	group := c.post("/groups", `{"name":"The `+name+`"}`).want(http.StatusCreated)
	upper := strings.ToUpper(name)

	for _, test := range []struct{ what, path, body, code string }{
		{"username", "/users", `{"username":"` + name + `"}`, "username_taken"},
		{"username in other case", "/users", `{"username":"` + upper + `"}`, "username_taken"},
		{"e-mail in other case", "/users", `{"username":"` + unique("u") + `","email":"` + upper + `@Example.ORG"}`, "email_taken"},
		{"external id", "/users", `{"username":"` + unique("u") + `","externalId":"` + name + `"}`, "externalid_taken"},
		{"external id, of a group", "/groups", `{"name":"` + unique("g") + `","externalId":"` + name + `"}`, "externalid_taken"},
		{"group name in other case", "/groups", `{"name":"the ` + upper + `"}`, "groupname_taken"},
		{"username before e-mail", "/users", `{"username":"` + name + `","email":"` + name + `@example.org","externalId":"` + name + `"}`, "username_taken"},
	} {
		c.run(test.what, func(_ *testing.T, c *client) {
			c.post(test.path, test.body).wantProblem(http.StatusConflict, test.code)
		})
	}
	c.run("on PATCH", func(_ *testing.T, c *client) {
		other, otherGroup := c.user(), c.group()
		c.patch(other.path(), `{"username":"`+upper+`"}`).wantProblem(http.StatusConflict, "username_taken")
		c.patch(other.path(), `{"email":"`+name+`@example.org"}`).wantProblem(http.StatusConflict, "email_taken")
		c.patch(otherGroup.path(), `{"name":"THE `+name+`"}`).wantProblem(http.StatusConflict, "groupname_taken")
		// One's own value in other case is no conflict.
		c.patch(holder.path(), `{"username":"`+upper+`"}`).want(http.StatusOK)
		c.patch(group.path(), `{"name":"The `+upper+`"}`).want(http.StatusOK)
	})
	c.run("of those who ask at once, one has it", testRaceForValues)
	c.run("a released value rests", func(t *testing.T, c *client) {
		released := unique("rested")
		first := c.post("/users", `{"username":"`+released+`"}`).want(http.StatusCreated)
		c.patch(first.path(), `{"username":"`+unique("moved")+`"}`).want(http.StatusOK)
		refused := c.post("/users", `{"username":"`+released+`"}`)
		if refused.status == http.StatusConflict { // unless the service runs without quarantine
			refused.wantProblem(http.StatusConflict, "username_taken")
			if !instantText.MatchString(refused.text("until")) {
				t.Errorf("the refusal does not say until when: %s", refused.body)
			}
		}
		c.patch(first.path(), `{"username":"`+released+`"}`)
	})
}

// newID makes an id that is nobody's: one of the service's own making, some
// digits changed.
func (c *client) newID() string {
	id := []byte(c.user().id())
	for i, digit := range []byte(strings.ReplaceAll(unique(""), "-", "")) {
		id[24+i] = digit
	}
	return string(id)
}

func testIDs(t *testing.T, c *client) {
	for _, kind := range []struct{ path, nameField string }{{"/users", "username"}, {"/groups", "name"}} {
		c.run(kind.path, func(t *testing.T, c *client) {
			id, name := c.newID(), unique("brought")
			body := `{"id":"` + id + `","` + kind.nameField + `":"` + name + `","attributes":{"b":1,"a":2}}`
			made := c.post(kind.path, body).want(http.StatusCreated)
			if made.id() != id || made.path() != kind.path+"/"+id {
				t.Errorf("created %s at %s", made.body, made.path())
			}
			changed := c.patch(made.path(), `{"attributes":{"c":3}}`).want(http.StatusOK)
			again := c.post(kind.path, `{"attributes":{"a":2,"b":1},"`+kind.nameField+`":"`+name+`", "id":"`+strings.ToUpper(id)+`"}`).want(http.StatusOK)
			if string(again.body) != string(made.body) || again.etag() != made.etag() || again.token() != made.token() || again.path() != made.path() {
				t.Errorf("repeated: %s %s, want the first result: %s %s", again.etag(), again.body, made.etag(), made.body)
			}
			if changed.etag() == again.etag() {
				t.Error("the first result shows the later change")
			}
			c.post(kind.path, `{"id":"`+id+`","`+kind.nameField+`":"`+name+`"}`).wantProblem(http.StatusConflict, "id_taken")
			c.delete(made.path()).want(http.StatusNoContent)
			c.post(kind.path, body).wantProblem(http.StatusConflict, "id_taken")
		})
	}
	c.run("of the other kind", func(_ *testing.T, c *client) {
		c.post("/users", `{"id":"`+c.group().id()+`","username":"`+unique("u")+`"}`).wantProblem(http.StatusConflict, "id_taken")
		c.post("/groups", `{"id":"`+c.user().id()+`","name":"`+unique("g")+`"}`).wantProblem(http.StatusConflict, "id_taken")
	})
	c.run("malformed", func(_ *testing.T, c *client) {
		for _, id := range []string{`"x"`, `7`, `"00000000-0000-0000-0000-000000000000"`, `""`} {
			c.post("/users", `{"id":`+id+`,"username":"`+unique("u")+`"}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/id")
		}
	})
}

// testRaceForValues has several ask for one value at once.
func testRaceForValues(t *testing.T, c *client) {
	for _, race := range []struct {
		path, code string
		body       func(value, other string) string
	}{
		{"/users", "username_taken", func(value, _ string) string { return `{"username":"` + value + `"}` }},
		{"/users", "email_taken", func(value, other string) string {
			return `{"username":"` + other + `","email":"` + value + `@example.org"}`
		}},
		{"/users", "externalid_taken", func(value, other string) string {
			return `{"username":"` + other + `","externalId":"` + value + `"}`
		}},
		{"/groups", "groupname_taken", func(value, _ string) string { return `{"name":"` + value + `"}` }},
	} {
		const racers = 6
		value, done := unique("race"), make(chan *reply, racers)
		for range racers {
			go func() { done <- c.post(race.path, race.body(value, unique("racer"))) }()
		}
		had := 0
		for range racers {
			switch answer := <-done; answer.status {
			case http.StatusCreated:
				had++
			default:
				answer.wantProblem(http.StatusConflict, race.code)
			}
		}
		if had != 1 {
			t.Errorf("%s: %d have it", race.code, had)
		}
	}
}
