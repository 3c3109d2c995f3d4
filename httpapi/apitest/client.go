package apitest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// client makes requests in the words of the tests, and checks what holds for
// every answer.
type client struct {
	t        *testing.T
	target   *Target
	document *document
	key      string   // none if empty
	session  *session // nil where reads are current by themselves
}

// run begins a subtest with a client of its own.
func (c *client) run(name string, test func(t *testing.T, c *client)) {
	c.t.Run(name, func(t *testing.T) {
		own := *c
		own.t = t
		test(t, &own)
	})
}

// with is the client with another key.
func (c *client) with(key string) *client {
	other := *c
	other.key = key
	return &other
}

// reply is an answer and what it answers.
type reply struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   []byte
	// late tells that what a read needs, or who asks, is not there in time.
	late bool
}

// checkPath is where questions are posted: it reads.
const checkPath = "/groups:check"

const (
	jsonMedia    = "application/json"
	patchMedia   = "application/merge-patch+json"
	problemMedia = "application/problem+json"
	ndjsonMedia  = "application/x-ndjson"
	eventMedia   = "text/event-stream"
)

func (c *client) get(path string, headers ...string) *reply { return c.do("GET", path, "", headers...) }

func (c *client) delete(path string, headers ...string) *reply {
	return c.do("DELETE", path, "", headers...)
}

func (c *client) put(path string, headers ...string) *reply { return c.do("PUT", path, "", headers...) }

func (c *client) post(path, body string, headers ...string) *reply {
	return c.do("POST", path, body, append([]string{"Content-Type", jsonMedia}, headers...)...)
}

func (c *client) patch(path, body string, headers ...string) *reply {
	return c.do("PATCH", path, body, append([]string{"Content-Type", patchMedia}, headers...)...)
}

// lateTime bounds how long a request is made again that is answered that what it
// needs is not there in time, by a service whose servers are slow.
const lateTime = time.Minute

// do makes a request; headers are names and values in turns, and a name may come
// more than once. Content-Type given twice is replaced. Where views follow the store
// a request that comes too early for them is made again, as its answer asks for.
func (c *client) do(method, path, body string, headers ...string) *reply {
	c.t.Helper()
	r := c.once(method, path, body, headers...)
	for began := time.Now(); c.target.Behind && r.late && time.Since(began) < lateTime; {
		seconds, _ := strconv.Atoi(r.header.Get("Retry-After"))
		time.Sleep(time.Duration(seconds) * time.Second)
		r = c.once(method, path, body, headers...)
	}
	return r
}

func (c *client) once(method, path, body string, headers ...string) *reply {
	c.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.target.url()+path, reader)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Content-Type" {
			request.Header.Del(headers[i])
		}
		request.Header.Add(headers[i], headers[i+1])
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	read := method == http.MethodGet || method == http.MethodHead || path == checkPath
	var sent eventstream.Token
	switch {
	case c.session == nil || !read || request.Header.Get("Authorization") == "":
	case len(request.Header["X-Consistency"]) == 0:
		sent = c.session.add(request)
	case request.Header.Get("Prefer") == "":
		request.Header.Set("Prefer", longestWait)
	}
	response, err := c.target.Client.Do(request)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("%s %s: read the answer: %v", method, path, err)
	}
	r := &reply{t: c.t, what: method + " " + path, status: response.StatusCode, header: response.Header, body: content}
	c.checkAnswer(method, request.URL.Path, r)
	if r.status == http.StatusServiceUnavailable && method != http.MethodHead {
		code := r.text("code")
		r.late = code == "view_behind" && (read || c.key != c.target.AdminKey) || code == "unavailable" && read && searches(request)
	}
	switch {
	case c.session == nil || r.status >= 300 && r.status != http.StatusNotFound && r.status != http.StatusNotModified:
	case read:
		c.session.shown(request, sent)
	default:
		c.session.wrote(r)
	}
	if r.status < 300 && body != "" && request.Header.Get("Content-Type") != ndjsonMedia {
		if err := c.document.checkBody(method, request.URL.Path, body); err != nil {
			c.t.Errorf("%s: a body was accepted that is not as the document says: %v\n%s", r.what, err, body)
		}
	}
	return r
}

// checkAnswer checks what holds for every answer.
func (c *client) checkAnswer(method, path string, r *reply) {
	c.t.Helper()
	if r.header.Get("X-Request-Id") == "" {
		c.t.Errorf("%s: no X-Request-Id", r.what)
	}
	if r.status >= 400 && method != http.MethodHead && r.header.Get("Content-Type") == problemMedia {
		r.checkProblem()
	}
	if r.status == http.StatusServiceUnavailable && r.header.Get("Retry-After") == "" {
		c.t.Errorf("%s: 503 without Retry-After", r.what)
	}
	if err := c.document.check(method, path, r); err != nil {
		c.t.Errorf("%s: status %d: not as the document says: %v\n%s", r.what, r.status, err, r.body)
	}
}

// checkProblem checks a problem's members (RFC 9457).
func (r *reply) checkProblem() {
	r.t.Helper()
	var problem struct {
		Type, Title, Detail, Code string
		Status                    int
	}
	if err := json.Unmarshal(r.body, &problem); err != nil {
		r.t.Errorf("%s: problem is not JSON: %v", r.what, err)
	}
	if problem.Status != r.status || problem.Type == "" || problem.Title == "" || problem.Detail == "" || problem.Code == "" {
		r.t.Errorf("%s: status %d: incomplete problem: %s", r.what, r.status, r.body)
	}
}

// want demands a status.
func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: status %d, want %d\n%s", r.what, r.status, status, r.body)
	}
	return r
}

// wantProblem demands a problem, by status and code.
func (r *reply) wantProblem(status int, code string) *reply {
	r.t.Helper()
	r.want(status)
	if got := r.header.Get("Content-Type"); got != problemMedia {
		r.t.Fatalf("%s: status %d with Content-Type %q, want a problem", r.what, r.status, got)
	}
	if got := r.text("code"); got != code {
		r.t.Fatalf("%s: code %q, want %q\n%s", r.what, got, code, r.body)
	}
	return r
}

// wantPointers demands that the problem names exactly these values.
func (r *reply) wantPointers(pointers ...string) *reply {
	r.t.Helper()
	found := map[string]bool{}
	for _, e := range r.list("errors") {
		pointer, _ := e["pointer"].(string)
		found[pointer] = true
		if e["detail"] == "" {
			r.t.Errorf("%s: no detail for %s", r.what, pointer)
		}
	}
	for _, pointer := range pointers {
		if !found[pointer] {
			r.t.Errorf("%s: no error points to %s\n%s", r.what, pointer, r.body)
		}
	}
	if len(found) != len(pointers) {
		r.t.Errorf("%s: %d errors, want %d\n%s", r.what, len(found), len(pointers), r.body)
	}
	return r
}

// object is the body.
func (r *reply) object() map[string]any {
	r.t.Helper()
	var object map[string]any
	if err := json.Unmarshal(r.body, &object); err != nil {
		r.t.Fatalf("%s: the body is no JSON object: %v\n%s", r.what, err, r.body)
	}
	return object
}

// text is a member that is a string, empty if it is absent.
func (r *reply) text(name string) string {
	r.t.Helper()
	text, _ := r.object()[name].(string)
	return text
}

// list is a member that is an array of objects.
func (r *reply) list(name string) []map[string]any {
	r.t.Helper()
	elements, _ := r.object()[name].([]any)
	list := make([]map[string]any, len(elements))
	for i := range elements {
		list[i], _ = elements[i].(map[string]any)
	}
	return list
}

func (r *reply) items() []map[string]any { r.t.Helper(); return r.list("items") }

// ids are those of the items, by a member's name.
func (r *reply) ids(name string) []string {
	r.t.Helper()
	var ids []string
	for _, item := range r.items() {
		id, _ := item[name].(string)
		ids = append(ids, id)
	}
	return ids
}

var (
	strongTag   = regexp.MustCompile(`^"[A-Za-z0-9_-]+"$`)
	tokenText   = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	instantText = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
	uuidText    = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
)

// etag is the answer's entity tag, which must be a strong one.
func (r *reply) etag() string {
	r.t.Helper()
	tag := r.header.Get("ETag")
	if !strongTag.MatchString(tag) {
		r.t.Fatalf("%s: status %d with ETag %q, want a strong tag", r.what, r.status, tag)
	}
	return tag
}

// token is the answer's X-Consistency.
func (r *reply) token() string {
	r.t.Helper()
	token := r.header.Get("X-Consistency")
	if !tokenText.MatchString(token) {
		r.t.Fatalf("%s: status %d with X-Consistency %q, want a token", r.what, r.status, token)
	}
	return token
}

// unique makes a name that nobody has.
func unique(prefix string) string {
	var random [6]byte
	_, _ = rand.Read(random[:])
	return prefix + "-" + hex.EncodeToString(random[:])
}

// user creates a user who has only a name.
func (c *client) user() *reply {
	c.t.Helper()
	return c.post("/users", `{"username":"`+unique("user")+`"}`).want(http.StatusCreated)
}

// group creates a group.
func (c *client) group() *reply {
	c.t.Helper()
	return c.post("/groups", `{"name":"`+unique("group")+`"}`).want(http.StatusCreated)
}

// path is where the created entity is.
func (r *reply) path() string {
	r.t.Helper()
	location := r.header.Get("Location")
	if location == "" {
		r.t.Fatalf("%s: no Location", r.what)
	}
	return location
}

func (r *reply) id() string { r.t.Helper(); return r.text("id") }
