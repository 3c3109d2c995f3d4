package apitest

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testUsers(_ *testing.T, c *client) {
	c.run("a username is enough", testABareUser)
	c.run("every field comes back as it was given", testEveryField)
	c.run("null is absent on POST", func(t *testing.T, c *client) {
		made := c.post("/users", `{"username":"`+unique("nulls")+`","email":null,"attributes":{"gone":null}}`).want(http.StatusCreated)
		if got := made.object(); got["email"] != nil || got["attributes"] != nil {
			t.Errorf("created %s", made.body)
		}
	})
	c.run("HEAD answers as GET, without a body", func(t *testing.T, c *client) {
		made := c.user()
		head := c.do("HEAD", made.path(), "").want(http.StatusOK)
		if len(head.body) != 0 || head.etag() != made.etag() || head.header.Get("Content-Type") != jsonMedia {
			t.Errorf("HEAD: %v %q", head.header, head.body)
		}
	})
	c.run("what is not there is 404", testUsersThatAreNot)
}

func testPatching(_ *testing.T, c *client) {
	c.run("absent stays, null goes, a value is set", testMerging)
	c.run("a patch that changes nothing writes nothing", testPatchesOfNothing)
	c.run("media types", testPatchMediaTypes)
	c.run("several changes at once on different fields lose nothing", func(t *testing.T, c *client) {
		made := c.user()
		done := make(chan int, 3)
		for _, body := range []string{`{"name":"N"}`, `{"givenName":"G"}`, `{"attributes":{"a":1}}`} {
			go func() { done <- c.patch(made.path(), body).status }()
		}
		for range 3 {
			if status := <-done; status != http.StatusOK {
				t.Errorf("status %d", status)
			}
		}
		got := c.get(made.path()).object()
		if got["name"] != "N" || got["givenName"] != "G" || got["attributes"] == nil {
			t.Errorf("after three patches: %v", got)
		}
	})
}

func testABareUser(t *testing.T, c *client) {
	name := unique("bare")
	made := c.post("/users", `{"username":"`+name+`"}`).want(http.StatusCreated)
	got := made.object()
	if !uuidText.MatchString(made.id()) || got["username"] != name || got["active"] != true {
		t.Errorf("created %s", made.body)
	}
	for _, absent := range []string{"email", "name", "givenName", "familyName", "externalId", "attributes"} {
		if _, there := got[absent]; there {
			t.Errorf("%s is there, though it was not given", absent)
		}
	}
	for _, stamp := range []string{"createdAt", "updatedAt"} {
		if !instantText.MatchString(made.text(stamp)) {
			t.Errorf("%s is %q, want UTC with milliseconds", stamp, made.text(stamp))
		}
	}
	if made.path() != "/users/"+made.id() {
		t.Errorf("Location %s", made.path())
	}
	made.etag()
	made.token()
}

func testEveryField(t *testing.T, c *client) {
	suffix := unique("")
	body := fmt.Sprintf(`{"username":"Homer%[1]s","email":"Homer%[1]s@Example.org","name":"Homer “J.” Simpson","givenName":"ホーマー","familyName":"Σίμψον",`+
		`"active":false,"externalId":"hr/%[1]s","attributes":{"shoe":42.5,"on call":true,"badges":["blue",7,false],"a.b/c~d":"e"}}`, suffix)
	made := c.post("/users", body).want(http.StatusCreated)
	got := made.object()
	want := map[string]any{
		"id": made.id(), "username": "Homer" + suffix, "email": "Homer" + suffix + "@Example.org",
		"name": "Homer “J.” Simpson", "givenName": "ホーマー", "familyName": "Σίμψον", "active": false, "externalId": "hr/" + suffix,
		"attributes": map[string]any{"shoe": 42.5, "on call": true, "badges": []any{"blue", 7.0, false}, "a.b/c~d": "e"},
		"createdAt":  got["createdAt"], "updatedAt": got["createdAt"],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	read := c.get(made.path()).want(http.StatusOK)
	if string(read.body) != string(made.body) || read.etag() != made.etag() {
		t.Errorf("GET differs from POST:\n%s %s\n%s %s", made.etag(), made.body, read.etag(), read.body)
	}
	read.token()
}

func testUsersThatAreNot(_ *testing.T, c *client) {
	for _, path := range []string{
		"/users/01926e5f-0000-7000-8000-000000000000", "/users/nobody", "/users/01926E5F", "/users/00000000-0000-0000-0000-000000000000",
		"/users/..%2Fgroups", "/users/%00", "/users/%ff",
	} {
		c.get(path).wantProblem(http.StatusNotFound, "not_found")
		c.patch(path, `{"name":"x"}`).wantProblem(http.StatusNotFound, "not_found")
		c.delete(path).wantProblem(http.StatusNotFound, "not_found")
		c.get(path+"/history").wantProblem(http.StatusNotFound, "not_found")
		c.get(path+"/groups").wantProblem(http.StatusNotFound, "not_found")
	}
}

func testMerging(t *testing.T, c *client) {
	name := unique("patch")
	made := c.post("/users", `{"username":"`+name+`","email":"`+name+`@example.org","name":"A","givenName":"B","attributes":{"keep":1,"drop":2,"change":3}}`).want(http.StatusCreated)
	patched := c.patch(made.path(), `{"email":null,"name":"C","active":false,"attributes":{"drop":null,"change":"4","new":[true]}}`).want(http.StatusOK)
	got := patched.object()
	if got["email"] != nil || got["name"] != "C" || got["givenName"] != "B" || got["active"] != false {
		t.Errorf("patched %s", patched.body)
	}
	if diff := cmp.Diff(map[string]any{"keep": 1.0, "change": "4", "new": []any{true}}, got["attributes"]); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if patched.etag() == made.etag() {
		t.Error("the ETag did not change")
	}
	read := c.get(made.path()).want(http.StatusOK)
	if string(read.body) != string(patched.body) || read.etag() != patched.etag() {
		t.Errorf("GET after PATCH: %s, want %s", read.body, patched.body)
	}
	cleared := c.patch(made.path(), `{"attributes":null}`).want(http.StatusOK)
	if cleared.object()["attributes"] != nil {
		t.Errorf("attributes: null left %s", cleared.body)
	}
}

func testPatchesOfNothing(t *testing.T, c *client) {
	made := c.post("/users", `{"username":"`+unique("same")+`","name":"Same","attributes":{"a":[1,"x"]}}`).want(http.StatusCreated)
	for _, body := range []string{`{}`, `{"name":"Same"}`, `{"email":null}`, `{"attributes":{}}`, `{"attributes":{"a": [1, "x"],"none":null}}`, `{"active":true}`} {
		again := c.patch(made.path(), body).want(http.StatusOK)
		if again.etag() != made.etag() || string(again.body) != string(made.body) {
			t.Errorf("%s: %s %s, want %s %s", body, again.etag(), again.body, made.etag(), made.body)
		}
		again.token()
	}
	if items := c.get(made.path() + "/history").want(http.StatusOK).items(); len(items) != 1 {
		t.Errorf("%d commits, want 1", len(items))
	}
}

func testPatchMediaTypes(t *testing.T, c *client) {
	made := c.user()
	for _, good := range []string{patchMedia, jsonMedia, jsonMedia + "; charset=UTF-8", "Application/Merge-Patch+JSON"} {
		c.patch(made.path(), `{"name":"x"}`, "Content-Type", good).want(http.StatusOK)
	}
	for _, bad := range []string{"text/plain", "application/json-patch+json", "application/json; charset=latin1", "application/vnd.api+json", "nonsense", ""} {
		refused := c.do("PATCH", made.path(), `{"name":"x"}`, "Content-Type", bad).wantProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
		if got := refused.header.Get("Accept-Patch"); got != "application/merge-patch+json, application/json" {
			t.Errorf("%q: Accept-Patch %q", bad, got)
		}
	}
	c.patch(made.path(), `{"name":"x"}`, "Content-Encoding", "gzip").wantProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
}
