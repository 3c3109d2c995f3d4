package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
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

	followers *prometheus.GaugeVec
	changes   prometheus.Counter
	cutOff    prometheus.Counter
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
		followers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "identity_changes_followers",
			Help: "How many follow the directory now, by the kind of answer.",
		}, []string{"answer"}),
		changes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "identity_changes_sent_total",
			Help: "Changes sent to those who follow the directory.",
		}),
		cutOff: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "identity_changes_cut_off_total",
			Help: "Followers cut off because they took too long to take what was sent.",
		}),
	}
	registry.MustRegister(m.seconds, m.inFlight, m.followers, m.changes, m.cutOff)
	return m
}

// answerKind is how a follower is answered.
type answerKind string

const (
	pollAnswer  answerKind = "poll"
	eventAnswer answerKind = "events"
	lineAnswer  answerKind = "lines"
)

// follow counts a follower until done is called.
func (m *metrics) follow(kind answerKind) (done func()) {
	if m == nil {
		return func() {}
	}
	gauge := m.followers.WithLabelValues(string(kind))
	gauge.Inc()
	return gauge.Dec
}

func (m *metrics) told(changes int) {
	if m != nil {
		m.changes.Add(float64(changes))
	}
}

// endOf counts an answer that ended because its reader was too slow.
func (m *metrics) endOf(err error) {
	if m != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		m.cutOff.Inc()
	}
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
	if x.goOn != nil && recovered == nil {
		go x.own() // Streams has its end
		return
	}
	aborted, _ := recovered.(error)
	if recovered != nil && !errors.Is(aborted, http.ErrAbortHandler) {
		x.fail(internalProblem(fmt.Errorf("panic: %s\n%s", panicText(recovered), debug.Stack())))
		recovered = nil
	}
	if x.status == 0 && recovered == nil {
		x.WriteHeader(http.StatusOK)
	}
	x.observe(time.Since(x.start))
	_, detached := x.w.(*bare)
	x.release()
	if detached {
		return // its connection is closed
	}
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
