// Package otlp sends spans to a collector as OTLP over HTTP in JSON, which every
// collector takes at the same address as protobuf. OpenTelemetry's own exporter
// does the same through generated stubs of gRPC, which double the size of the
// binary and make the first build two fifths longer.
package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Config says where spans go.
type Config struct {
	// Endpoint is the whole URL, its path included.
	Endpoint string
	// Headers are sent with every request.
	Headers map[string]string
	// Gzip compresses the bodies.
	Gzip bool
	// Timeout bounds one request; 10 s if zero.
	Timeout time.Duration
	// Client sends; http.DefaultClient if nil.
	Client *http.Client
}

// Exporter is a trace.SpanExporter.
type Exporter struct{ config Config }

// New makes an Exporter. Nothing is sent before there are spans.
func New(config Config) *Exporter {
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	if config.Client == nil {
		config.Client = http.DefaultClient
	}
	return &Exporter{config}
}

// Pauses before a batch is sent again, doubled each time.
const (
	firstPause = 500 * time.Millisecond
	attempts   = 4
)

// ExportSpans sends spans; again, a few times within ctx, when the collector says
// that it cannot take them now.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	body, err := json.Marshal(request(spans))
	if err != nil {
		return fmt.Errorf("encode %d spans: %w", len(spans), err)
	}
	if e.config.Gzip {
		body = compressed(body)
	}
	pause := firstPause
	for attempt := 1; ; attempt++ {
		again, after, err := e.send(ctx, body)
		if err == nil || !again || attempt == attempts {
			return err
		}
		timer := time.NewTimer(max(pause, after))
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w while waiting after: %w", ctx.Err(), err)
		case <-timer.C:
		}
		pause *= 2
	}
}

// Shutdown has nothing to do.
func (e *Exporter) Shutdown(context.Context) error { return nil }

// send makes one attempt, and tells whether and when another may do better.
func (e *Exporter) send(ctx context.Context, body []byte) (again bool, after time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, e.config.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.config.Endpoint, bytes.NewReader(body))
	if err != nil {
		return false, 0, err
	}
	for name, value := range e.config.Headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", "application/json")
	if e.config.Gzip {
		r.Header.Set("Content-Encoding", "gzip")
	}
	answer, err := e.config.Client.Do(r)
	if err != nil {
		return true, 0, err
	}
	defer answer.Body.Close()
	// What the collector says is of no use; reading it lets the connection be used again.
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10)
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		again, after = true, time.Duration(seconds)*time.Second
	}
	if answer.StatusCode/100 != 2 {
		return again, after, fmt.Errorf("the collector answers %s", answer.Status)
	}
	return false, 0, nil
}

func compressed(body []byte) []byte {
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	_, _ = writer.Write(body) // a buffer takes everything
	_ = writer.Close()
	return buffer.Bytes()
}
