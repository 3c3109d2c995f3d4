package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// metrics are the package's own; nil measures nothing.
type metrics struct {
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMetrics(registry *prometheus.Registry) *metrics {
	if registry == nil {
		return nil
	}
	m := &metrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "identity_http_request_seconds",
			Help:    "How long requests took, by method, route and status.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "route", "status"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "identity_http_requests_in_flight",
			Help: "How many requests are being answered.",
		}),
	}
	registry.MustRegister(m.seconds, m.inFlight)
	return m
}

// noRoute labels the requests that no route takes: their paths and methods are
// the client's words.
const noRoute = "none"

// statusText is each status as text.
var statusText = func() (texts [600]string) {
	for i := range texts {
		texts[i] = strconv.Itoa(i)
	}
	return texts
}()

// finish ends the exchange: it answers for a handler that panicked, measures and
// logs. It must be deferred.
func (x *exchange) finish() {
	recovered := recover()
	aborted, _ := recovered.(error)
	if recovered != nil && !errors.Is(aborted, http.ErrAbortHandler) {
		x.fail(internalProblem(fmt.Errorf("panic: %s\n%s", panicText(recovered), debug.Stack())))
		recovered = nil
	}
	if x.status == 0 && recovered == nil {
		x.WriteHeader(http.StatusOK)
	}
	x.observe(time.Since(x.start))
	x.release()
	if recovered != nil {
		panic(recovered) // net/http ends the connection
	}
}

// panicText tells of a panic what cannot hold a value of the request.
func panicText(recovered any) string {
	if err, ok := recovered.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", recovered)
}

// Access is what may be told of a request: nothing of whom it was about. The
// texts are of visible ASCII characters and spaces, without quotes and backslashes.
type Access struct {
	At     time.Time // when it was answered
	Route  string    // method and path pattern; "none" if no route takes the request
	Status int
	Bytes  int // of the answer's body
	Took   time.Duration
	// Actor is as in commits; empty where the request had no key that is good.
	Actor   string
	Request string // its id
}

// observe measures and logs the exchange.
func (x *exchange) observe(took time.Duration) {
	method, path := noRoute, noRoute
	if x.route != nil {
		method, path = x.route.method, x.route.path
	}
	if m := x.api.metrics; m != nil {
		m.inFlight.Dec()
		m.seconds.WithLabelValues(method, path, statusText[x.status]).Observe(took.Seconds())
	}
	if x.api.config.AccessLog != nil {
		x.access = Access{x.start.Add(took), x.label(), x.status, x.bytes, took, x.by.actor, x.id}
		x.api.config.AccessLog(&x.access)
	}
}

// label names the route, for logs and spans.
func (x *exchange) label() string {
	if x.route == nil {
		return noRoute
	}
	return x.route.label
}

// logFault tells of a fault behind an answer, once.
func (x *exchange) logFault(p *problem) {
	x.api.config.Logger.LogAttrs(context.Background(), slog.LevelError, "request failed",
		slog.String("code", p.code), slog.String("error", p.cause.Error()),
		slog.String("route", x.label()), slog.String("request", x.id))
}

var propagator = propagation.TraceContext{}

// startSpan takes the client's trace up and, if spans are wanted, begins one.
func (a *api) startSpan(ctx context.Context, x *exchange) (context.Context, trace.Span) {
	if x.r.Header["Traceparent"] != nil {
		ctx = propagator.Extract(ctx, propagation.HeaderCarrier(x.r.Header))
	}
	if a.tracer == nil {
		return ctx, nil
	}
	return a.tracer.Start(ctx, x.route.label, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", x.r.Method), attribute.String("http.route", x.route.path)))
}

func endSpan(span trace.Span, x *exchange) {
	span.SetAttributes(attribute.Int("http.response.status_code", x.status))
	if x.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, statusText[x.status])
	}
	span.End()
}

// correlation is what ties a commit to what caused it: the client's or our own
// trace if there is one, else the request's id.
func (x *exchange) correlation(ctx context.Context) string {
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		return sc.TraceID().String()
	}
	return x.id
}
