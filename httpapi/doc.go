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
// echoed in a problem, a log line, a metric or a span.
//
// Package apitest holds the wire contract as a suite that runs against this
// handler or against any running service.
package httpapi
