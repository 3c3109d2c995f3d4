package otlp_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed5b6a70b4/identity/internal/otlp"
)

// A collector gets the spans in OTLP's JSON.
func TestSpansArrive(t *testing.T) {
	var got map[string]any
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Team") != "directory" || r.URL.Path != "/v1/traces" {
			t.Errorf("request %s with %v", r.URL, r.Header)
		}
		body, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		if err := json.NewDecoder(body).Decode(&got); err != nil {
			t.Error(err)
		}
	}))
	defer collector.Close()
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSyncer(otlp.New(otlp.Config{Endpoint: collector.URL + "/v1/traces", Headers: map[string]string{"X-Team": "directory"}, Gzip: true})),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "identity"))),
	)
	_, span := provider.Tracer("here").Start(t.Context(), "GET /users/{id}", trace.WithSpanKind(trace.SpanKindServer))
	span.SetAttributes(attribute.Int("http.response.status_code", 503), attribute.Bool("again", true), attribute.StringSlice("list", []string{"a"}))
	span.AddEvent("waited")
	span.SetStatus(codes.Error, "503")
	span.End()

	resources := got["resourceSpans"].([]any)[0].(map[string]any)
	scope := resources["scopeSpans"].([]any)[0].(map[string]any)
	sent := scope["spans"].([]any)[0].(map[string]any)
	for name, want := range map[string]any{
		"traceId": span.SpanContext().TraceID().String(), "spanId": span.SpanContext().SpanID().String(),
		"name": "GET /users/{id}", "kind": float64(2),
	} {
		if sent[name] != want {
			t.Errorf("%s is %v, not %v", name, sent[name], want)
		}
	}
	texts, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`{"key":"service.name","value":{"stringValue":"identity"}}`, `"name":"here"`, `"intValue":"503"`, `"boolValue":true`,
		`"arrayValue":{"values":[{"stringValue":"a"}]}`, `"name":"waited"`, `"status":{"code":2,"message":"503"}`, `"startTimeUnixNano":"1`,
	} {
		if !strings.Contains(string(texts), part) {
			t.Errorf("%s is not in %s", part, texts)
		}
	}
}

// A collector that is busy is asked again; one that refuses is not.
func TestOnlyABusyCollectorIsAskedAgain(t *testing.T) {
	for status, requests := range map[int]int32{http.StatusServiceUnavailable: 2, http.StatusBadRequest: 1} {
		var seen atomic.Int32
		collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if seen.Add(1) == 1 {
				w.WriteHeader(status)
			}
		}))
		err := otlp.New(otlp.Config{Endpoint: collector.URL}).ExportSpans(t.Context(), nil)
		if seen.Load() != requests || (err == nil) != (requests == 2) {
			t.Errorf("after %d: %d requests, not %d; error %v", status, seen.Load(), requests, err)
		}
		collector.Close()
	}
}

// Sending ends with its context.
func TestExportEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		cancel()
	}))
	defer collector.Close()
	if err := otlp.New(otlp.Config{Endpoint: collector.URL}).ExportSpans(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("export ends with %v", err)
	}
}
