package apitest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func testSearch(t *testing.T, c *client) {
	if c.target.NoSearch {
		for _, path := range []string{"/users?q=a", "/groups?q=a", "/users?active=true", "/users?sort=name", "/users?attr.a=b"} {
			c.get(path).wantProblem(http.StatusNotImplemented, "search_off")
		}
		return
	}
	word := strings.ReplaceAll(unique("zyx"), "-", "")
	group := c.group()
	make := func(username, name, active, department string) *reply {
		return c.post("/users", `{"username":"`+username+`","name":"`+name+`","active":`+active+`,"attributes":{"department":"`+department+`","run":["`+word+`",7]}}`).want(http.StatusCreated)
	}
	anna := make(unique("c"), "Anna "+word, "true", "R&D")
	bert := make(unique("b"), "Bert "+word, "false", "R&D")
	carl := make(unique("a"), "Carl "+word, "true", "sales")
	in := c.put(group.path() + "/members/" + bert.id()).want(http.StatusCreated)
	token := strings.Join([]string{anna.token(), bert.token(), carl.token(), in.token()}, ", ")

	for _, test := range []struct {
		query string
		want  []*reply
	}{
		{"q=" + word, []*reply{anna, bert, carl}},
		{"q=" + strings.ToUpper(word[:8]), []*reply{anna, bert, carl}},
		{"q=" + word + "%20ann", []*reply{anna}},
		{"q=" + word + "&active=true", []*reply{anna, carl}},
		{"q=" + word + "&active=false", []*reply{bert}},
		{"q=" + word + "&group=" + group.id(), []*reply{bert}},
		{"attr.run=" + word, []*reply{anna, bert, carl}},
		{"attr.run=" + word + "&attr.department=R%26D", []*reply{anna, bert}},
		{"attr.run=" + word + "&attr.department=R%26D&active=true", []*reply{anna}},
		{"attr.run=" + word + "x", nil},
		{"q=" + word + "&group=" + unknownID, nil},
	} {
		c.run(test.query, func(t *testing.T, c *client) {
			found := c.get("/users?"+test.query, "X-Consistency", token).want(http.StatusOK)
			found.token()
			var want []string
			for _, user := range test.want {
				want = append(want, user.id())
			}
			got := found.ids("id")
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("found %v, want %v", got, want)
			}
		})
	}
	c.run("what is empty", func(t *testing.T, c *client) {
		c.get("/users?q=&limit=1").want(http.StatusOK)
		c.get("/groups?q=&limit=1").want(http.StatusOK)
		blank := c.post("/users", `{"username":"`+unique("blank")+`","attributes":{"`+word+`":""}}`).want(http.StatusCreated)
		if got := c.get("/users?attr."+word+"=", "X-Consistency", blank.token()).want(http.StatusOK).ids("id"); !slices.Equal(got, []string{blank.id()}) {
			t.Errorf("found %v, want the one whose attribute is empty", got)
		}
	})
	c.run("orders", func(t *testing.T, c *client) {
		for sort, want := range map[string][]string{
			"name": {anna.id(), bert.id(), carl.id()}, "-name": {carl.id(), bert.id(), anna.id()},
			"username": {carl.id(), bert.id(), anna.id()}, "-username": {anna.id(), bert.id(), carl.id()},
			"created": {anna.id(), bert.id(), carl.id()}, "-created": {carl.id(), bert.id(), anna.id()},
		} {
			got := c.get("/users?attr.run="+word+"&sort="+sort, "X-Consistency", token).want(http.StatusOK).ids("id")
			if strings.HasSuffix(sort, "created") { // within one millisecond the order is by id
				slices.Sort(got)
				want = slices.Sorted(slices.Values(want))
			}
			if !slices.Equal(got, want) {
				t.Errorf("sort=%s: %v, want %v", sort, got, want)
			}
		}
		c.get("/users?q="+word+"&sort=relevance", "X-Consistency", token).want(http.StatusOK)
		for _, bad := range []string{"id", "Name", "--name", "", "email"} {
			c.get("/users?sort="+bad).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/sort")
		}
	})
	c.run("page by page, the cursor alone", func(t *testing.T, c *client) {
		want := []string{anna.id(), bert.id(), carl.id()}
		if got := c.walk("/users?q="+word+"&sort=name&limit=1", "id", 1); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		cursor := c.get("/users?q=" + word + "&sort=name&limit=1").want(http.StatusOK).text("next")
		if got := c.get("/users?limit=1&cursor=" + cursor).want(http.StatusOK).ids("id"); !slices.Equal(got, want[1:2]) {
			t.Errorf("the second page: %v, want %v", got, want[1:2])
		}
		if strings.Contains(cursor, word) {
			t.Error("the cursor shows what was searched for")
		}
		c.get("/users?cursor="+cursor+"&q=other").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/cursor")
		c.get("/groups?cursor="+cursor).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/cursor")
	})
	c.run("groups", func(t *testing.T, c *client) {
		made := c.post("/groups", `{"name":"Team `+word+`","attributes":{"run":"`+word+`"}}`).want(http.StatusCreated)
		for _, query := range []string{"q=" + word, "attr.run=" + word, "q=team%20" + word[:6] + "&sort=name"} {
			if got := c.get("/groups?"+query, "X-Consistency", made.token()).want(http.StatusOK).ids("id"); !slices.Equal(got, []string{made.id()}) {
				t.Errorf("%s: %v", query, got)
			}
		}
		c.get("/groups?active=true").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/active")
		c.get("/groups?sort=username").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/sort")
	})
	c.run("a change shows with its token", func(t *testing.T, c *client) {
		other := strings.ReplaceAll(unique("wvu"), "-", "")
		changed := c.patch(anna.path(), `{"name":"Anna `+other+`"}`).want(http.StatusOK)
		if got := c.get("/users?q="+other, "X-Consistency", changed.token()).want(http.StatusOK).ids("id"); !slices.Equal(got, []string{anna.id()}) {
			t.Errorf("found %v", got)
		}
		gone := c.delete(carl.path()).want(http.StatusNoContent)
		if got := c.get("/users?q=carl%20"+word, "X-Consistency", gone.token()).want(http.StatusOK).ids("id"); len(got) != 0 {
			t.Errorf("a removed user is found: %v", got)
		}
	})
}
