package otlp

import (
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The shapes of opentelemetry/proto/trace/v1, in the JSON that OTLP 1.x asks for:
// ids in hexadecimal, enums as numbers, 64-bit numbers as strings.
type (
	traces struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []keyValue `json:"attributes,omitempty"`
	}
	scopeSpans struct {
		Scope scope  `json:"scope"`
		Spans []span `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	span struct {
		TraceID      string     `json:"traceId"`
		SpanID       string     `json:"spanId"`
		TraceState   string     `json:"traceState,omitempty"`
		ParentSpanID string     `json:"parentSpanId,omitempty"`
		Name         string     `json:"name"`
		Kind         int        `json:"kind"`
		Start        nanos      `json:"startTimeUnixNano"`
		End          nanos      `json:"endTimeUnixNano"`
		Attributes   []keyValue `json:"attributes,omitempty"`
		Events       []event    `json:"events,omitempty"`
		Links        []link     `json:"links,omitempty"`
		Status       status     `json:"status"`
	}
	event struct {
		Time       nanos      `json:"timeUnixNano"`
		Name       string     `json:"name"`
		Attributes []keyValue `json:"attributes,omitempty"`
	}
	link struct {
		TraceID    string     `json:"traceId"`
		SpanID     string     `json:"spanId"`
		Attributes []keyValue `json:"attributes,omitempty"`
	}
	status struct {
		Code    int    `json:"code,omitempty"`
		Message string `json:"message,omitempty"`
	}
	keyValue struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	}
	nanos string
)

func nanosOf(at time.Time) nanos { return nanos(strconv.FormatInt(at.UnixNano(), 10)) }

// request groups spans by what made them. All spans of a process have one
// resource.
func request(spans []sdktrace.ReadOnlySpan) traces {
	if len(spans) == 0 {
		return traces{ResourceSpans: []resourceSpans{}}
	}
	all := resourceSpans{}
	if of := spans[0].Resource(); of != nil {
		all.Resource.Attributes = keyValues(of.Attributes())
	}
	places := map[instrumentation.Scope]int{}
	for _, s := range spans {
		by := s.InstrumentationScope()
		at, known := places[by]
		if !known {
			at = len(all.ScopeSpans)
			places[by] = at
			all.ScopeSpans = append(all.ScopeSpans, scopeSpans{Scope: scope{by.Name, by.Version}})
		}
		all.ScopeSpans[at].Spans = append(all.ScopeSpans[at].Spans, spanOf(s))
	}
	return traces{ResourceSpans: []resourceSpans{all}}
}

func spanOf(s sdktrace.ReadOnlySpan) span {
	made := span{
		TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(),
		TraceState: s.SpanContext().TraceState().String(), Name: s.Name(), Kind: int(s.SpanKind()),
		Start: nanosOf(s.StartTime()), End: nanosOf(s.EndTime()), Attributes: keyValues(s.Attributes()),
	}
	if s.Parent().SpanID().IsValid() {
		made.ParentSpanID = s.Parent().SpanID().String()
	}
	for _, e := range s.Events() {
		made.Events = append(made.Events, event{nanosOf(e.Time), e.Name, keyValues(e.Attributes)})
	}
	for _, l := range s.Links() {
		made.Links = append(made.Links, link{l.SpanContext.TraceID().String(), l.SpanContext.SpanID().String(), keyValues(l.Attributes)})
	}
	switch s.Status().Code {
	case codes.Ok:
		made.Status.Code = 1
	case codes.Error:
		made.Status = status{2, s.Status().Description}
	}
	return made
}

func keyValues(attributes []attribute.KeyValue) []keyValue {
	made := make([]keyValue, len(attributes))
	for i, a := range attributes {
		made[i] = keyValue{string(a.Key), valueOf(a.Value)}
	}
	return made
}

func valueOf(value attribute.Value) map[string]any {
	switch value.Type() {
	case attribute.BOOL:
		return map[string]any{"boolValue": value.AsBool()}
	case attribute.INT64:
		return map[string]any{"intValue": strconv.FormatInt(value.AsInt64(), 10)}
	case attribute.FLOAT64:
		return map[string]any{"doubleValue": value.AsFloat64()}
	case attribute.STRINGSLICE:
		values := []map[string]any{}
		for _, text := range value.AsStringSlice() {
			values = append(values, map[string]any{"stringValue": text})
		}
		return map[string]any{"arrayValue": map[string]any{"values": values}}
	default:
		return map[string]any{"stringValue": value.String()}
	}
}
