package httpapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed5b6a70b4/identity/domain"
)

// refusal is what the document says of a problem of some status: one of its codes, for
// the example, and a text that names all of them.
type refusal struct{ code, text string }

// problems are those of every route; a route may say otherwise.
var problems = map[int]refusal{
	http.StatusBadRequest:            {"malformed_token", "`malformed_body`; or about the tokens in X-Consistency: `malformed_token`, `foreign_token`, `unknown_position`, `latest_unavailable`."},
	http.StatusUnauthorized:          {"unauthorized", "No key, or one that is not valid: `unauthorized`."},
	http.StatusForbidden:             {"forbidden", "The key does not have the scope: `forbidden`."},
	http.StatusNotFound:              {"not_found", "There is no such thing: `not_found`, `not_a_member`."},
	http.StatusRequestTimeout:        {"timeout", "The body did not arrive in time: `timeout`."},
	http.StatusConflict:              {"username_taken", "A value is held by another: `username_taken`, `email_taken`, `externalid_taken`, `groupname_taken`, `id_taken`; or the group would become a member of itself: `cycle`."},
	http.StatusPreconditionFailed:    {"precondition_failed", "The condition does not hold: `precondition_failed`."},
	http.StatusRequestEntityTooLarge: {"too_large", "The body is too large: `too_large`."},
	http.StatusUnsupportedMediaType:  {"unsupported_media_type", "The body is of another media type: `unsupported_media_type`."},
	http.StatusUnprocessableEntity:   {"invalid", "Values that cannot be accepted: `invalid`, each with a pointer."},
	http.StatusTooManyRequests:       {"rate_limited", "Too many requests with this key: `rate_limited`."},
	http.StatusInternalServerError:   {"internal", "A fault of this service: `internal`."},
	http.StatusNotImplemented:        {"search_off", "This service runs without search: `search_off`."},
	http.StatusServiceUnavailable:    {"view_behind", "Not now: `view_behind`, `parked` or `unavailable`."},
}

// problem is what the route says of a status.
func (rt *route) problem(status int) refusal {
	if own, has := rt.problems[status]; has {
		return own
	}
	said := problems[status]
	switch {
	case status == http.StatusBadRequest && rt.scope == "":
		said.text = "About the tokens in X-Consistency: `malformed_token`, `foreign_token`."
	case status == http.StatusUnprocessableEntity && rt.knows(idempotencyKey):
		said.text += " Or the idempotency key was used with another request: `mismatch`."
	case status == http.StatusServiceUnavailable && rt.writes():
		said.text += " Or another store takes the writes: `replica` where this one follows it, `store_closed` where it has taken over."
	}
	return said
}

// writes tells whether the route carries out commands.
func (rt *route) writes() bool {
	return rt.scope == domain.WriteScope || rt.tag == "keys" && rt.method != http.MethodGet
}

// problemStatuses are the refusals that the route may answer: those that follow
// from what it is, and its own.
func (rt *route) problemStatuses() []int {
	statuses := slices.AppendSeq(slices.Clone(rt.refusals), maps.Keys(rt.problems))
	if rt.scope != "" {
		statuses = append(statuses, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden,
			http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable)
	}
	if rt.body != nil || rt.readsNothing {
		statuses = append(statuses, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if strings.Contains(rt.path, "{") {
		statuses = append(statuses, http.StatusNotFound)
	}
	return statuses
}

func (rt *route) problemResponse(status int) *huma.Response {
	said := rt.problem(status)
	response := (&answer{
		status: status, text: said.text, schema: "Problem", media: problemType[0],
		example: problemExample(status, said.code),
	}).response()
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		response.Headers[string(retryAfter)] = &huma.Param{Description: headerTexts[retryAfter], Schema: &huma.Schema{Type: huma.TypeInteger}}
	case http.StatusUnauthorized:
		response.Headers["WWW-Authenticate"] = &huma.Param{Description: "`Bearer`", Schema: &huma.Schema{Type: huma.TypeString}}
	case http.StatusPreconditionFailed:
		response.Headers[string(etag)] = &huma.Param{Description: "The entity's tag now.", Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return response
}

func problemExample(status int, code string) any {
	p := refuse(status, code, "what is wrong, in a sentence")
	if status == http.StatusUnprocessableEntity {
		p.errors = []fieldError{{pointer: "/email", detail: "must be local@domain"}}
	}
	return json.RawMessage(p.append(nil))
}
