package apitest

import (
	"net/http"
	"net/url"
	"testing"
)

func testPast(t *testing.T, c *client) {
	for _, kind := range []struct {
		path, field string
		made        *reply
	}{
		{"/users", "name", c.user()},
		{"/groups", "description", c.group()},
	} {
		c.run(kind.path, func(t *testing.T, c *client) {
			path := kind.made.path()
			second := c.patch(path, `{"`+kind.field+`":"two"}`).want(http.StatusOK)
			third := c.patch(path, `{"`+kind.field+`":"three","attributes":{"a":1}}`).want(http.StatusOK)
			history := c.get(path + "/history").want(http.StatusOK)
			history.token()
			items := history.items()
			if len(items) != 3 {
				t.Fatalf("%d commits, want 3", len(items))
			}
			for i, item := range items {
				if item["seq"] != float64(i+1) || item["actor"] == "" || !uuidText.MatchString(item["commandId"].(string)) || !instantText.MatchString(item["time"].(string)) {
					t.Errorf("commit %d: %v", i+1, item)
				}
			}
			event, _ := items[1]["events"].([]any)[0].(map[string]any)
			data, _ := event["data"].(map[string]any)
			if len(items[1]["events"].([]any)) != 1 || data[kind.field] != "two" {
				t.Errorf("the second commit's events: %v", items[1]["events"])
			}
			for seq, want := range map[string]*reply{"1": kind.made, "2": second, "3": third} {
				got := c.get(path + "?seq=" + seq).want(http.StatusOK)
				if string(got.body) != string(want.body) || got.etag() != want.etag() {
					t.Errorf("?seq=%s: %s, want %s", seq, got.body, want.body)
				}
			}
			at := url.QueryEscape(items[2]["time"].(string))
			if got := c.get(path + "?at=" + at).want(http.StatusOK); string(got.body) != string(third.body) {
				t.Errorf("?at=%s: %s, want %s", at, got.body, third.body)
			}
			if got := c.get(path + "?at=9999-01-01T00:00:00%2B01:00").want(http.StatusOK); string(got.body) != string(third.body) {
				t.Errorf("far in the future: %s", got.body)
			}
			c.get(path+"?at=2000-01-01T00:00:00Z").wantProblem(http.StatusNotFound, "not_found")
			c.get(path+"?seq=4").wantProblem(http.StatusNotFound, "not_found")
			c.get(path+"?seq=1", "If-None-Match", kind.made.etag()).want(http.StatusNotModified)
			for _, bad := range []string{"seq=0", "seq=-1", "seq=x", "seq="} {
				c.get(path+"?"+bad).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/seq")
			}
			for _, bad := range []string{"at=yesterday", "at=2026-01-01", "at=2099-01-01T0:00:00Z", "at=2099-01-01T00:00:00,5Z", "at="} {
				c.get(path+"?"+bad).wantProblem(http.StatusUnprocessableEntity, "invalid").wantPointers("/at")
			}
			c.get(path+"?seq=1&at=2026-01-01T00:00:00Z").wantProblem(http.StatusUnprocessableEntity, "invalid")
		})
	}
}
