package apitest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

const unknownID = "01926e5f-0000-7000-8000-00000000dead"

func testMembers(_ *testing.T, c *client) {
	c.run("in, again, and out", testInAndOut)
	c.run("the lists of both ends", testListsOfBothEnds)
	c.run("404 names what is missing", testWhatIsMissing)
	c.run("only if new", testOnlyIfNew)
	c.run("a body that says nothing is none", testEmptyBodies)
	c.run("many at once", testManyMembers)
}

func testManyMembers(t *testing.T, c *client) {
	one, two, group, nested := c.user(), c.user(), c.group(), c.group()
	path := group.path() + "/members"
	body := func(ids ...string) string { return `{"members":["` + strings.Join(ids, `","`) + `"]}` }

	added := c.post(path, body(one.id(), nested.id())).want(http.StatusOK)
	added.token()
	if ids := added.ids("memberId"); len(ids) != 2 || !slices.Contains(ids, one.id()) || !slices.Contains(ids, nested.id()) {
		t.Errorf("added %s", added.body)
	}
	again := c.post(path, body(one.id(), two.id(), two.id())).want(http.StatusOK)
	if ids := again.ids("memberId"); !slices.Contains(ids, one.id()) || !slices.Contains(ids, two.id()) {
		t.Errorf("added again %s", again.body)
	}
	list := c.get(path, "X-Consistency", added.token()+", "+again.token()).want(http.StatusOK)
	if ids := list.ids("memberId"); len(ids) != 3 {
		t.Errorf("members %v", ids)
	}

	other := "01926e5f-0000-7000-8000-00000000beef"
	three := c.user()
	refused := c.post(path, body(three.id(), unknownID, other)).wantProblem(http.StatusNotFound, "not_found").wantPointers("/members/1", "/members/2")
	if text := string(refused.body); !strings.Contains(text, unknownID) || !strings.Contains(text, other) || !strings.Contains(text, "2 of the members do not exist") {
		t.Errorf("the refusal names not every unknown id: %s", text)
	}
	c.get(path+"/"+three.id()).wantProblem(http.StatusNotFound, "not_a_member")
	c.post("/groups/"+unknownID+"/members", body(one.id())).wantProblem(http.StatusNotFound, "not_found")
	c.post(nested.path()+"/members", body(one.id(), group.id())).wantProblem(http.StatusConflict, "cycle")
	c.get(nested.path()+"/members/"+one.id()).wantProblem(http.StatusNotFound, "not_a_member")

	c.post(path, `{}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/members")
	c.post(path, `{"members":[]}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/members")
	c.post(path, `{"members":"`+one.id()+`"}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/members")
	c.post(path, `{"members":["nobody",7,null]}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/members/0", "/members/1", "/members/2")
	c.post(path, body(slices.Repeat([]string{one.id()}, 26)...)).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/members")
}

func testNesting(t *testing.T, c *client) {
	outer, middle, inner := c.group(), c.group(), c.group()
	first := c.put(outer.path() + "/members/" + middle.id()).want(http.StatusCreated)
	if first.text("kind") != "group" {
		t.Errorf("membership %s", first.body)
	}
	c.put(middle.path() + "/members/" + inner.id()).want(http.StatusCreated)
	c.put(inner.path()+"/members/"+outer.id()).wantProblem(http.StatusConflict, "cycle")
	c.put(middle.path()+"/members/"+outer.id()).wantProblem(http.StatusConflict, "cycle")
	c.put(outer.path()+"/members/"+outer.id()).wantProblem(http.StatusConflict, "cycle")
	c.get(outer.path()+"/members/"+inner.id()).wantProblem(http.StatusNotFound, "not_a_member")
	c.delete(middle.path() + "/members/" + inner.id()).want(http.StatusNoContent)
	c.put(inner.path() + "/members/" + outer.id()).want(http.StatusCreated)
}

func testInAndOut(t *testing.T, c *client) {
	user, group := c.user(), c.group()
	path := group.path() + "/members/" + user.id()
	c.get(path).wantProblem(http.StatusNotFound, "not_a_member")
	in := c.put(path).want(http.StatusCreated)
	if in.text("groupId") != group.id() || in.text("memberId") != user.id() || in.text("kind") != "user" || !instantText.MatchString(in.text("since")) {
		t.Errorf("membership %s", in.body)
	}
	in.token()
	again := c.put(path).want(http.StatusNoContent)
	again.token()
	if len(again.body) != 0 || again.etag() != in.etag() {
		t.Errorf("204 with %s %q, want the first ETag %s", again.etag(), again.body, in.etag())
	}
	read := c.get(path).want(http.StatusOK)
	if string(read.body) != string(in.body) || read.etag() != in.etag() {
		t.Errorf("GET %s, PUT %s", read.body, in.body)
	}
	read.token()
	c.get(path, "If-None-Match", in.etag()).want(http.StatusNotModified)
	c.delete(path).want(http.StatusNoContent).token()
	c.delete(path).want(http.StatusNoContent).token()
	c.get(path).wantProblem(http.StatusNotFound, "not_a_member")
	back := c.put(path).want(http.StatusCreated)
	if back.etag() == in.etag() {
		t.Error("back in with the ETag of the first time")
	}
}

func testListsOfBothEnds(t *testing.T, c *client) {
	user, group := c.user(), c.group()
	in := c.put(group.path() + "/members/" + user.id()).want(http.StatusCreated)
	members := c.get(group.path()+"/members", "X-Consistency", in.token()).want(http.StatusOK)
	groups := c.get(user.path()+"/groups", "X-Consistency", in.token()).want(http.StatusOK)
	for _, list := range []*reply{members, groups} {
		list.token()
		items := list.items()
		if len(items) != 1 || items[0]["groupId"] != group.id() || items[0]["memberId"] != user.id() || list.object()["next"] != nil {
			t.Errorf("%s: %s", list.what, list.body)
		}
	}
}

func testWhatIsMissing(t *testing.T, c *client) {
	user, group := c.user(), c.group()
	noMember := c.put(group.path()+"/members/"+unknownID).wantProblem(http.StatusNotFound, "not_found")
	noGroup := c.put("/groups/"+unknownID+"/members/"+user.id()).wantProblem(http.StatusNotFound, "not_found")
	if !strings.Contains(noMember.text("detail"), "member") || strings.Contains(noMember.text("detail"), "the group") {
		t.Errorf("no member: %s", noMember.body)
	}
	if !strings.Contains(noGroup.text("detail"), "group") || strings.Contains(noGroup.text("detail"), "member") {
		t.Errorf("no group: %s", noGroup.body)
	}
	c.put(group.path()+"/members/nobody").wantProblem(http.StatusNotFound, "not_found")
	c.get(group.path()+"/members/nobody").wantProblem(http.StatusNotFound, "not_found")
	c.delete(group.path()+"/members/nobody").wantProblem(http.StatusNotFound, "not_found")
}

func testOnlyIfNew(_ *testing.T, c *client) {
	user, group := c.user(), c.group()
	path := group.path() + "/members/" + user.id()
	in := c.put(path, "If-None-Match", "*").want(http.StatusCreated)
	c.put(path, "If-None-Match", "*").wantProblem(http.StatusPreconditionFailed, "precondition_failed")
	c.put(path, "If-None-Match", in.etag()).wantProblem(http.StatusPreconditionFailed, "precondition_failed")
	c.put(path, "If-None-Match", `"other"`).want(http.StatusNoContent)
	c.delete(path, "If-Match", `"other"`).wantProblem(http.StatusPreconditionFailed, "precondition_failed")
	c.delete(path, "If-Match", in.etag()).want(http.StatusNoContent)
}

func testEmptyBodies(_ *testing.T, c *client) {
	user, group := c.user(), c.group()
	path := group.path() + "/members/" + user.id()
	c.do("PUT", path, `{}`, "Content-Type", jsonMedia).want(http.StatusCreated)
	c.do("PUT", path, `{"kind":"user"}`, "Content-Type", jsonMedia).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/kind")
	c.do("PUT", path, `user`, "Content-Type", "text/plain").wantProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
	c.do("PUT", path, strings.Repeat(" ", 1<<20+1), "Content-Type", jsonMedia).wantProblem(http.StatusRequestEntityTooLarge, "too_large")
}
