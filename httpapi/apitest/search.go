package apitest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func testSearch(t *testing.T, c *client) {
	if c.target.NoSearch {
		testSearchOff(t, c)
		return
	}
	s := newSearched(c)
	c.run("filters", s.filters)
	c.run("what is empty", s.empty)
	c.run("orders", s.orders)
	c.run("page by page, the cursor alone", s.pages)
	c.run("groups", s.groups)
	c.run("a change shows with its token", s.changes)
}

func testSearchOff(_ *testing.T, c *client) {
	for _, path := range []string{"/users?q=a", "/groups?q=a", "/users?active=true", "/users?sort=name", "/users?attr.a=b"} {
		c.get(path).wantProblem(http.StatusNotImplemented, "search_off")
	}
}

// searched is what is looked for: three users whose names and attributes share a
// word, which is nobody else's.
type searched struct {
	word             string
	anna, bert, carl *reply
	group            *reply // Bert is in it
	token            string // of all that
}

func newSearched(c *client) *searched {
	c.t.Helper()
	word := strings.ReplaceAll(unique("zyx"), "-", "")
	make := func(username, name, active, department string) *reply {
		return c.post("/users", `{"username":"`+username+`","name":"`+name+`","active":`+active+`,"attributes":{"department":"`+department+`","run":["`+word+`",7]}}`).want(http.StatusCreated)
	}
	s := &searched{
		word: word, group: c.group(),
		anna: make(unique("c"), "Anna "+word, "true", "R&D"),
		bert: make(unique("b"), "Bert "+word, "false", "R&D"),
		carl: make(unique("a"), "Carl "+word, "true", "sales"),
	}
	in := c.put(s.group.path() + "/members/" + s.bert.id()).want(http.StatusCreated)
	s.token = strings.Join([]string{s.anna.token(), s.bert.token(), s.carl.token(), in.token()}, ", ")
	return s
}

func (s *searched) filters(_ *testing.T, c *client) {
	for _, test := range []struct {
		query string
		want  []*reply
	}{
		{"q=" + s.word, []*reply{s.anna, s.bert, s.carl}},
		{"q=" + strings.ToUpper(s.word[:8]), []*reply{s.anna, s.bert, s.carl}},
		{"q=" + s.word + "%20ann", []*reply{s.anna}},
		{"q=" + s.word + "&active=true", []*reply{s.anna, s.carl}},
		{"q=" + s.word + "&active=false", []*reply{s.bert}},
		{"q=" + s.word + "&group=" + s.group.id(), []*reply{s.bert}},
		{"attr.run=" + s.word, []*reply{s.anna, s.bert, s.carl}},
		{"attr.run=" + s.word + "&attr.department=R%26D", []*reply{s.anna, s.bert}},
		{"attr.run=" + s.word + "&attr.department=R%26D&active=true", []*reply{s.anna}},
		{"attr.run=" + s.word + "x", nil},
		{"q=" + s.word + "&group=" + unknownID, nil},
	} {
		c.run(test.query, func(t *testing.T, c *client) {
			found := c.get("/users?"+test.query, "X-Consistency", s.token).want(http.StatusOK)
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
}

func (s *searched) empty(t *testing.T, c *client) {
	c.get("/users?q=&limit=1").want(http.StatusOK)
	c.get("/groups?q=&limit=1").want(http.StatusOK)
	blank := c.post("/users", `{"username":"`+unique("blank")+`","attributes":{"`+s.word+`":""}}`).want(http.StatusCreated)
	if got := c.get("/users?attr."+s.word+"=", "X-Consistency", blank.token()).want(http.StatusOK).ids("id"); !slices.Equal(got, []string{blank.id()}) {
		t.Errorf("found %v, want the one whose attribute is empty", got)
	}
}

func (s *searched) orders(t *testing.T, c *client) {
	for sort, want := range map[string][]string{
		"name": {s.anna.id(), s.bert.id(), s.carl.id()}, "-name": {s.carl.id(), s.bert.id(), s.anna.id()},
		"username": {s.carl.id(), s.bert.id(), s.anna.id()}, "-username": {s.anna.id(), s.bert.id(), s.carl.id()},
		"created": {s.anna.id(), s.bert.id(), s.carl.id()}, "-created": {s.carl.id(), s.bert.id(), s.anna.id()},
	} {
		got := c.get("/users?attr.run="+s.word+"&sort="+sort, "X-Consistency", s.token).want(http.StatusOK).ids("id")
		if strings.HasSuffix(sort, "created") { // within one millisecond the order is by id
			slices.Sort(got)
			want = slices.Sorted(slices.Values(want))
		}
		if !slices.Equal(got, want) {
			t.Errorf("sort=%s: %v, want %v", sort, got, want)
		}
	}
	c.get("/users?q="+s.word+"&sort=relevance", "X-Consistency", s.token).want(http.StatusOK)
	for _, bad := range []string{"id", "Name", "--name", "", "email"} {
		c.get("/users?sort="+bad).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/sort")
	}
}

func (s *searched) pages(t *testing.T, c *client) {
	want := []string{s.anna.id(), s.bert.id(), s.carl.id()}
	if got := c.walk("/users?q="+s.word+"&sort=name&limit=1", "id", 1); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	cursor := c.get("/users?q=" + s.word + "&sort=name&limit=1").want(http.StatusOK).text("next")
	if got := c.get("/users?limit=1&cursor=" + cursor).want(http.StatusOK).ids("id"); !slices.Equal(got, want[1:2]) {
		t.Errorf("the second page: %v, want %v", got, want[1:2])
	}
	if strings.Contains(cursor, s.word) {
		t.Error("the cursor shows what was searched for")
	}
	c.get("/users?cursor="+cursor+"&q=other").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/cursor")
	c.get("/groups?cursor="+cursor).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/cursor")
}

func (s *searched) groups(t *testing.T, c *client) {
	made := c.post("/groups", `{"name":"Team `+s.word+`","attributes":{"run":"`+s.word+`"}}`).want(http.StatusCreated)
	for _, query := range []string{"q=" + s.word, "attr.run=" + s.word, "q=team%20" + s.word[:6] + "&sort=name"} {
		if got := c.get("/groups?"+query, "X-Consistency", made.token()).want(http.StatusOK).ids("id"); !slices.Equal(got, []string{made.id()}) {
			t.Errorf("%s: %v", query, got)
		}
	}
	c.get("/groups?active=true").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/active")
	c.get("/groups?sort=username").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/sort")
}

func (s *searched) changes(t *testing.T, c *client) {
	other := strings.ReplaceAll(unique("wvu"), "-", "")
	changed := c.patch(s.anna.path(), `{"name":"Anna `+other+`"}`).want(http.StatusOK)
	if got := c.get("/users?q="+other, "X-Consistency", changed.token()).want(http.StatusOK).ids("id"); !slices.Equal(got, []string{s.anna.id()}) {
		t.Errorf("found %v", got)
	}
	gone := c.delete(s.carl.path()).want(http.StatusNoContent)
	if got := c.get("/users?q=carl%20"+s.word, "X-Consistency", gone.token()).want(http.StatusOK).ids("id"); len(got) != 0 {
		t.Errorf("a removed user is found: %v", got)
	}
}
