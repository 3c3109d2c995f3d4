package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
)

func TestAccessLogTellsWhatHappenedAndNothingOfWhom(t *testing.T) {
	var told []httpapi.Access
	d := newDirectory(t, wiring{})
	quiet := d.handler(t, nil)
	handler := d.handler(t, func(c *httpapi.Config) { c.AccessLog = func(a *httpapi.Access) { told = append(told, *a) } })
	secret := keyFor(t, quiet, `["read","write"]`)
	_, rest, _ := strings.Cut(secret, "_")
	keyID, _, _ := strings.Cut(rest, "_")
	ask(handler, "POST", "/users", `{"username":"marge","email":"marge@example.org"}`, "X-Request-Id", "one")
	askAs(handler, secret, "GET", "/users?email=marge@example.org&limit=7")
	ask(handler, "GET", "/users/marge@example.org", "", "User-Agent", "marge@example.org")
	ask(handler, "GET", "/marge@example.org", "", "X-Request-Id", "marge@example.org")
	ask(handler, "POST", "/users", `{"username":"marge"}`)
	ask(handler, "POST", "/users", `{"email":"marge@@"}`)
	ask(handler, "GET", "/keys", "", "Authorization", "Bearer "+secret+"x")

	text := fmt.Sprint(told)
	for _, never := range []string{"marge", "example.org", secret, adminKey, "limit", "idk_"} {
		if strings.Contains(text, never) {
			t.Errorf("the access log holds %q:\n%s", never, text)
		}
	}
	for i := range told {
		a := &told[i]
		if a.Took <= 0 || a.Request == "" || a.Bytes == 0 || time.Since(a.At) > time.Minute {
			t.Errorf("told of %+v", a)
		}
		a.Took, a.Bytes, a.At = 0, 0, time.Time{}
		if a.Request != "one" {
			a.Request = ""
		}
	}
	want := []httpapi.Access{
		{Route: "POST /users", Status: 201, Actor: "admin", Request: "one"},
		{Route: "GET /users", Status: 200, Actor: "key/" + keyID},
		{Route: "GET /users/{id}", Status: 404, Actor: "admin"},
		{Route: "none", Status: 404},
		{Route: "POST /users", Status: 409, Actor: "admin"},
		{Route: "POST /users", Status: 422, Actor: "admin"},
		{Route: "GET /keys", Status: 401},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestMetricsAreByRoute(t *testing.T) {
	registry := prometheus.NewRegistry()
	d := newDirectory(t, wiring{})
	handler := d.handler(t, func(c *httpapi.Config) { c.Registry = registry })
	ask(handler, "GET", "/users/nobody", "")
	ask(handler, "GET", "/users/somebody", "")
	ask(handler, "HEAD", "/users/somebody", "")
	ask(handler, "BREW", "/users/somebody", "")
	ask(handler, "GET", "/nothing/at/all", "")
	want := map[string]uint64{"GET /users/{id} 404": 3, "none none 405": 1, "none none 404": 1}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, family := range families {
		if family.GetName() == "identity_http_requests_in_flight" && family.GetMetric()[0].GetGauge().GetValue() != 0 {
			t.Errorf("in flight: %v", family.GetMetric()[0])
		}
		if family.GetName() != "identity_http_request_seconds" {
			continue
		}
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() { // by name: method, route, status
				labels = append(labels, label.GetValue())
			}
			got[strings.Join(labels, " ")] = metric.GetHistogram().GetSampleCount()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestMetricsNeedAKeyUnlessPublic(t *testing.T) {
	d := newDirectory(t, wiring{})
	private := d.handler(t, func(c *httpapi.Config) { c.Registry = prometheus.NewRegistry() })
	public := d.handler(t, func(c *httpapi.Config) { c.Registry, c.PublicMetrics = prometheus.NewRegistry(), true })
	without := d.handler(t, nil)
	reader, writer := keyFor(t, private, `["read"]`), keyFor(t, private, `["write"]`)
	for _, test := range []struct {
		name    string
		handler http.Handler
		key     string
		status  int
	}{
		{"private, no key", private, "", 401},
		{"private, read", private, reader, 200},
		{"private, write", private, writer, 403},
		{"public", public, "", 200},
		{"none", without, reader, 404},
	} {
		answer := askAs(test.handler, test.key, "GET", "/metrics")
		if answer.Code != test.status {
			t.Errorf("%s: status %d, want %d", test.name, answer.Code, test.status)
		}
		if answer.Code == 200 && !strings.Contains(answer.Body.String(), "identity_http_requests_in_flight") {
			t.Errorf("%s: %s", test.name, answer.Body)
		}
	}
}

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	parent  = "00-" + traceID + "-00f067aa0ba902b7-01"
)

func TestTracesGoOn(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	d := newDirectory(t, wiring{})
	handler := d.handler(t, func(c *httpapi.Config) { c.TracerProvider = provider })
	ask(handler, "GET", "/users/nobody", "", "traceparent", parent)
	ask(handler, "GET", "/nothing", "")
	got := spans.GetSpans()
	if len(got) != 1 {
		t.Fatalf("%d spans, want 1: what no route takes has none", len(got))
	}
	span := got[0]
	if span.Name != "GET /users/{id}" || span.SpanContext.TraceID().String() != traceID || span.Parent.SpanID().String() != "00f067aa0ba902b7" {
		t.Errorf("span %s in trace %s, parent %s", span.Name, span.SpanContext.TraceID(), span.Parent.SpanID())
	}
	attributes := map[string]any{}
	for _, attribute := range span.Attributes {
		attributes[string(attribute.Key)] = attribute.Value.AsInterface()
	}
	want := map[string]any{"http.request.method": "GET", "http.route": "/users/{id}", "http.response.status_code": int64(404)}
	if diff := cmp.Diff(want, attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func TestCommitsTellWhoAndWhichTrace(t *testing.T) {
	d := newDirectory(t, wiring{})
	handler := d.handler(t, nil)
	secret := keyFor(t, handler, `["write"]`)
	for _, test := range []struct {
		name, actor, correlation string
		headers                  []string
	}{
		{"a trace", "admin", traceID, []string{"traceparent", parent}},
		{"a request id", "admin", "abc-1", []string{"X-Request-Id", "abc-1"}},
		{"both", "admin", traceID, []string{"traceparent", parent, "X-Request-Id", "abc-1"}},
		{"a bad trace", "admin", "abc-2", []string{"traceparent", "00-0-0-0", "X-Request-Id", "abc-2"}},
		{"a key", "key/" + strings.Split(secret, "_")[1], "abc-3", []string{"Authorization", "Bearer " + secret, "X-Request-Id", "abc-3"}},
	} {
		answer := ask(handler, "POST", "/users", `{"username":"u`+strings.ReplaceAll(test.name, " ", "-")+`"}`, test.headers...)
		id, err := domain.ParseID[domain.User](idOf(t, answer.Body.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		commit, err := d.streams.At(t.Context(), eventstream.Position{Stream: eventstream.UserStream(id.UUID), Seq: 1})
		if err != nil || commit.Actor != test.actor || commit.Correlation != test.correlation {
			t.Errorf("%s: actor %q, correlation %q, %v", test.name, commit.Actor, commit.Correlation, err)
		}
	}
}

func idOf(t *testing.T, body []byte) string {
	t.Helper()
	var entity struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(body, &entity); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return entity.ID
}

func TestRateLimitIsPerKey(t *testing.T) {
	d := newDirectory(t, wiring{})
	open := d.handler(t, nil)
	one, two := keyFor(t, open, `["read"]`), keyFor(t, open, `["read"]`)
	handler := d.handler(t, func(c *httpapi.Config) { c.RateLimit = httpapi.RateLimit{Requests: 3, Window: time.Hour} })
	for range 3 {
		if answer := askAs(handler, one, "GET", "/users"); answer.Code != http.StatusOK {
			t.Fatalf("within the limit: status %d", answer.Code)
		}
	}
	answer := askAs(handler, one, "GET", "/users")
	if problem := problemOf(t, answer.Body.Bytes()); answer.Code != http.StatusTooManyRequests || problem.Code != "rate_limited" || answer.Header().Get("Retry-After") == "" {
		t.Errorf("beyond the limit: %d %v %s", answer.Code, answer.Header(), answer.Body)
	}
	if answer := askAs(handler, two, "GET", "/users"); answer.Code != http.StatusOK {
		t.Errorf("another key: status %d", answer.Code)
	}
	for range 3 {
		if answer := askAs(handler, "wrong", "GET", "/users"); answer.Code != http.StatusUnauthorized {
			t.Errorf("a wrong key: status %d", answer.Code)
		}
	}
	if answer := askAs(handler, "wrong again", "GET", "/users"); answer.Code != http.StatusTooManyRequests {
		t.Errorf("wrong keys beyond the limit: status %d", answer.Code)
	}
	if answer := askAs(handler, "", "GET", "/livez"); answer.Code != http.StatusOK {
		t.Errorf("livez: status %d", answer.Code)
	}
}
