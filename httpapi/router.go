package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/httprate"
	"go.opentelemetry.io/otel/trace"
)

// api is the handler.
type api struct {
	config   Config
	router   *chi.Mux
	huma     huma.API
	document []byte // OpenAPI, as JSON
	metrics  *metrics
	limiter  *httprate.RateLimiter
	tracer   trace.Tracer
	// batches, imports and walks bound the batches, the streams of items and the
	// streams of lists that are under way.
	batches, imports, walks gate
}

// New makes the handler of all routes. It may be used concurrently and holds no
// goroutine. Metrics are registered once, so a registry serves one handler.
func New(config Config) (http.Handler, error) {
	if config.Commands == nil || config.Queries == nil {
		return nil, errors.New("the HTTP handler needs commands and queries")
	}
	config = config.withDefaults()
	a := &api{
		config: config, router: chi.NewRouter(),
		metrics: newMetrics(config.Registry), limiter: newLimiter(config.RateLimit),
		batches: make(gate, maxBatches), imports: make(gate, maxImports), walks: make(gate, maxWalks),
	}
	if config.TracerProvider != nil {
		a.tracer = config.TracerProvider.Tracer("github.com/seed5b6a70b4/identity/httpapi")
	}
	a.huma = humachi.New(a.router, newDocument(config.Version))
	a.router.NotFound(a.noRoute)
	a.router.MethodNotAllowed(a.noRoute)
	for _, routes := range a.routes() {
		for _, rt := range routes { // a copy for each handler, which registering completes
			a.register(&rt)
		}
	}
	var err error
	if a.document, err = json.Marshal(a.huma.OpenAPI()); err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	return a, nil
}

// routes are all there are.
func (a *api) routes() [][]route {
	return [][]route{
		userRoutes, batchRoutes, groupRoutes, memberRoutes, memberHistoryRoutes,
		changeRoutes,
		checkRoutes,
		keyRoutes,
		a.viewRoutes(),
		a.storeRoutes(),
		a.parkedRoutes(),
		a.serviceRoutes(),
	}
}

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := a.begin(w, r)
	defer x.finish()
	if a.metrics != nil {
		a.metrics.inFlight.Inc()
	}
	x.setHeader(string(requestIDName), x.id)
	a.router.ServeHTTP(x, r)
}

// methods are those that some route takes, in the order of an Allow header.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// noRoute answers what no route takes: 405 where another method would be taken,
// else 404.
func (a *api) noRoute(w http.ResponseWriter, r *http.Request) {
	x := w.(*exchange)
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	var allowed []string
	for _, method := range methods {
		if a.router.Match(chi.NewRouteContext(), method, path) {
			allowed = append(allowed, method)
		}
	}
	if allowed == nil {
		x.fail(notFound())
		return
	}
	x.setHeader("Allow", strings.Join(allowed, ", "))
	x.fail(refuse(http.StatusMethodNotAllowed, "method_not_allowed", "the method is not one of those in Allow"))
}
