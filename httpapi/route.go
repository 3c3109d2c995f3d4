package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/internal/deadline"
)

// route is one line of the table that the router, the checks of a request and
// the OpenAPI document are all made from.
type route struct {
	method, path string
	// scope is what the caller's key must allow; empty needs no key.
	scope domain.Scope
	// query are the parameters that are understood; any other is refused.
	query []parameter
	// headers are those that change what the route does, for the document; those
	// that belong to conditions are refused on a write that does not know them.
	headers []header
	// body is the schema of the request's body, empty if there is none; answers
	// are those of success.
	body    *bodySpec
	answers []answer
	// readsNothing tells that the route has no body, but takes one that says nothing.
	readsNothing bool
	// refusals are the statuses of problems that are special to the route.
	refusals []int
	// problems are statuses with what the document says of them here, where that is
	// not what it says elsewhere.
	problems map[int]refusal

	id, tag, summary, description string
	// probe tells that the route is for those who watch the service: no header is
	// refused.
	probe bool

	// streams tells that body or answer go on for as long as the client likes: no
	// timeout, and serve sends its answer with startStream and flush.
	streams bool
	// streamsIf tells it of those routes where it depends on the request.
	streamsIf func(x *exchange) bool
	serve     func(ctx context.Context, x *exchange) error

	label string   // method and path, for logs and spans
	forms []string // media types that are answered with where a client likes them better than JSON
}

// knows tells whether the header is one of the route's.
func (rt *route) knows(h header) bool { return slices.Contains(rt.headers, h) }

// register adds a route to the router and the document, and HEAD beside GET.
func (a *api) register(rt *route) {
	rt.label, rt.forms = rt.method+" "+rt.path, rt.formsOf()
	operation := a.operation(rt)
	handle := func(hc huma.Context) {
		r, w := humachi.Unwrap(hc)
		x := w.(*exchange)
		x.r, x.route = r, rt
		x.run(rt)
	}
	a.huma.Adapter().Handle(operation, handle)
	a.huma.OpenAPI().AddOperation(operation)
	if rt.method == http.MethodGet {
		head := *operation
		head.Method = http.MethodHead
		a.huma.Adapter().Handle(&head, handle)
	}
}

// run does what every route does first, and then what this one does.
func (x *exchange) run(rt *route) {
	if rt.forms != nil {
		x.w.Header()[string(vary)] = varyAccept
	}
	if rt.streams || rt.streamsIf != nil && rt.streamsIf(x) {
		if err := x.runStream(rt); err != nil {
			x.fail(err)
		}
		return
	}
	ctx, cancel := deadline.With(x.r.Context(), x.start.Add(x.api.config.Timeout))
	defer cancel()
	ctx, span := x.api.startSpan(ctx, x)
	if span != nil {
		defer endSpan(span, x)
	}
	err := x.admit(ctx, rt)
	if err == nil {
		err = rt.serve(ctx, x)
	}
	if err != nil {
		x.fail(err)
	}
}

// serviceTag marks the routes about the service itself, which pass over
// parameters: those who watch a service add some of their own.
const serviceTag = "service"

// admit checks the key, its scope and its rate, the query's parameters, and the
// headers that the route does not look at by itself.
func (x *exchange) admit(ctx context.Context, rt *route) error {
	if rt.scope != "" {
		if err := x.authenticate(ctx, rt.scope); err != nil {
			return err
		}
	}
	if x.r.URL.RawQuery != "" && rt.tag != serviceTag {
		if err := x.parseQuery(rt.query); err != nil {
			return err
		}
	}
	if err := x.checkConditions(rt); err != nil {
		return err
	}
	return x.checkTokens(ctx, rt)
}

// checkConditions refuses a condition on a write that would not be looked at: to
// ignore it could write what the client wanted kept.
func (x *exchange) checkConditions(rt *route) error {
	if rt.method == http.MethodGet {
		return nil
	}
	for _, h := range [...]header{ifMatch, ifNoneMatch} {
		if x.r.Header[string(h)] != nil && !rt.knows(h) {
			return invalid(fieldError{pointer: "/" + string(h), in: "header", detail: "is not understood here"})
		}
	}
	return nil
}
