package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// With a collector in the environment, one trace leads from the client's request
// through the command to the append.
func TestSpansReachTheCollector(t *testing.T) {
	type sent struct{ TraceID, SpanID, ParentSpanID, Name string }
	var mu sync.Mutex
	spans := map[string]sent{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct {
			ResourceSpans []struct{ ScopeSpans []struct{ Spans []sent } }
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, resource := range body.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					if span.TraceID == "0af7651916cd43dd8448eb211c80319c" {
						spans[span.Name] = span
					}
				}
			}
		}
	}))
	defer collector.Close()
	dir := t.TempDir()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	p := mustStart(t, dir)
	c := clientOf(t, dir)
	for _, path := range []string{"/users", "/users?q=homer"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
		if path == "/users" {
			r, err = http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+path, strings.NewReader(`{"username":"homer"}`))
		}
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+c.key)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Body.Close(); answer.StatusCode >= 300 {
			t.Fatalf("%s answers %s", path, answer.Status)
		}
	}
	if err := p.signal(syscall.SIGTERM); err != nil || p.wait() != exitDone {
		t.Fatalf("it ends with %d, %v\n%s", p.wait(), err, p.logged())
	}
	mu.Lock()
	defer mu.Unlock()
	request, appended := spans["POST /users"], spans["append"]
	if request.ParentSpanID != "b7ad6b7169203331" {
		t.Errorf("the request's span is %+v", request)
	}
	var command sent
	for _, span := range spans {
		if span.SpanID == appended.ParentSpanID {
			command = span
		}
	}
	if appended.SpanID == "" || command.ParentSpanID != request.SpanID || command.SpanID == request.SpanID {
		t.Errorf("the append's span is %+v, its parent's %+v", appended, command)
	}
	if _, found := spans["GET /users"]; !found {
		t.Errorf("no span of the search among %v", spans)
	}
}

// Without one there is no provider at all.
func TestTracingIsOffWhenUnset(t *testing.T) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER"} {
		t.Setenv(name, "")
		_ = os.Unsetenv(name)
	}
	for name, value := range map[string]string{"OTEL_SERVICE_NAME": "x", "OTEL_TRACES_EXPORTER": "none", "OTEL_SDK_DISABLED": "true"} {
		t.Setenv(name, value)
		made, err := newTracing(t.Context())
		if made != nil || err != nil || made.provider() != nil {
			t.Errorf("with %s=%s there is a provider, or an error: %v", name, value, err)
		}
	}
}

// A wrong variable is named.
func TestWrongTracingVariablesAreNamed(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "soon", "OTEL_EXPORTER_OTLP_COMPRESSION": "zip",
		"OTEL_EXPORTER_OTLP_HEADERS": "nothing", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "collector",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			if _, err := newTracing(t.Context()); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
				t.Errorf("%s=%s gives %v", name, value, err)
			}
		})
	}
}
