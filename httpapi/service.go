package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed5b6a70b4/identity/domain"
)

func (a *api) serviceRoutes() []route {
	routes := []route{
		{
			method: http.MethodGet, path: "/livez", id: "isLive", tag: serviceTag, probe: true, summary: "Whether the process answers",
			answers: []answer{{status: http.StatusOK, text: "It does.", schema: "Live", example: map[string]string{"status": "live"}}},
			serve:   isLive,
		},
		{
			method: http.MethodGet, path: "/readyz", id: "isReady", tag: serviceTag, probe: true, summary: "Whether requests should be sent here, and how each view is doing",
			answers: []answer{
				{status: http.StatusOK, text: "They should.", schema: "Ready", example: readyExample},
				{status: http.StatusServiceUnavailable, text: "Not now.", schema: "Ready", headers: []header{retryAfter}, example: notReadyExample},
			},
			serve: isReady,
		},
		{
			method: http.MethodGet, path: "/openapi.json", id: "getDocument", tag: serviceTag, summary: "This document",
			answers:  []answer{{status: http.StatusOK, text: "OpenAPI 3.1.", schema: "Any"}},
			refusals: []int{http.StatusBadRequest}, serve: getDocument,
		},
		{
			method: http.MethodGet, path: "/docs", id: "getDocs", tag: serviceTag, summary: "This document, for people",
			answers:  []answer{{status: http.StatusOK, text: "A page that needs nothing from elsewhere.", schema: "Text", media: htmlType[0]}},
			refusals: []int{http.StatusBadRequest}, serve: getDocs,
		},
		{
			method: http.MethodGet, path: docsScriptPath, id: "getDocsScript", tag: serviceTag, summary: "The script of that page",
			answers:  []answer{{status: http.StatusOK, text: "RapiDoc.", schema: "Text", media: scriptType[0]}},
			refusals: []int{http.StatusBadRequest}, serve: getDocsScript,
		},
	}
	if a.config.Registry != nil {
		routes = append(routes, a.metricsRoute())
	}
	return routes
}

func (a *api) metricsRoute() route {
	show := promhttp.HandlerFor(a.config.Registry, promhttp.HandlerOpts{})
	rt := route{
		method: http.MethodGet, path: "/metrics", scope: domain.ReadScope, id: "getMetrics", tag: serviceTag, summary: "Metrics, as Prometheus reads them",
		answers:  []answer{{status: http.StatusOK, text: "Metrics.", schema: "Text", media: "text/plain"}},
		refusals: []int{http.StatusBadRequest},
		serve: func(_ context.Context, x *exchange) error {
			x.Header()["Cache-Control"] = noStore
			show.ServeHTTP(x, x.r)
			return nil
		},
	}
	if a.config.PublicMetrics {
		rt.scope = ""
	}
	return rt
}

func isLive(_ context.Context, x *exchange) error {
	x.Header()["Cache-Control"] = noStore
	x.out = append(x.out[:0], `{"status":"live"}`...)
	x.send(http.StatusOK, jsonType)
	return nil
}

func isReady(ctx context.Context, x *exchange) error {
	readiness := Readiness{Ready: true}
	if x.api.config.Ready != nil {
		readiness = x.api.config.Ready(ctx)
	}
	header := x.Header()
	header["Cache-Control"] = noStore
	status := http.StatusOK
	if !readiness.Ready {
		status = http.StatusServiceUnavailable
		x.setHeader(string(retryAfter), "1")
	}
	x.out = readiness.append(x.out[:0])
	x.send(status, jsonType)
	return nil
}

func (r *Readiness) append(dst []byte) []byte {
	if r.Ready {
		dst = append(dst, `{"status":"ready"`...)
	} else {
		dst = append(dst, `{"status":"not_ready"`...)
	}
	dst = appendMember(dst, `,"reason":`, r.Reason)
	dst = append(dst, `,"views":[`...)
	for i := range r.Views {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = r.Views[i].append(dst)
	}
	dst = append(dst, ']')
	if r.Store != nil {
		dst = r.Store.append(dst)
	}
	return append(dst, '}')
}

func (s *StoreStatus) append(dst []byte) []byte {
	dst = append(dst, `,"store":{"position":`...)
	dst = strconv.AppendUint(dst, s.Position, 10)
	dst = append(dst, `,"writable":`...)
	dst = strconv.AppendBool(dst, s.Refusing == "")
	dst = appendMember(dst, `,"reason":`, s.Refusing)
	dst = appendMember(dst, `,"damage":`, s.Damage)
	dst = append(dst, `,"freeBytes":`...)
	return append(strconv.AppendUint(dst, s.FreeBytes, 10), '}')
}

func (v *ViewStatus) append(dst []byte) []byte {
	dst = append(dst, `{"name":`...)
	dst = appendString(dst, v.Name)
	dst = append(dst, `,"position":`...)
	dst = strconv.AppendUint(dst, v.Position, 10)
	dst = append(dst, `,"behind":`...)
	dst = strconv.AppendUint(dst, v.Behind, 10)
	if v.Lag >= 0 {
		dst = append(dst, `,"lagSeconds":`...)
		dst = strconv.AppendFloat(dst, v.Lag.Seconds(), 'f', 3, 64)
	}
	dst = appendMember(dst, `,"failing":`, v.Failing)
	for i, position := range v.Checkpoint {
		dst = append(dst, [...]string{`,"checkpoint":{`, `,`}[min(i, 1)]...)
		dst = append(appendString(dst, string(position.Stream)), ':')
		dst = strconv.AppendUint(dst, uint64(position.Seq), 10)
	}
	if len(v.Checkpoint) > 0 {
		dst = append(dst, '}')
	}
	dst = append(dst, `,"parked":`...)
	dst = strconv.AppendInt(dst, int64(v.Parked), 10)
	if len(v.Streams) > 0 {
		dst = append(dst, `,"streams":[`...)
		for i := range v.Streams {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v.Streams[i].append(dst)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func (p *ParkedStream) append(dst []byte) []byte {
	dst = append(dst, `{"stream":`...)
	dst = appendString(dst, string(p.Stream))
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, uint64(p.Seq), 10)
	dst = append(dst, `,"reason":`...)
	dst = appendString(dst, p.Reason)
	return append(dst, '}')
}

func getDocument(_ context.Context, x *exchange) error {
	x.out = append(x.out[:0], x.api.document...)
	x.send(http.StatusOK, jsonType)
	return nil
}
