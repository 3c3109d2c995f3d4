package apitest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func testPastMembers(_ *testing.T, c *client) {
	c.run("who was in a group", testMembersAt)
	c.run("which groups somebody was in", testGroupsAt)
	c.run("the past in pages", testPastPages)
	c.run("histories of memberships", testMemberHistories)
	c.run("what each commit changed", testDifferences)
}

// later writes until the service's clock is beyond an instant, so that what is
// written next is of another.
func (c *client) later(than string) {
	c.t.Helper()
	path := c.user().path()
	for i := 0; ; i++ {
		if c.patch(path, fmt.Sprintf(`{"name":"%d"}`, i)).want(http.StatusOK).text("updatedAt") > than {
			return
		}
	}
}

// joined puts a member into a group, later than whatever is there, and tells since
// when it is in.
func (c *client) joined(group, member *reply) string {
	c.t.Helper()
	since := c.put(group.path() + "/members/" + member.id()).want(http.StatusCreated).text("since")
	c.later(since)
	return since
}

// lastOf is the time of a history's last commit, after which it is later.
func (c *client) lastOf(path string) string {
	c.t.Helper()
	items := c.get(path + "/history").want(http.StatusOK).items()
	at := items[len(items)-1]["time"].(string)
	c.later(at)
	return at
}

// then gives the members, or groups, of a list at an instant, each with since when.
func (c *client) then(path, at, id string) []string {
	c.t.Helper()
	list := c.get(path + "?at=" + url.QueryEscape(at)).want(http.StatusOK)
	list.token()
	var found []string
	for _, item := range list.items() {
		found = append(found, fmt.Sprint(item[id], " since ", item["since"]))
	}
	return found
}

func (c *client) wantThen(path, at, id string, want ...string) {
	c.t.Helper()
	slices.Sort(want)
	if got := c.then(path, at, id); !slices.Equal(got, want) {
		c.t.Errorf("%s at %s: %v, want %v", path, at, got, want)
	}
}

func testMembersAt(_ *testing.T, c *client) {
	a, b, nested, group := c.user(), c.user(), c.group(), c.group()
	path := group.path() + "/members"
	c.later(group.text("createdAt"))
	first := c.joined(group, a)
	second := c.joined(group, b)
	third := c.joined(group, nested)
	c.delete(path + "/" + a.id()).want(http.StatusNoContent)
	left := c.lastOf(path + "/" + a.id())
	again := c.joined(group, a)
	c.delete(b.path()).want(http.StatusNoContent)
	gone := c.lastOf(b.path())
	c.delete(nested.path()).want(http.StatusNoContent)
	unnested := c.lastOf(nested.path())
	isIn := func(member *reply, since string) string { return member.id() + " since " + since }

	for range 2 {
		c.get(path+"?at=2000-01-01T00:00:00Z").wantProblem(http.StatusNotFound, "not_found")
		c.wantThen(path, group.text("createdAt"), "memberId")
		c.wantThen(path, first, "memberId", isIn(a, first))
		c.wantThen(path, second, "memberId", isIn(a, first), isIn(b, second))
		c.wantThen(path, third, "memberId", isIn(a, first), isIn(b, second), isIn(nested, third))
		c.wantThen(path, left, "memberId", isIn(b, second), isIn(nested, third))
		c.wantThen(path, again, "memberId", isIn(a, again), isIn(b, second), isIn(nested, third))
		c.wantThen(path, gone, "memberId", isIn(a, again), isIn(nested, third))
		c.wantThen(path, unnested, "memberId", isIn(a, again))
		if c.get(group.path()).status == http.StatusNotFound {
			break // and once more when the group is gone
		}
		c.wantThen(path, "9999-12-31T23:59:59+01:00", "memberId", isIn(a, again))
		c.delete(group.path()).want(http.StatusNoContent)
	}
	c.get(path+"?at="+c.lastOf(group.path())).wantProblem(http.StatusNotFound, "not_found")
	c.get("/groups/"+unknownID+"/members?at="+first).wantProblem(http.StatusNotFound, "not_found")
	c.get("/groups/"+a.id()+"/members?at="+first).wantProblem(http.StatusNotFound, "not_found")
}

func testGroupsAt(_ *testing.T, c *client) {
	user, one, two := c.user(), c.group(), c.group()
	path := user.path() + "/groups"
	c.later(two.text("createdAt"))
	first := c.joined(one, user)
	second := c.joined(two, user)
	c.delete(one.path()).want(http.StatusNoContent)
	gone := c.lastOf(one.path())
	c.delete(user.path()).want(http.StatusNoContent)
	end := c.lastOf(user.path())

	c.get(path+"?at=2000-01-01T00:00:00Z").wantProblem(http.StatusNotFound, "not_found")
	c.wantThen(path, user.text("createdAt"), "groupId")
	c.wantThen(path, first, "groupId", one.id()+" since "+first)
	c.wantThen(path, second, "groupId", one.id()+" since "+first, two.id()+" since "+second)
	c.wantThen(path, gone, "groupId", two.id()+" since "+second)
	c.get(path+"?at="+end).wantProblem(http.StatusNotFound, "not_found")
	c.get("/users/"+unknownID+"/groups?at="+first).wantProblem(http.StatusNotFound, "not_found")
}

func testPastPages(t *testing.T, c *client) {
	group, other := c.group(), c.group()
	path := group.path() + "/members"
	var since string
	var ids []string
	for range 3 {
		user := c.user()
		since, ids = c.joined(group, user), append(ids, user.id())
	}
	c.delete(path + "/" + ids[1]).want(http.StatusNoContent)
	slices.Sort(ids)
	var met []string
	var cursor string
	for at := path + "?limit=1&at=" + since; ; {
		page := c.get(at).want(http.StatusOK)
		met = append(met, page.ids("memberId")...)
		next := page.text("next")
		if next == "" {
			break
		}
		cursor = next
		// The link leads on as the cursor alone does.
		link := page.header.Get("Link")
		if want := "<" + path + "?cursor=" + next + `&limit=1>; rel="next"`; link != want {
			t.Fatalf("the link is %s, want %s", link, want)
		}
		at = path + "?limit=1&cursor=" + next
		if len(met) == 1 {
			at += "&at=" + since
		}
	}
	if !slices.Equal(met, ids) {
		t.Errorf("met %v, want %v", met, ids)
	}
	invalid := func(path, pointer string) {
		c.get(path).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers(pointer)
	}
	invalid(path+"?at=2026-01-01T00:00:00Z&cursor="+cursor, "/cursor")
	invalid(other.path()+"/members?at="+since+"&cursor="+cursor, "/cursor")
	invalid(other.path()+"/members?cursor="+cursor, "/cursor")
	invalid(path+"/history?cursor="+cursor, "/cursor")
	for _, bad := range []string{"yesterday", "2026-01-01", "2099-01-01T0:00:00Z", "2099-01-01T00:00:00,5Z", "2099-02-30T00:00:00Z", "1", ""} {
		invalid(path+"?at="+bad, "/at")
		invalid("/users/"+ids[0]+"/groups?at="+bad, "/at")
	}
}

func testMemberHistories(t *testing.T, c *client) {
	group := c.group()
	path := group.path() + "/members"
	if items := c.get(path + "/history").want(http.StatusOK).items(); len(items) != 0 {
		t.Errorf("a new group has %d commits of members", len(items))
	}
	a, b := c.user(), c.user()
	c.joined(group, a)
	c.joined(group, b)
	c.delete(path + "/" + a.id()).want(http.StatusNoContent)
	c.lastOf(path + "/" + a.id())
	c.joined(group, a)
	c.delete(b.path()).want(http.StatusNoContent)
	want := []string{a.id() + " 1 true", b.id() + " 1 true", a.id() + " 2 false", a.id() + " 3 true"}
	for _, removed := range []bool{false, true} {
		for _, limit := range []int{1, 3, 4, 500} {
			if got := c.commits(path+"/history", group.id(), limit); !slices.Equal(got, want) {
				t.Errorf("in pages of %d: %v, want %v", limit, got, want)
			}
		}
		if got, of := c.commits(path+"/"+a.id()+"/history", group.id(), 2), []string{want[0], want[2], want[3]}; !slices.Equal(got, of) {
			t.Errorf("of one member: %v, want %v", got, of)
		}
		if !removed {
			c.delete(group.path()).want(http.StatusNoContent)
		}
	}
	c.get(path+"/"+unknownID+"/history").wantProblem(http.StatusNotFound, "not_a_member")
	c.get(path+"/nobody/history").wantProblem(http.StatusNotFound, "not_found")
	c.get("/groups/"+unknownID+"/members/history").wantProblem(http.StatusNotFound, "not_found")
	c.get("/groups/"+a.id()+"/members/history").wantProblem(http.StatusNotFound, "not_found")
	for _, history := range []string{path + "/history", path + "/" + a.id() + "/history"} {
		c.get(history+"?diff=yes").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/diff")
		c.get(history+"?limit=0").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/limit")
		c.get(history+"?cursor=x").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/cursor")
		c.get(history+"?at=2026-01-01T00:00:00Z").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/at")
	}
}

// commits walks a history of memberships in a group: of each commit the member,
// the number and whether it was in from then on.
func (c *client) commits(path, group string, limit int) []string {
	c.t.Helper()
	var commits []string
	before := ""
	for at := fmt.Sprintf("%s?limit=%d", path, limit); ; {
		page := c.get(at).want(http.StatusOK)
		page.token()
		if len(page.items()) > limit {
			c.t.Errorf("a page of %d", len(page.items()))
		}
		for _, item := range page.items() {
			event, _ := item["events"].([]any)[0].(map[string]any)
			data, _ := event["data"].(map[string]any)
			commits = append(commits, fmt.Sprint(item["memberId"], " ", item["seq"], " ", data["present"]))
			if at, _ := item["time"].(string); item["groupId"] != group || at < before || item["changes"] != nil {
				c.t.Errorf("commit %v after %s", item, before)
			} else {
				before = at
			}
		}
		next := page.text("next")
		if next == "" {
			return commits
		}
		at = fmt.Sprintf("%s?limit=%d&cursor=%s", path, limit, next)
	}
}

func testDifferences(t *testing.T, c *client) {
	username, renamed := unique("user"), unique("user")
	user := c.post("/users", `{"username":"`+username+`","name":"One","attributes":{"a.b":1,"c":"x"}}`).want(http.StatusCreated)
	c.patch(user.path(), `{"username":"`+renamed+`","name":null,"attributes":{"a.b":[true,"y"],"c":null,"d":false}}`).want(http.StatusOK)
	group := c.post("/groups", `{"name":"`+unique("group")+`","description":"d"}`).want(http.StatusCreated)
	since := c.put(group.path() + "/members/" + user.id()).want(http.StatusCreated).text("since")
	c.delete(group.path() + "/members/" + user.id()).want(http.StatusNoContent)
	c.delete(user.path()).want(http.StatusNoContent)

	in := []string{"kind:  -> user", "since:  -> " + since}
	out := []string{"kind: user -> ", "since: " + since + " -> "}
	for path, want := range map[string][][]string{
		user.path() + "/history": {
			{"active:  -> true", "attributes.a.b:  -> 1", "attributes.c:  -> x", "name:  -> One", "username:  -> " + username},
			{"attributes.a.b: 1 -> [true y]", "attributes.c: x -> ", "attributes.d:  -> false", "name: One -> ", "username: " + username + " -> " + renamed},
			{"active: true -> ", "attributes.a.b: [true y] -> ", "attributes.d: false -> ", "username: " + renamed + " -> "},
		},
		group.path() + "/history":                           {{"description:  -> d", "name:  -> " + group.text("name")}},
		group.path() + "/members/history":                   {in, out},
		group.path() + "/members/" + user.id() + "/history": {in, out},
	} {
		for _, limit := range []int{1, 500} {
			if got := c.changes(path, limit); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, in pages of %d:\n%v, want\n%v", path, limit, got, want)
			}
		}
		if strings.Contains(string(c.get(path+"?diff=false").want(http.StatusOK).body), `"changes"`) {
			t.Errorf("%s tells changes that were not asked for", path)
		}
		plain := c.get(path + "?limit=1").want(http.StatusOK).text("next")
		if plain != "" {
			c.get(path+"?diff=true&cursor="+plain).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/cursor")
		}
	}
}

// changes walks a history with what each commit changed; the cursor holds that it
// is asked for.
func (c *client) changes(path string, limit int) [][]string {
	c.t.Helper()
	var commits [][]string
	for at := fmt.Sprintf("%s?diff=true&limit=%d", path, limit); ; {
		page := c.get(at).want(http.StatusOK)
		for _, item := range page.items() {
			changes, told := item["changes"].([]any)
			if !told {
				c.t.Errorf("%s: no changes: %v", at, item)
			}
			var texts []string
			for _, change := range changes {
				of := change.(map[string]any)
				texts = append(texts, fmt.Sprintf("%v: %v -> %v", of["field"], orNothing(of["before"]), orNothing(of["after"])))
			}
			slices.Sort(texts)
			commits = append(commits, texts)
		}
		next := page.text("next")
		if next == "" {
			return commits
		}
		at = fmt.Sprintf("%s?limit=%d&cursor=%s", path, limit, next)
	}
}

func orNothing(value any) any {
	if value == nil {
		return ""
	}
	return value
}
