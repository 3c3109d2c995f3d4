package apitest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// foreignToken is a good token of another store.
func foreignToken() string {
	token, err := eventstream.NewToken(eventstream.Position{Stream: "users/0", Seq: 1}).Encode(eventstream.Epoch{0xf0, 0x0e, 0x15, 0x67, 1, 2, 3, 4})
	if err != nil {
		panic(err) // it is a constant
	}
	return token
}

func testConditions(_ *testing.T, c *client) {
	c.run("lists of tags", testListsOfTags)
	c.run("weak tags", testWeakTags)
	c.run("If-Match on GET", testIfMatchOnGet)
	c.run("only the entity itself moves its tag", testWhatMovesATag)
	c.run("of two writers with one tag, one wins", testWritersWithOneTag)
	c.run("what would be ignored is refused", testUnknownConditions)
	c.run("a removed entity has no tag", func(_ *testing.T, c *client) {
		gone := c.user()
		c.delete(gone.path()).want(http.StatusNoContent)
		c.patch(gone.path(), `{}`, "If-Match", gone.etag()).wantProblem(http.StatusNotFound, "not_found")
	})
}

func testListsOfTags(_ *testing.T, c *client) {
	made := c.user()
	tag, other := made.etag(), c.user().etag()
	foreign := `"` + foreignToken() + `"`
	for _, test := range []struct {
		name    string
		headers []string
		matches bool
	}{
		{"its tag", []string{tag}, true},
		{"any", []string{"*"}, true},
		{"one of several", []string{other + ", " + tag}, true},
		{"on another line", []string{other, tag}, true},
		{"empty elements", []string{", ," + tag + ","}, true},
		{"another's tag", []string{other}, false},
		{"a foreign tag", []string{foreign}, false},
		{"an unreadable tag", []string{`"nonsense"`}, false},
		{"without quotes", []string{strings.Trim(tag, `"`)}, false},
		{"an open quote", []string{strings.TrimSuffix(tag, `"`)}, false},
		{"nothing", []string{""}, false},
		{"an empty tag", []string{`""`}, false},
		{"any, and more", []string{"*" + tag}, false},
		{"its tag, and more", []string{tag + "x"}, false},
		{"two tags without a comma", []string{tag + " " + tag}, false},
		{"its tag after what is none", []string{"*x, " + tag}, true},
	} {
		c.run(test.name, func(t *testing.T, c *client) { testCondition(t, c, made, test.headers, test.matches) })
	}
}

// testCondition reads and writes under a condition that the entity meets, or not.
func testCondition(t *testing.T, c *client, made *reply, lines []string, matches bool) {
	path, tag := made.path(), made.etag()
	headers := func(name string) []string {
		var pairs []string
		for _, line := range lines {
			pairs = append(pairs, name, line)
		}
		return pairs
	}
	read := c.get(path, headers("If-None-Match")...)
	write := c.patch(path, `{}`, headers("If-Match")...)
	if matches {
		read.want(http.StatusNotModified)
		write.want(http.StatusOK)
		if read.etag() != tag || read.token() == "" || len(read.body) != 0 {
			t.Errorf("304 with %v %q", read.header, read.body)
		}
		return
	}
	read.want(http.StatusOK)
	write.wantProblem(http.StatusPreconditionFailed, "precondition_failed")
	if write.etag() != tag {
		t.Errorf("412 with ETag %s, want the current %s", write.etag(), tag)
	}
}

func testWeakTags(_ *testing.T, c *client) {
	made := c.user()
	path, tag := made.path(), made.etag()
	c.get(path, "If-None-Match", "W/"+tag).want(http.StatusNotModified)
	c.patch(path, `{}`, "If-Match", "W/"+tag).wantProblem(http.StatusPreconditionFailed, "precondition_failed")
}

func testIfMatchOnGet(t *testing.T, c *client) {
	made := c.user()
	path, tag := made.path(), made.etag()
	other := c.user().etag()
	c.get(path, "If-Match", tag).want(http.StatusOK)
	for _, wrong := range []string{other, "W/" + tag} {
		if refused := c.get(path, "If-Match", wrong).wantProblem(http.StatusPreconditionFailed, "precondition_failed"); refused.etag() != tag {
			t.Errorf("412 with ETag %s, want the current %s", refused.etag(), tag)
		}
	}
}

func testWhatMovesATag(t *testing.T, c *client) {
	made := c.user()
	path, tag := made.path(), made.etag()
	group := c.group()
	c.put(group.path() + "/members/" + made.id()).want(http.StatusCreated)
	c.user()
	if now := c.get(path).want(http.StatusOK); now.etag() != tag {
		t.Errorf("ETag %s, want %s: the user did not change", now.etag(), tag)
	}
	if now := c.get(group.path()).want(http.StatusOK); now.etag() != group.etag() {
		t.Errorf("ETag %s, want %s: the group did not change", now.etag(), group.etag())
	}
}

func testWritersWithOneTag(t *testing.T, c *client) {
	user := c.user()
	done := make(chan int, 4)
	for _, name := range []string{"a", "b", "c", "d"} {
		go func() { done <- c.patch(user.path(), `{"name":"`+name+`"}`, "If-Match", user.etag()).status }()
	}
	statuses := map[int]int{}
	for range 4 {
		statuses[<-done]++
	}
	if statuses[http.StatusOK] != 1 || statuses[http.StatusPreconditionFailed] != 3 {
		t.Errorf("statuses %v, want one 200 and three 412", statuses)
	}
}

func testUnknownConditions(_ *testing.T, c *client) {
	made := c.user()
	path, tag := made.path(), made.etag()
	group := c.group()
	c.patch(path, `{}`, "If-None-Match", tag).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/If-None-Match")
	c.delete(path, "If-None-Match", "*").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/If-None-Match")
	c.post(group.path()+"/members", `{"members":["`+made.id()+`"]}`, "If-Match", group.etag()).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/If-Match")
}
