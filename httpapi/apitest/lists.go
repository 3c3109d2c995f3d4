package apitest

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func testLookUps(t *testing.T, c *client) {
	name := unique("look")
	user := c.post("/users", `{"username":"`+name+`","email":"`+name+`@example.org","externalId":"x+`+name+`"}`).want(http.StatusCreated)
	group := c.post("/groups", `{"name":"The `+name+`","externalId":"g+`+name+`"}`).want(http.StatusCreated)
	upper := strings.ToUpper(name)
	for _, test := range []struct{ what, path, id string }{
		{"username", "/users?username=" + upper, user.id()},
		{"e-mail", "/users?email=" + upper + "%40EXAMPLE.org", user.id()},
		{"external id", "/users?externalId=x%2B" + name, user.id()},
		{"external id is compared byte by byte", "/users?externalId=X%2B" + name, ""},
		{"a group's external id is no user's", "/users?externalId=g%2B" + name, ""},
		{"nobody's username", "/users?username=" + name + "x", ""},
		{"nobody's e-mail", "/users?email=" + name + "x@example.org", ""},
		{"what cannot be a username", "/users?username=a%20b", ""},
		{"what cannot be an e-mail", "/users?email=nobody", ""},
		{"group name", "/groups?name=THE%20%20" + upper, group.id()},
		{"a group's external id", "/groups?externalId=g%2B" + name, group.id()},
		{"nobody's group name", "/groups?name=" + name, ""},
	} {
		c.run(test.what, func(t *testing.T, c *client) {
			found := c.get(test.path).want(http.StatusOK)
			found.token()
			var want []string
			if test.id != "" {
				want = []string{test.id}
			}
			if got := found.ids("id"); !slices.Equal(got, want) || found.object()["next"] != nil {
				t.Errorf("found %s, want %v", found.body, want)
			}
			if !strings.Contains(string(found.body), `"items":[`) {
				t.Errorf("items is no array: %s", found.body)
			}
		})
	}
	c.run("follow a change at once", func(t *testing.T, c *client) {
		renamed := unique("renamed")
		c.patch(user.path(), `{"username":"`+renamed+`","email":null}`).want(http.StatusOK)
		for path, found := range map[string]int{"username=" + name: 0, "username=" + renamed: 1, "email=" + name + "@example.org": 0} {
			if items := c.get("/users?" + path).want(http.StatusOK).items(); len(items) != found {
				t.Errorf("%s: %d users, want %d", path, len(items), found)
			}
		}
		c.delete(user.path()).want(http.StatusNoContent)
		if items := c.get("/users?username=" + renamed).want(http.StatusOK).items(); len(items) != 0 {
			t.Errorf("a removed user is found: %v", items)
		}
	})
	c.run("stand alone", func(_ *testing.T, c *client) {
		c.get("/users?username=a&email=b@c.d").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/email")
		c.get("/users?email=b@c.d&active=true").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/active")
		c.get("/groups?name=a&q=b").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/q")
		c.get("/users?username=").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/username")
	})
}

var nextLink = regexp.MustCompile(`^<([^>]+)>; rel="next"$`)

// walk follows the pages of a list by their links, and gives the ids of all
// items. Every page but the last must be full.
func (c *client) walk(path, idField string, limit int) []string {
	c.t.Helper()
	var ids []string
	for pages := 0; path != ""; pages++ {
		if pages > 10_000 {
			c.t.Fatalf("%s: no end", path)
		}
		page := c.get(path).want(http.StatusOK)
		page.token()
		here := page.ids(idField)
		ids = append(ids, here...)
		next, link := page.text("next"), page.header.Get("Link")
		if (next == "") != (link == "") {
			c.t.Fatalf("%s: next %q and Link %q", path, next, link)
		}
		if next == "" {
			return ids
		}
		if len(here) != limit {
			c.t.Fatalf("%s: %d items on a page that is not the last, want %d", path, len(here), limit)
		}
		found := nextLink.FindStringSubmatch(link)
		if found == nil || !strings.Contains(found[1], "cursor="+url.QueryEscape(next)) {
			c.t.Fatalf("%s: Link %q, next %q", path, link, next)
		}
		path = found[1]
	}
	return ids
}

func testLists(t *testing.T, c *client) {
	group := c.group()
	var members, groups []string
	user := c.user()
	for range 5 {
		member, other := c.user(), c.group()
		c.put(group.path() + "/members/" + member.id()).want(http.StatusCreated)
		c.put(other.path() + "/members/" + user.id()).want(http.StatusCreated)
		members, groups = append(members, member.id()), append(groups, other.id())
	}
	slices.Sort(members)
	slices.Sort(groups)
	c.run("members, page by page", func(t *testing.T, c *client) {
		for _, limit := range []string{"1", "2", "5", "500"} {
			size := map[string]int{"1": 1, "2": 2, "5": 5}[limit]
			if got := c.walk(group.path()+"/members?limit="+limit, "memberId", size); !slices.Equal(got, members) {
				t.Errorf("limit %s: %v, want %v", limit, got, members)
			}
			if got := c.walk(user.path()+"/groups?limit="+limit, "groupId", size); !slices.Equal(got, groups) {
				t.Errorf("limit %s: %v, want %v", limit, got, groups)
			}
		}
	})
	c.run("histories, page by page", testPagesOfHistory)
	c.run("all users and groups, by id, each once", func(t *testing.T, c *client) {
		for path, wanted := range map[string][]string{"/users": members, "/groups": groups} {
			got := c.walk(path+"?limit=500", "id", 500)
			if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Errorf("%s: not in the order of ids, or not each once", path)
			}
			for _, id := range wanted {
				if !slices.Contains(got, id) {
					t.Errorf("%s: %s is missing", path, id)
				}
			}
		}
	})
	c.run("a cursor goes with its own list", func(_ *testing.T, c *client) {
		cursor := c.get(group.path() + "/members?limit=1").want(http.StatusOK).text("next")
		for _, path := range []string{"/users", "/groups", "/keys", user.path() + "/groups", user.path() + "/history", c.group().path() + "/members"} {
			c.get(path+"?cursor="+cursor).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/cursor")
			c.get(path+"?cursor=nonsense").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/cursor")
		}
		c.get(group.path()+"/members?cursor="+cursor[:len(cursor)-2]).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/cursor")
	})
	c.run("limits", testLimits)
}

func testPagesOfHistory(t *testing.T, c *client) {
	user := c.user()
	for _, name := range []string{"a", "b", "c"} {
		c.patch(user.path(), `{"name":"`+name+`"}`).want(http.StatusOK)
	}
	first := c.get(user.path() + "/history?limit=3").want(http.StatusOK)
	second := c.get(user.path() + "/history?limit=3&cursor=" + first.text("next")).want(http.StatusOK)
	if len(first.items()) != 3 || len(second.items()) != 1 || second.object()["next"] != nil {
		t.Errorf("pages of %d and %d", len(first.items()), len(second.items()))
	}
}

func testLimits(_ *testing.T, c *client) {
	user, group := c.user(), c.group()
	for _, path := range []string{"/users", "/groups", "/keys", group.path() + "/members", user.path() + "/groups", user.path() + "/history"} {
		for _, limit := range []string{"0", "501", "-1", "x", "1.5", "", "99999999999999999999"} {
			c.get(path+"?limit="+limit).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/limit")
		}
		c.get(path + "?limit=500").want(http.StatusOK)
	}
}
