// Package httpapi is the directory over HTTP: it turns requests into commands
// and queries, and their results into answers. It knows HTTP's words and nothing
// of how a command is decided or a view kept.
//
// One table of routes (users.go, groups.go, members.go, keys.go, service.go)
// gives the router, the checking of parameters and the OpenAPI document. huma
// holds the declarations and writes the document; it touches no request body and
// no answer. Bodies are read strictly and without reflection (body.go), answers
// are appended to a buffer (encode.go), and every refusal becomes a problem of
// RFC 9457 in one place (problem.go). Nothing of a request's values is ever
// echoed in a problem, a log line, a metric or a span; the names of unknown
// fields and parameters are, in pointers, and ids that name nothing.
//
// Rules that hold for every route:
//
//   - A parameter that the route does not have, or that comes twice, is refused;
//     only the routes about the service itself pass over parameters.
//   - A condition (If-Match, If-None-Match) on a write that would not look at it
//     is refused, because ignoring it could write what the client wanted kept.
//   - A token that is none of this store's is refused, also where nothing waits for
//     it; only /livez and /readyz pass over it.
//   - A pointer into the body is a JSON pointer; of a parameter or a header it is
//     "/" and the name, and the error says "in".
//   - null in the body of a POST is absent, where the field is optional.
//   - HEAD is answered wherever GET is.
//
// Package apitest holds the wire contract as a suite that runs against this
// handler or against any running service.
package httpapi
