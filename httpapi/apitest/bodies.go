package apitest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const secretValue = "Never-Echo-This-Value"

func testBodies(t *testing.T, c *client) {
	user, group := c.user(), c.group()
	writes := []struct {
		name string
		send func(c *client, body string, headers ...string) *reply
	}{
		{"POST user", func(c *client, body string, headers ...string) *reply { return c.post("/users", body, headers...) }},
		{"PATCH user", func(c *client, body string, headers ...string) *reply { return c.patch(user.path(), body, headers...) }},
		{"POST group", func(c *client, body string, headers ...string) *reply { return c.post("/groups", body, headers...) }},
		{"PATCH group", func(c *client, body string, headers ...string) *reply { return c.patch(group.path(), body, headers...) }},
		{"POST members", func(c *client, body string, headers ...string) *reply {
			return c.post(group.path()+"/members", body, headers...)
		}},
		{"POST key", func(c *client, body string, headers ...string) *reply { return c.post("/keys", body, headers...) }},
	}
	for _, write := range writes {
		c.run(write.name, func(t *testing.T, c *client) {
			for name, body := range malformed() {
				refused := write.send(c, body).wantProblem(http.StatusBadRequest, "malformed_body")
				if strings.Contains(string(refused.body), secretValue) {
					t.Errorf("%s: the problem echoes the body: %s", name, refused.body)
				}
			}
			for _, body := range []string{`[]`, `"` + secretValue + `"`, `7`, `null`, `true`} {
				write.send(c, body).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("")
			}
			write.send(c, `{"unknown":1}`).wantProblem(http.StatusUnprocessableEntity, "invalid")
			write.send(c, `{"`+secretValue+``+strings.Repeat("x", 3000)+`":1}`).wantProblem(http.StatusUnprocessableEntity, "invalid")
			tooLarge := `{"name":"` + strings.Repeat("x", 1<<20) + `"}`
			write.send(c, tooLarge).wantProblem(http.StatusRequestEntityTooLarge, "too_large")
			for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", ""} {
				write.send(c, `{}`, "Content-Type", media).wantProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
			}
		})
	}
	c.run("fields of a user", testUserFields)
	c.run("fields of a group", testGroupFields)
	c.run("almost too large is not", func(_ *testing.T, c *client) {
		c.patch(user.path(), `{"name":"x"`+strings.Repeat(" ", 1<<20-12)+`}`).want(http.StatusOK)
	})
}

// refusesBodies sends a route that reads nothing what it does not take.
func (c *client) refusesBodies(path string) {
	c.t.Helper()
	c.post(path, `{"x":"`+strings.Repeat("x", 1<<20)+`"}`).wantProblem(http.StatusRequestEntityTooLarge, "too_large")
	c.post(path, `{}`, "Content-Type", "text/plain").wantProblem(http.StatusUnsupportedMediaType, "unsupported_media_type")
}

// malformed are bodies that are no JSON that anybody should take.
func malformed() map[string]string {
	return map[string]string{
		"nothing but space":       "  ",
		"cut":                     `{"username":"` + secretValue + `"`,
		"trailing text":           `{"username":"` + secretValue + `"}x`,
		"two values":              `{}{}`,
		"trailing comma":          `{"username":"` + secretValue + `",}`,
		"single quotes":           `{'username':'` + secretValue + `'}`,
		"a comment":               `{/* */}`,
		"NaN":                     `{"active":NaN}`,
		"leading zero":            `{"active":01}`,
		"not UTF-8":               "{\"username\":\"\xff\xfe" + secretValue + "\"}",
		"overlong UTF-8":          "{\"username\":\"\xc0\x80\"}",
		"a surrogate alone":       `{"username":"\ud800"}`,
		"surrogates in disorder":  `{"username":"\udc00\ud800"}`,
		"NUL":                     `{"username":"a\u0000b"}`,
		"NUL in a name":           `{"a\u0000":1}`,
		"NUL after a backslash":   `{"username":"\\\u0000"}`,
		"a raw NUL":               "{\"username\":\"a\x00b\"}",
		"a raw line break":        "{\"username\":\"a\nb\"}",
		"a name twice":            `{"username":"a","username":"b"}`,
		"a name twice, escaped":   `{"username":"a","usern\u0061me":"b"}`,
		"a name twice, deeper":    `{"attributes":{"a":1,"a":2}}`,
		"deep":                    `{"attributes":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
		"very deep":               strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000),
		"deep and open":           strings.Repeat("[", 100_000),
		"a byte order mark":       "\ufeff{}",
		"UTF-16":                  "\xff\xfe{\x00}\x00",
		"a form":                  "username=" + secretValue,
		"an unescaped control":    "{\"username\":\"a\x01b\"}",
		"an escape that is none":  `{"username":"\x41"}`,
		"a number that is none":   `{"active":1.}`,
		"a literal that is none":  `{"active":True}`,
		"an object without colon": `{"active" true}`,
	}
}

// manyAttributes is a body with so many of them.
func manyAttributes(n int) string {
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprintf(`"a%d":%d`, i, i))
	}
	return `{"attributes":{` + strings.Join(parts, ",") + `}}`
}

// wrongUserFields are bodies of users, and what is wrong with each.
func wrongUserFields() map[string][]string {
	long := func(n int) string { return strings.Repeat("x", n) }
	return map[string][]string{
		`{"username":null}`:                         {"/username"},
		`{"username":""}`:                           {"/username"},
		`{"username":"a b"}`:                        {"/username"},
		`{"username":"` + long(129) + `"}`:          {"/username"},
		`{"username":7}`:                            {"/username"},
		`{"username":["a"]}`:                        {"/username"},
		`{"username":{"a":"b"}}`:                    {"/username"},
		`{"active":null}`:                           {"/active"},
		`{"active":"true"}`:                         {"/active"},
		`{"active":1}`:                              {"/active"},
		`{"email":"nobody"}`:                        {"/email"},
		`{"email":""}`:                              {"/email"},
		`{"email":"a b@example.org"}`:               {"/email"},
		`{"email":"` + long(255) + `@example.org"}`: {"/email"},
		`{"name":""}`:                               {"/name"},
		`{"name":"  "}`:                             {"/name"},
		`{"name":"a\nb"}`:                           {"/name"},
		`{"name":"` + long(257) + `"}`:              {"/name"},
		`{"givenName":7,"familyName":false,"externalId":[]}`:               {"/givenName", "/familyName", "/externalId"},
		`{"externalId":"` + long(257) + `"}`:                               {"/externalId"},
		`{"createdAt":"2026-11-22T07:00:00.000Z","updatedAt":null}`:        {"/createdAt", "/updatedAt"},
		`{"Name":"x","user name":1,"a/b~c":2}`:                             {"/Name", "/user name", "/a~1b~0c"},
		`{"attributes":[]}`:                                                {"/attributes"},
		`{"attributes":"x"}`:                                               {"/attributes"},
		`{"attributes":{"a":{}}}`:                                          {"/attributes/a"},
		`{"attributes":{"a":[[]]}}`:                                        {"/attributes/a"},
		`{"attributes":{"a":[null]}}`:                                      {"/attributes/a"},
		`{"attributes":{"a/b":{},"":1,"` + long(129) + `":1}}`:             {"/attributes/a~1b", "/attributes/", "/attributes/" + long(128) + "…"},
		manyAttributes(65):                                                 {"/attributes"},
		`{"attributes":{"a":"` + long(17<<10) + `"}}`:                      {"/attributes"},
		`{"email":"x","name":"","active":7,"zzz":1,"attributes":{"b":{}}}`: {"/email", "/name", "/active", "/zzz", "/attributes/b"},
	}
}

func testUserFields(t *testing.T, c *client) {
	made := c.user()
	for body, pointers := range wrongUserFields() {
		c.patch(made.path(), body).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers(pointers...)
		if !strings.Contains(body, `"username"`) {
			c.post("/users", `{"username":"`+unique("never")+`",`+body[1:]).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers(pointers...)
		}
	}
	c.patch(made.path(), `{"id":"`+made.id()+`"}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/id")
	c.post("/users", `{}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/username")
	c.post("/users", `{"username":null,"email":"x"}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/username", "/email")
	c.post("/users", `{"email":"x"}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/username", "/email")
	refused := c.post("/users", `{"username":"`+secretValue+` x","email":"`+secretValue+`","active":"`+secretValue+`"}`).wantProblem(http.StatusUnprocessableEntity, "invalid")
	if strings.Contains(string(refused.body), secretValue) {
		t.Errorf("the problem echoes values: %s", refused.body)
	}
	c.patch(made.path(), `{"name":"\\u0000"}`).want(http.StatusOK)
	c.patch(made.path(), manyAttributes(64)).want(http.StatusOK)
	c.patch(made.path(), `{"attributes":{"one more":1}}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/attributes")
	if now := c.get(made.path()).want(http.StatusOK).object(); len(now["attributes"].(map[string]any)) != 64 {
		t.Errorf("%d attributes, want 64", len(now["attributes"].(map[string]any)))
	}
}

func testGroupFields(_ *testing.T, c *client) {
	made := c.group()
	for body, pointers := range map[string][]string{
		`{"name":null}`:              {"/name"},
		`{"name":""}`:                {"/name"},
		`{"name":7,"description":7}`: {"/name", "/description"},
		`{"username":"x"}`:           {"/username"},
		`{"name":"` + strings.Repeat("x", 257) + `"}`:         {"/name"},
		`{"description":"` + strings.Repeat("x", 1025) + `"}`: {"/description"},
		`{"createdAt":1,"members":[]}`:                        {"/createdAt", "/members"},
	} {
		c.patch(made.path(), body).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers(pointers...)
	}
	c.post("/groups", `{"description":"x"}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/name")
	c.post("/groups", `{"description":""}`).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/name", "/description")
}
