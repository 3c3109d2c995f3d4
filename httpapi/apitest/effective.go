package apitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

func testEffective(_ *testing.T, c *client) {
	c.run("through groups", testThroughGroups)
	c.run("the shortest way", testShortestWay)
	c.run("only what lives counts", testOnlyTheLivingCount)
	c.run("a walk gives everybody once", testEffectiveWalk)
	c.run("questions", testQuestions)
	c.run("questions that are none", testBadQuestions)
	c.run("tokens", testEffectiveTokens)
}

// in puts somebody into a group.
func (c *client) in(group, member *reply) *reply {
	c.t.Helper()
	return c.put(group.path() + "/members/" + member.id()).want(http.StatusCreated)
}

func (c *client) out(group, member *reply) *reply {
	c.t.Helper()
	return c.delete(group.path() + "/members/" + member.id()).want(http.StatusNoContent)
}

// nested are groups, each in the one before it.
func (c *client) nested(count int) []*reply {
	c.t.Helper()
	var groups []*reply
	for i := range count {
		groups = append(groups, c.group())
		if i > 0 {
			c.in(groups[i-1], groups[i])
		}
	}
	return groups
}

// via reads the way that an item gives.
func via(item map[string]any) []string {
	elements, _ := item["via"].([]any)
	way := make([]string, len(elements))
	for i, element := range elements {
		way[i], _ = element.(string)
	}
	return way
}

func ids(of ...*reply) []string {
	all := make([]string, len(of))
	for i := range of {
		all[i] = of[i].id()
	}
	return all
}

// isIn asks whether somebody is effectively in a group, in every way that there is
// to ask, and demands the way, which is none for who is not in.
func (c *client) isIn(group, member *reply, way ...string) {
	c.t.Helper()
	one := c.get(group.path() + "/members/" + member.id() + "?effective=true")
	if len(way) == 0 {
		one.wantProblem(http.StatusNotFound, "not_a_member")
	} else if one.want(http.StatusOK); !slices.Equal(via(one.object()), way) || one.text("groupId") != group.id() || one.text("memberId") != member.id() {
		c.t.Errorf("%s: %s, want the way %v", one.what, one.body, way)
	}
	asked := c.post(checkPath, fmt.Sprintf(`{"items":[{"groupId":%q,"userId":%q}]}`, group.id(), member.id())).want(http.StatusOK)
	asked.token()
	if items := asked.items(); len(items) != 1 || items[0]["member"] != (len(way) > 0) || !slices.Equal(via(items[0]), way) {
		c.t.Errorf("%s: %s, want the way %v", asked.what, asked.body, way)
	}
	members := c.get(group.path() + "/members?effective=true&limit=500").want(http.StatusOK)
	at := slices.Index(members.ids("memberId"), member.id())
	if (at >= 0) != (len(way) > 0) || at >= 0 && !slices.Equal(via(members.items()[at]), way) {
		c.t.Errorf("%s: %s, want the way %v", members.what, members.body, way)
	}
	if !strings.HasPrefix(member.path(), "/users/") {
		return
	}
	groups := c.get(member.path() + "/groups?effective=true&limit=500").want(http.StatusOK)
	at = slices.Index(groups.ids("groupId"), group.id())
	if (at >= 0) != (len(way) > 0) || at >= 0 && !slices.Equal(via(groups.items()[at]), way) {
		c.t.Errorf("%s: %s, want the way %v", groups.what, groups.body, way)
	}
}

func testThroughGroups(t *testing.T, c *client) {
	groups, user := c.nested(3), c.user()
	top, middle, bottom := groups[0], groups[1], groups[2]
	direct := c.in(bottom, user)
	c.isIn(bottom, user, bottom.id())
	c.isIn(middle, user, bottom.id(), middle.id())
	c.isIn(top, user, bottom.id(), middle.id(), top.id())
	c.isIn(top, bottom, middle.id(), top.id())
	c.isIn(bottom, top)

	one := c.get(bottom.path() + "/members/" + user.id() + "?effective=true").want(http.StatusOK)
	if one.text("since") != direct.text("since") || one.etag() != direct.etag() {
		t.Errorf("direct: %s, ETag %s; PUT %s, ETag %s", one.body, one.etag(), direct.body, direct.etag())
	}
	far := c.get(top.path() + "/members/" + user.id() + "?effective=true").want(http.StatusOK)
	if _, since := far.object()["since"]; since || far.text("kind") != "user" {
		t.Errorf("through groups: %s", far.body)
	}
	c.get(top.path()+"/members/"+user.id()+"?effective=true", "If-None-Match", far.etag()).want(http.StatusNotModified)
	c.get(top.path()+"/members/"+user.id()).wantProblem(http.StatusNotFound, "not_a_member")
	c.get(top.path()+"/members/"+user.id()+"?effective=false").wantProblem(http.StatusNotFound, "not_a_member")
	if got := c.get(top.path() + "/members").want(http.StatusOK).ids("memberId"); !slices.Equal(got, ids(middle)) {
		t.Errorf("direct members %v, want the middle group alone", got)
	}
	if got := c.get(user.path() + "/groups?effective=false").want(http.StatusOK).ids("groupId"); !slices.Equal(got, ids(bottom)) {
		t.Errorf("direct groups %v, want the bottom group alone", got)
	}
	c.out(middle, bottom)
	c.isIn(top, user)
	c.isIn(bottom, user, bottom.id())
	c.get("/groups/"+unknownID+"/members?effective=true").wantProblem(http.StatusNotFound, "not_found")
	c.get("/users/"+unknownID+"/groups?effective=true").wantProblem(http.StatusNotFound, "not_found")
}

func testShortestWay(_ *testing.T, c *client) {
	groups, side, user := c.nested(4), c.group(), c.user()
	top, bottom := groups[0], groups[3]
	c.in(bottom, user)
	c.isIn(top, user, bottom.id(), groups[2].id(), groups[1].id(), top.id())
	// A diamond, with a shorter way.
	c.in(top, side)
	c.in(side, bottom)
	c.isIn(top, user, bottom.id(), side.id(), top.id())
	c.in(side, user)
	c.isIn(top, user, side.id(), top.id())
	c.in(top, user)
	c.isIn(top, user, top.id())
	c.out(top, user)
	c.out(top, side)
	c.isIn(top, user, bottom.id(), groups[2].id(), groups[1].id(), top.id())
}

func testOnlyTheLivingCount(_ *testing.T, c *client) {
	groups, user, other := c.nested(4), c.user(), c.user()
	top, bottom := groups[0], groups[3]
	c.in(bottom, user)
	c.in(groups[1], other)
	c.isIn(top, user, bottom.id(), groups[2].id(), groups[1].id(), top.id())
	c.delete(groups[2].path()).want(http.StatusNoContent)
	c.isIn(top, user)
	c.isIn(top, bottom)
	c.isIn(top, groups[2])
	c.isIn(bottom, user, bottom.id())
	c.isIn(top, other, groups[1].id(), top.id())
	c.in(groups[1], bottom)
	c.isIn(top, user, bottom.id(), groups[1].id(), top.id())
	c.delete(other.path()).want(http.StatusNoContent)
	c.get(top.path()+"/members/"+other.id()+"?effective=true").wantProblem(http.StatusNotFound, "not_a_member")
	c.get(other.path()+"/groups?effective=true").wantProblem(http.StatusNotFound, "not_found")
	c.delete(top.path()).want(http.StatusNoContent)
	c.get(top.path()+"/members?effective=true").wantProblem(http.StatusNotFound, "not_found")
	c.get(top.path()+"/members/"+user.id()+"?effective=true").wantProblem(http.StatusNotFound, "not_a_member")
}

func testEffectiveWalk(t *testing.T, c *client) {
	groups := c.nested(3)
	side := c.group()
	c.in(groups[0], side)
	all := ids(groups[1], groups[2], side)
	for i := range 7 {
		user := c.user()
		c.in(groups[i%3], user)
		c.in(side, user)
		all = append(all, user.id())
	}
	slices.Sort(all)
	var walked []string
	target := groups[0].path() + "/members?effective=true&limit=3"
	for pages := 0; target != "" && pages < 10; pages++ {
		page := c.get(target).want(http.StatusOK)
		page.token()
		walked = append(walked, page.ids("memberId")...)
		target = ""
		if next := page.text("next"); next != "" {
			// A cursor holds its own filters.
			target = groups[0].path() + "/members?limit=3&cursor=" + next
			c.get(groups[0].path() + "/members?effective=true&limit=1&cursor=" + next).want(http.StatusOK)
			c.get(groups[1].path()+"/members?effective=true&cursor="+next).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/cursor")
		}
	}
	if !slices.Equal(walked, all) {
		t.Errorf("walked %v, want %v", walked, all)
	}
	direct := c.get(side.path() + "/members?limit=1").want(http.StatusOK).text("next")
	c.get(side.path()+"/members?effective=true&cursor="+direct).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/cursor")
}

func testQuestions(t *testing.T, c *client) {
	groups, user, stranger := c.nested(2), c.user(), c.user()
	c.in(groups[1], user)
	type question struct {
		Group string `json:"groupId"`
		User  string `json:"userId"`
	}
	var body struct {
		Items []question `json:"items"`
	}
	var want []bool
	for i := range 100 {
		switch i % 5 {
		case 0:
			body.Items, want = append(body.Items, question{groups[0].id(), user.id()}), append(want, true)
		case 1:
			body.Items, want = append(body.Items, question{groups[0].id(), stranger.id()}), append(want, false)
		case 2:
			body.Items, want = append(body.Items, question{unknownID, user.id()}), append(want, false)
		case 3:
			body.Items, want = append(body.Items, question{groups[0].id(), unknownID}), append(want, false)
		default:
			body.Items, want = append(body.Items, question{groups[1].id(), strings.ToUpper(user.id())}), append(want, true)
		}
	}
	text, _ := json.Marshal(body)
	answers := c.post(checkPath, string(text)).want(http.StatusOK).items()
	for i, answer := range answers {
		_, way := answer["via"]
		if answer["member"] != want[i] || way != want[i] {
			t.Errorf("answer %d: %v, want %v", i, answer, want[i])
		}
	}
	if len(answers) != len(want) {
		t.Errorf("%d answers", len(answers))
	}
	reader := c.with(c.post("/keys", `{"label":"checks","scopes":["read"]}`).want(http.StatusCreated).text("key"))
	reader.post(checkPath, string(text)).want(http.StatusOK)
	c.with("").post(checkPath, string(text)).wantProblem(http.StatusUnauthorized, "unauthorized")
}

func testBadQuestions(_ *testing.T, c *client) {
	one := `{"groupId":"` + unknownID + `","userId":"` + unknownID + `"}`
	for _, test := range []struct {
		body     string
		pointers []string
	}{
		{`{}`, []string{"/items"}},
		{`{"items":[]}`, []string{"/items"}},
		{`{"items":null}`, []string{"/items"}},
		{`{"items":[` + strings.Repeat(one+",", 100) + one + `]}`, []string{"/items"}},
		{`{"items":[` + one + `,{}]}`, []string{"/items/1/groupId", "/items/1/userId"}},
		{`{"items":[7,"x",null]}`, []string{"/items/0", "/items/1", "/items/2"}},
		{`{"items":[{"groupId":"x","userId":7}]}`, []string{"/items/0/groupId", "/items/0/userId"}},
		{`{"items":[{"groupId":null,"userId":"` + unknownID + `","x":1}]}`, []string{"/items/0/groupId", "/items/0/x"}},
		{`{"items":[` + one + `],"more":1}`, []string{"/more"}},
	} {
		c.post(checkPath, test.body).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers(test.pointers...)
	}
	c.post(checkPath, `[`).wantProblem(http.StatusBadRequest, "malformed_body")
	c.do("POST", checkPath, one, "Content-Type", "text/plain").wantProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
	c.post(checkPath, `{"items":[`+one+`]}`, "If-Match", `"x"`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/If-Match")
}

// testEffectiveTokens demands that effective answers name the nesting that they
// rest on, and show what a token names, the entity tag of an edge alone too.
func testEffectiveTokens(t *testing.T, c *client) {
	top, bottom, user := c.group(), c.group(), c.user()
	in := c.in(bottom, user)
	nested := c.in(top, bottom)
	question := fmt.Sprintf(`{"items":[{"groupId":%q,"userId":%q}]}`, top.id(), user.id())
	for _, token := range []string{nested.token() + ", " + in.token(), nested.etag() + ", " + in.etag()} {
		asked := []*reply{
			c.get(top.path()+"/members/"+user.id()+"?effective=true", "X-Consistency", token).want(http.StatusOK),
			c.get(top.path()+"/members?effective=true", "X-Consistency", token).want(http.StatusOK),
			c.get(user.path()+"/groups?effective=true", "X-Consistency", token).want(http.StatusOK),
			c.post(checkPath, question, "X-Consistency", token).want(http.StatusOK),
		}
		for _, r := range asked {
			if rests := r.positions(r.token()); rests.Seq(eventstream.NestingStream) < r.positions(nested.token()).Seq(eventstream.NestingStream) {
				t.Errorf("%s rests on %v", r.what, rests)
			}
			c.get(top.path()+"/members?effective=true", "X-Consistency", r.token()).want(http.StatusOK)
		}
		if !slices.Contains(asked[1].ids("memberId"), user.id()) || !slices.Contains(asked[2].ids("groupId"), top.id()) || asked[3].items()[0]["member"] != true {
			t.Errorf("not shown with its token: %s %s %s", asked[1].body, asked[2].body, asked[3].body)
		}
	}
	future := c.forgedToken(user, eventstream.NestingStream)
	for header, code := range map[string]string{"nonsense": "malformed_token", foreignToken(): "foreign_token", future: "unknown_position"} {
		c.get(top.path()+"/members/"+user.id()+"?effective=true", "X-Consistency", header).wantProblem(http.StatusBadRequest, code)
		c.get(top.path()+"/members?effective=true", "X-Consistency", header).wantProblem(http.StatusBadRequest, code)
		c.get(user.path()+"/groups?effective=true", "X-Consistency", header).wantProblem(http.StatusBadRequest, code)
		c.post(checkPath, question, "X-Consistency", header).wantProblem(http.StatusBadRequest, code)
	}
	latest := c.get(top.path()+"/members?effective=true", "X-Consistency", "latest")
	if c.target.Behind {
		latest.wantProblem(http.StatusBadRequest, "latest_unavailable")
		return
	}
	latest.want(http.StatusOK)
	c.post(checkPath, question, "X-Consistency", "latest").want(http.StatusOK)
}
