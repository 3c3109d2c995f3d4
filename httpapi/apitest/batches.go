package apitest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func testBatches(t *testing.T, c *client) {
	c.run("creates and patches, in order", testBatchInOrder)
	c.run("refusals are the items' own", testBatchRefusals)
	c.run("items that are wrong", testWrongItems)
	c.run("sending it again changes nothing", testBatchAgain)
	c.run("one value, many items", testBatchContention)
	c.run("envelopes", testEnvelopes)
	c.run("headers", testBatchHeaders)
}

// batch sends items and gives their results, each as a reply would be asked.
func (c *client) batch(items ...string) []result {
	c.t.Helper()
	r := c.post("/users:batch", `{"items":[`+strings.Join(items, ",")+`]}`).want(http.StatusOK)
	if r.header.Get("X-Consistency") != "" || r.header.Get("ETag") != "" {
		c.t.Errorf("%s: a token for the whole", r.what)
	}
	return c.results(r.items(), len(items))
}

// result is what came of one item.
type result struct {
	t      *testing.T
	fields map[string]any
}

func (c *client) results(objects []map[string]any, want int) []result {
	c.t.Helper()
	if len(objects) != want {
		c.t.Fatalf("%d results, want %d", len(objects), want)
	}
	results := make([]result, len(objects))
	for i := range objects {
		results[i] = result{c.t, objects[i]}
		if token := results[i].text("consistency"); c.session != nil && token != "" {
			c.session.wrote(&reply{t: c.t, what: "an item", header: http.Header{"X-Consistency": {token}}})
		}
	}
	return results
}

func (r result) text(name string) string { text, _ := r.fields[name].(string); return text }

func (r result) status() int { status, _ := r.fields["status"].(float64); return int(status) }

// want demands a status, and of a success the rest that belongs to it.
func (r result) want(status int) result {
	r.t.Helper()
	if r.status() != status {
		r.t.Fatalf("an item: %v, want status %d", r.fields, status)
	}
	if status < 300 && (!strongTag.MatchString(r.text("etag")) || !tokenText.MatchString(r.text("consistency")) || !uuidText.MatchString(r.text("id"))) {
		r.t.Errorf("an item: incomplete: %v", r.fields)
	}
	return r
}

func (r result) wantProblem(status int, code string, pointers ...string) result {
	r.t.Helper()
	r.want(status)
	if r.text("code") != code || r.text("detail") == "" || r.fields["consistency"] != nil {
		r.t.Errorf("an item: %v, want code %s", r.fields, code)
	}
	found := map[string]bool{}
	errors, _ := r.fields["errors"].([]any)
	for _, e := range errors {
		pointer, _ := e.(map[string]any)["pointer"].(string)
		found[pointer] = true
	}
	for _, pointer := range pointers {
		if !found[pointer] || len(found) != len(pointers) {
			r.t.Errorf("an item: %v, want pointers %q", r.fields, pointers)
		}
	}
	return r
}

func createItem(user string) string { return `{"op":"create","user":` + user + `}` }

func patchItem(id, patch string) string {
	return `{"op":"patch","id":"` + id + `","user":` + patch + `}`
}

func testBatchInOrder(t *testing.T, c *client) {
	id, name := c.newID(), unique("batch")
	results := c.batch(
		createItem(`{"id":"`+id+`","username":"`+name+`"}`),
		createItem(`{"username":"`+unique("batch")+`","email":"`+unique("b")+`@example.org"}`),
		patchItem(id, `{"name":"A"}`),
		patchItem(id, `{"name":"B","username":"`+name+`-2"}`),
		patchItem(id, `{"name":"B"}`),
	)
	for i, status := range []int{201, 201, 200, 200, 200} {
		results[i].want(status)
	}
	if results[3].text("etag") != results[4].text("etag") || results[2].text("etag") == results[3].text("etag") {
		t.Errorf("tags %v, %v and %v", results[2].fields, results[3].fields, results[4].fields)
	}
	for _, r := range results {
		c.get("/users/"+r.text("id"), "X-Consistency", r.text("consistency")).want(http.StatusOK)
	}
	now := c.get("/users/"+id, "X-Consistency", results[4].text("consistency")).want(http.StatusOK)
	if now.text("name") != "B" || now.text("username") != name+"-2" || now.etag() != results[4].text("etag") {
		t.Errorf("in the end %s with %s, want that of %v", now.body, now.etag(), results[4].fields)
	}
	history := c.get("/users/" + id + "/history").want(http.StatusOK).items()
	if len(history) != 3 {
		t.Errorf("%d commits, want 3", len(history))
	}
}

func testBatchRefusals(t *testing.T, c *client) {
	there, other := c.user(), c.user()
	tag := there.etag()
	c.patch(there.path(), `{"name":"moved on"}`).want(http.StatusOK)
	conditional := func(id, tag string) string {
		return `{"op":"patch","id":"` + id + `","ifMatch":` + strconv.Quote(tag) + `,"user":{"name":"conditional"}}`
	}
	results := c.batch(
		createItem(`{"username":"`+there.text("username")+`"}`),
		createItem(`{"id":"`+there.id()+`","username":"`+unique("other")+`"}`),
		patchItem(c.newID(), `{"name":"x"}`),
		conditional(there.id(), tag),
		patchItem(there.id(), `{"username":"`+other.text("username")+`"}`),
		createItem(`{"username":"`+unique("good")+`"}`),
		conditional(other.id(), other.etag()),
		conditional(other.id(), "*"),
	)
	results[0].wantProblem(http.StatusConflict, "username_taken", "/user/username")
	results[1].wantProblem(http.StatusConflict, "id_taken", "/user/id")
	results[2].wantProblem(http.StatusNotFound, "not_found")
	results[3].wantProblem(http.StatusPreconditionFailed, "precondition_failed")
	if now := c.get(there.path()).want(http.StatusOK); results[3].text("etag") != now.etag() {
		t.Errorf("412 with tag %q, want %q", results[3].text("etag"), now.etag())
	}
	results[4].wantProblem(http.StatusConflict, "username_taken", "/user/username")
	results[5].want(http.StatusCreated)
	results[6].want(http.StatusOK)
	results[7].want(http.StatusOK)
}

func testWrongItems(t *testing.T, c *client) {
	id := c.user().id()
	wrong := []struct {
		item     string
		pointers []string
	}{
		{`7`, []string{""}},
		{`null`, []string{""}},
		{`[]`, []string{""}},
		{`{}`, []string{"/op"}},
		{`{"op":"delete","id":"` + id + `"}`, []string{"/op"}},
		{`{"op":7}`, []string{"/op"}},
		{`{"op":"create"}`, []string{"/user"}},
		{`{"op":"create","user":null}`, []string{"/user"}},
		{`{"op":"create","user":[]}`, []string{"/user"}},
		{`{"op":"create","user":{}}`, []string{"/user/username"}},
		{`{"op":"create","id":"` + id + `","ifMatch":"*","user":{"username":"x"}}`, []string{"/id", "/ifMatch"}},
		{`{"op":"create","user":{"username":"a b","email":"x","zzz":1,"attributes":{"a/b":{}}}}`, []string{"/user/username", "/user/email", "/user/zzz", "/user/attributes/a~1b"}},
		{`{"op":"create","user":{"username":"x"},"User":1}`, []string{"/User"}},
		{`{"op":"patch","user":{}}`, []string{"/id"}},
		{`{"op":"patch","id":"x","user":{"name":""}}`, []string{"/id", "/user/name"}},
		{`{"op":"patch","id":7,"ifMatch":7}`, []string{"/id", "/ifMatch", "/user"}},
		{`{"op":"patch","id":"` + id + `","user":{"id":"` + id + `","username":null}}`, []string{"/user/id", "/user/username"}},
		{createItem(strings.Replace(manyAttributes(65), "{", `{"username":"`+unique("never")+`",`, 1)), []string{"/user/attributes"}},
	}
	var items []string
	for _, w := range wrong {
		items = append(items, w.item)
	}
	results := c.batch(append(items, createItem(`{"username":"`+unique("good")+`"}`))...)
	for i, w := range wrong {
		results[i].wantProblem(http.StatusUnprocessableEntity, "invalid", w.pointers...)
	}
	results[len(wrong)].want(http.StatusCreated)
	echo := c.post("/users:batch", `{"items":[{"op":"`+secretValue+`","user":{"username":"`+secretValue+` x"}},{"op":"create","user":{"username":"`+secretValue+` x"}}]}`).want(http.StatusOK)
	if strings.Contains(string(echo.body), secretValue) {
		t.Errorf("a result echoes values: %s", echo.body)
	}
}

func testBatchAgain(t *testing.T, c *client) {
	var items []string
	for range 20 {
		items = append(items, createItem(`{"id":"`+c.newID()+`","username":"`+unique("again")+`"}`))
	}
	first := c.batch(items[:10]...) // cut off here
	c.patch("/users/"+first[0].want(http.StatusCreated).text("id"), `{"name":"later"}`).want(http.StatusOK)
	again := c.batch(items...)
	for i := range items {
		switch {
		case i >= 10:
			again[i].want(http.StatusCreated)
		case again[i].want(http.StatusOK).text("etag") != first[i].text("etag") || again[i].text("consistency") != first[i].text("consistency"):
			t.Errorf("again %v, first %v", again[i].fields, first[i].fields)
		}
	}
	for _, r := range again {
		want := 1
		if r.text("id") == first[0].text("id") {
			want = 2
		}
		if history := c.get("/users/" + r.text("id") + "/history").want(http.StatusOK).items(); len(history) != want {
			t.Errorf("%d commits, want %d", len(history), want)
		}
	}
}

// testBatchContention has many items want one value, or change one user: the
// first has it, and the user ends as the last says.
func testBatchContention(t *testing.T, c *client) {
	name, user := unique("wanted"), c.user()
	many := 20
	if c.target.Behind {
		many = 6 // in a row, within the time of a request, on slow servers
	}
	var items []string
	for i := range many {
		items = append(items,
			createItem(fmt.Sprintf(`{"username":"%s","name":"%d"}`, name, i)),
			patchItem(user.id(), fmt.Sprintf(`{"externalId":"%s-%d"}`, name, i)))
	}
	results := c.batch(items...)
	results[0].want(http.StatusCreated)
	for i, r := range results {
		switch {
		case i%2 == 1:
			r.want(http.StatusOK)
		case i > 0:
			r.wantProblem(http.StatusConflict, "username_taken", "/user/username")
		}
	}
	now := c.get(user.path(), "X-Consistency", results[len(results)-1].text("consistency")).want(http.StatusOK)
	if now.text("externalId") != fmt.Sprintf("%s-%d", name, many-1) {
		t.Errorf("in the end %s", now.body)
	}
}

func testEnvelopes(_ *testing.T, c *client) {
	send := func(body string, headers ...string) *reply { return c.post("/users:batch", body, headers...) }
	for _, body := range malformed() {
		send(body).wantProblem(http.StatusBadRequest, "malformed_body")
		send(`{"items":[`+body+`]`).wantProblem(http.StatusBadRequest, "malformed_body")
	}
	for _, body := range []string{`[]`, `7`, `null`} {
		send(body).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("")
	}
	send(`{}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/items")
	send(`{"items":{}}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/items")
	send(`{"items":[],"more":1}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/more")
	name := unique("never")
	many := func(n int) string {
		return `{"items":[` + createItem(`{"username":"`+name+`"}`) + strings.Repeat(`,7`, n-1) + `]}`
	}
	send(many(1001)).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/items")
	if found := c.get("/users?username=" + name).want(http.StatusOK).items(); len(found) != 0 {
		c.t.Error("a batch that was refused did something")
	}
	send(many(1000)).want(http.StatusOK)
	send(`{"items":[]}`).want(http.StatusOK)
	send(`{"items":[]` + strings.Repeat(" ", 8<<20-12) + `}`).want(http.StatusOK)
	send(`{"items":[]`+strings.Repeat(" ", 8<<20)+`}`).wantProblem(http.StatusRequestEntityTooLarge, "too_large")
	for _, media := range []string{"text/plain", "application/json; charset=utf-16", "application/merge-patch+json", ""} {
		send(`{"items":[]}`, "Content-Type", media).wantProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
	}
	send(`{"items":[]}`, "Content-Type", "application/json; charset=UTF-8").want(http.StatusOK)
}

func testBatchHeaders(_ *testing.T, c *client) {
	body := `{"items":[` + createItem(`{"username":"`+unique("never")+`"}`) + `]}`
	c.post("/users:batch", body, "Idempotency-Key", unique("once")).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/Idempotency-Key")
	c.post("/users:batch", body, "If-Match", "*").wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/If-Match")
	c.post("/users:batch", body, "X-Consistency", "nonsense").wantProblem(http.StatusBadRequest, "malformed_token")
	c.post("/users:batch?dry=1", body).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/dry")
	c.post("/users:batch", body, "X-Consistency", c.user().token()).want(http.StatusOK)
}
