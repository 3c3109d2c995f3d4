package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	neturl "net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed5b6a70b4/identity/internal/otlp"
)

// tracing is where spans go, nil for nowhere.
type tracing struct{ sdk *sdktrace.TracerProvider }

// tracingFlush bounds how long the last spans may take at the end.
const tracingFlush = 5 * time.Second

// newTracing reads the variables of OpenTelemetry. Without an endpoint there is
// no tracing, and nothing is paid for it. The sampler, the batches and the
// resource are the SDK's to read: OTEL_TRACES_SAMPLER, OTEL_BSP_…,
// OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES.
func newTracing(ctx context.Context) (*tracing, error) {
	endpoint := traceEndpoint()
	if endpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return nil, nil
	}
	config, err := exporterConfig(endpoint)
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "identity"), attribute.String("service.version", version())),
		resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, misused("OTEL_RESOURCE_ATTRIBUTES: %s", err)
	}
	return &tracing{sdktrace.NewTracerProvider(sdktrace.WithBatcher(otlp.New(config)), sdktrace.WithResource(about))}, nil
}

// provider is nil, as an interface, where there is no tracing.
func (t *tracing) provider() trace.TracerProvider {
	if t == nil {
		return nil
	}
	return t.sdk
}

func (t *tracing) close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), tracingFlush)
	defer cancel()
	// Spans that nobody takes are no reason to fail.
	_ = t.sdk.Shutdown(ctx)
	return nil
}

// traceVariable is what is set for traces, or else for everything.
func traceVariable(what string) (name, value string) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_" + what, "OTEL_EXPORTER_OTLP_" + what} {
		if value := os.Getenv(name); value != "" {
			return name, value
		}
	}
	return "OTEL_EXPORTER_OTLP_" + what, ""
}

// traceEndpoint is the URL of a collector, empty for none.
func traceEndpoint() string {
	if exporter := os.Getenv("OTEL_TRACES_EXPORTER"); exporter != "" && exporter != "otlp" {
		return ""
	}
	if whole := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); whole != "" {
		return whole
	}
	base := os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
	if base == "" && os.Getenv("OTEL_TRACES_EXPORTER") == "otlp" {
		base = "http://localhost:4318"
	}
	if base == "" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + "/v1/traces"
}

func exporterConfig(endpoint string) (otlp.Config, error) {
	config := otlp.Config{Endpoint: endpoint, Headers: map[string]string{}}
	name, _ := traceVariable("ENDPOINT")
	if at, err := neturl.Parse(endpoint); err != nil || at.Host == "" || !slices.Contains([]string{"http", "https"}, at.Scheme) {
		return config, misused("%s: not a URL of http or https", name)
	}
	if name, protocol := traceVariable("PROTOCOL"); !slices.Contains([]string{"", "http/json", "http/protobuf"}, protocol) {
		return config, misused("%s: %q is not in this build; spans are sent over HTTP in JSON", name, protocol)
	}
	if name, milliseconds := traceVariable("TIMEOUT"); milliseconds != "" {
		n, err := strconv.Atoi(milliseconds)
		if err != nil || n <= 0 {
			return config, misused("%s: not a number of milliseconds", name)
		}
		config.Timeout = time.Duration(n) * time.Millisecond
	}
	name, compression := traceVariable("COMPRESSION")
	if !slices.Contains([]string{"", "none", "gzip"}, compression) {
		return config, misused("%s: %q is neither gzip nor none", name, compression)
	}
	config.Gzip = compression == "gzip"
	if err := addHeaders(config.Headers); err != nil {
		return config, err
	}
	return config, trustCollector(&config)
}

// addHeaders reads headers as a list of name=value, the values percent-encoded.
func addHeaders(to map[string]string) error {
	name, list := traceVariable("HEADERS")
	if list == "" {
		return nil
	}
	for pair := range strings.SplitSeq(list, ",") {
		key, value, found := strings.Cut(pair, "=")
		decoded, err := neturl.PathUnescape(strings.TrimSpace(value))
		if !found || err != nil || strings.TrimSpace(key) == "" {
			return misused("%s: not a list of name=value", name)
		}
		to[strings.TrimSpace(key)] = decoded
	}
	return nil
}

// trustCollector takes the collector's certificate authority from a file.
func trustCollector(config *otlp.Config) error {
	name, file := traceVariable("CERTIFICATE")
	if file == "" {
		return nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return misused("%s: %s", name, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return misused("%s: %s holds no certificate", name, file)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	config.Client = &http.Client{Transport: transport}
	return nil
}
