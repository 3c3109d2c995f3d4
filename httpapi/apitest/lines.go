package apitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func testLines(t *testing.T, c *client) {
	c.run("items in, results out", testItemLines)
	c.run("lines that are wrong", testWrongLines)
	c.run("headers", testLineHeaders)
	c.run("the list of users", func(t *testing.T, c *client) { testListLines(t, c, "/users", func() *reply { return c.user() }) })
	c.run("the list of groups", func(t *testing.T, c *client) { testListLines(t, c, "/groups", func() *reply { return c.group() }) })
}

// lines are the objects of an answer that has one on each line.
func (r *reply) lines() []map[string]any {
	r.t.Helper()
	if media := r.header.Get("Content-Type"); media != ndjsonMedia {
		r.t.Fatalf("%s: Content-Type %q, want lines", r.what, media)
	}
	var objects []map[string]any
	for line := range strings.Lines(string(r.body)) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil || !strings.HasSuffix(line, "\n") {
			r.t.Fatalf("%s: line %q: %v", r.what, line, err)
		}
		objects = append(objects, object)
	}
	return objects
}

// sendLines sends items on lines and gives their results.
func (c *client) sendLines(body string, want int) []result {
	c.t.Helper()
	return c.results(c.post("/users:batch", body, "Content-Type", ndjsonMedia).want(http.StatusOK).lines(), want)
}

// insist sends a line, which may have been done already, until it is done.
func (c *client) insist(line string) result {
	c.t.Helper()
	r := c.sendLines(line, 1)[0]
	for began := time.Now(); r.unavailable() && time.Since(began) < lateTime; {
		r = c.sendLines(line, 1)[0]
	}
	if r.status() != http.StatusCreated {
		r.want(http.StatusOK)
	}
	return r
}

// unavailable tells whether an item was not done, or not in time.
func (r result) unavailable() bool {
	return r.status() == http.StatusServiceUnavailable && r.text("code") == "unavailable"
}

func testItemLines(t *testing.T, c *client) {
	const many = 1001 // more than a batch may have
	var lines, ids []string
	for range many {
		ids = append(ids, c.newID())
		lines = append(lines, createItem(`{"id":"`+ids[len(ids)-1]+`","username":"`+unique("line")+`"}`)+"\n")
	}
	results := c.sendLines(strings.Join(lines, ""), many)
	refused := 0
	for i, r := range results {
		if r.fields["line"] != float64(i+1) {
			t.Fatalf("result %d is %v", i, r.fields)
		}
		if c.target.Behind && r.unavailable() { // more at once than its servers can do
			refused++
			results[i] = c.insist(lines[i])
		} else {
			r.want(http.StatusCreated)
		}
		if results[i].text("id") != ids[i] {
			t.Fatalf("result %d is %v", i, r.fields)
		}
	}
	if refused > many/2 {
		t.Errorf("%d of %d lines were refused", refused, many)
	}
	last := results[many-1]
	if now := c.get("/users/"+last.text("id"), "X-Consistency", last.text("consistency")).want(http.StatusOK); now.etag() != last.text("etag") {
		t.Errorf("tag %q, want %q", now.etag(), last.text("etag"))
	}
	for i, r := range c.sendLines(strings.Join(lines[:100], ""), 100) {
		if r.want(http.StatusOK).text("etag") != results[i].text("etag") {
			t.Errorf("again %v, first %v", r.fields, results[i].fields)
		}
	}
}

func testWrongLines(t *testing.T, c *client) {
	good := func() string { return createItem(`{"username":"` + unique("line") + `"}`) }
	long := strings.Repeat(" ", 1<<20)
	body := strings.Join([]string{
		good(),
		`{"op":"create","user":{"username":"` + secretValue + `"`,
		``,
		good() + good(),
		`{"op":"create","user":{"username":"a\u0000"}}`,
		"{\"op\":\"create\",\"user\":{\"username\":\"\xff\"}}",
		`{"op":"create","op":"create"}`,
		strings.Repeat("[", 100) + strings.Repeat("]", 100),
		`7`,
		`{"op":"create","user":{"username":""}}`,
		long + good(),
		long[len(good()):] + good(),
		"  \t\r",
		good() + "\r",
		good(),
	}, "\n")
	results := c.sendLines(body, 13)
	type want struct {
		line, status int
		code         string
	}
	for i, w := range []want{
		{1, 201, ""},
		{2, 400, "malformed_body"},
		{4, 400, "malformed_body"},
		{5, 400, "malformed_body"},
		{6, 400, "malformed_body"},
		{7, 400, "malformed_body"},
		{8, 400, "malformed_body"},
		{9, 422, "invalid"},
		{10, 422, "invalid"},
		{11, 413, "too_large"},
		{12, 201, ""},
		{14, 201, ""},
		{15, 201, ""},
	} {
		got := results[i].want(w.status)
		if got.fields["line"] != float64(w.line) || got.text("code") != w.code {
			t.Errorf("result %d is %v, want %v", i, got.fields, w)
		}
		if strings.Contains(got.text("detail"), secretValue) {
			t.Errorf("a result echoes the line: %v", got.fields)
		}
	}
	c.sendLines("\n\n", 0)
}

func testLineHeaders(_ *testing.T, c *client) {
	for _, media := range []string{ndjsonMedia + "; charset=utf-16", "application/ndjson"} {
		c.post("/users:batch", "\n", "Content-Type", media).wantProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
	}
	c.post("/users", "{}\n", "Content-Type", ndjsonMedia).wantProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
	c.post("/users:batch", "\n", "Content-Type", ndjsonMedia, "Idempotency-Key", "k").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/Idempotency-Key")
	c.post("/users:batch", "\n", "Content-Type", ndjsonMedia, "X-Consistency", "nonsense").wantProblem(http.StatusBadRequest, "malformed_token")
	c.with("wrong").post("/users:batch", "\n", "Content-Type", ndjsonMedia).wantProblem(http.StatusUnauthorized, "unauthorized")
}

// testListLines walks a whole list as lines: in the order of ids, everything once,
// each as the entity is shown elsewhere.
func testListLines(t *testing.T, c *client, path string, create func() *reply) {
	made := map[string]string{}
	for range 5 {
		one := create()
		made[one.id()] = strings.TrimSpace(string(one.body))
	}
	for c.session != nil && c.session.owing() {
		c.get("/users?limit=1").want(http.StatusOK)
	}
	answer := c.get(path, "Accept", ndjsonMedia).want(http.StatusOK)
	answer.token()
	var ids []string
	for _, object := range answer.lines() {
		id, _ := object["id"].(string)
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Error("the ids are not in order, or one comes twice")
	}
	for id, body := range made {
		if !slices.Contains(ids, id) || !strings.Contains(string(answer.body), body+"\n") {
			t.Errorf("%s %s is not in the list", path, id)
		}
	}
	middle := ids[len(ids)/2]
	rest := c.get(path+"?after="+middle, "Accept", "text/plain;q=0.5, "+ndjsonMedia).want(http.StatusOK)
	if err := goesOn(rest, middle, ids[len(ids)/2+1:]); err != nil {
		t.Errorf("after line %d of %d: %v", len(ids)/2+1, len(ids), err)
	}
	if none := c.get(path+"?after=ffffffff-ffff-4fff-bfff-ffffffffffff", "Accept", ndjsonMedia).want(http.StatusOK); len(none.body) != 0 {
		t.Errorf("after the last: %s", none.body)
	}
	if head := c.do("HEAD", path, "", "Accept", ndjsonMedia).want(http.StatusOK); head.header.Get("Content-Type") != ndjsonMedia {
		t.Errorf("HEAD: Content-Type %q", head.header.Get("Content-Type"))
	}
	c.get(path+"?after=x", "Accept", ndjsonMedia).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/after")
	c.get(path + "?after=" + middle + "&limit=2").want(http.StatusOK).text("next")
	if !c.target.NoSearch {
		c.get(path+"?sort=name&after="+middle).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/after")
	}
}

// goesOn tells how lines differ from the end of a list behind an id, to which more may
// have come meanwhile.
func goesOn(rest *reply, after string, ids []string) error {
	told := map[string]bool{}
	for _, object := range rest.lines() {
		id, _ := object["id"].(string)
		if id <= after {
			return fmt.Errorf("%s is followed by %s", after, id)
		}
		told[id], after = true, id
	}
	for _, id := range ids {
		if !told[id] {
			return fmt.Errorf("%s is missing", id)
		}
	}
	return nil
}
