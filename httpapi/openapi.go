package httpapi

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed5b6a70b4/identity/domain"
)

// header is a header that a route looks at or answers with.
type header string

// The headers of the contract.
const (
	ifMatch        header = "If-Match"
	ifNoneMatch    header = "If-None-Match"
	consistency    header = "X-Consistency"
	prefer         header = "Prefer"
	idempotencyKey header = "Idempotency-Key"
	requestIDName  header = "X-Request-Id"
	traceparent    header = "traceparent"
	etag           header = "ETag"
	location       header = "Location"
	link           header = "Link"
	retryAfter     header = "Retry-After"
	lastEventID    header = "Last-Event-ID"
	vary           header = "Vary"
)

var headerTexts = map[header]string{
	ifMatch:        "Write only if the entity still has one of these entity tags; `*` demands only that it exists. A tag that is foreign or unreadable does not match.",
	ifNoneMatch:    "On GET, answer 304 if the entity has one of these entity tags. `*` on PUT: only create. A tag that is foreign or unreadable does not match.",
	consistency:    "Up to 16 tokens, as they came in `X-Consistency` or `ETag`, over one or more lines; the answer is at least that fresh. Or `latest`. On writes tokens are only validated.",
	prefer:         "`wait=N`: wait up to N seconds, at most 5, until the answer is as fresh as it must be.",
	idempotencyKey: "Makes the request happen once: the same key and body gives the first answer again, another body is refused. Only successes are remembered.",
	requestIDName:  "Names the request in the answer and in logs: up to 128 letters, digits and `-_.:/+=`. One is made if there is none.",
	traceparent:    "The trace that the request belongs to (W3C Trace Context).",
	etag:           "What the body shows.",
	location:       "Where the new entity is.",
	link:           "Where the next page is, with `rel=\"next\"`, if there is one.",
	lastEventID:    "The position to go on behind, in the place of `after`: clients of event streams send it by themselves.",
	vary:           "`Accept`: the form is the one that the client likes best, by its weights (`q`); of equal ones the first. Forms other than JSON must be named.",
	retryAfter:     "How many seconds to wait before asking again.",
}

var answerConsistencyText = "What the answer rests on, or what it wrote."

// bodySpec is what a request's body must be.
type bodySpec struct {
	schema  string // a name among the components
	types   []string
	example any
	// optional takes no body for an empty object.
	optional bool
	// line is the schema of each line, where the body may be lines, too.
	line        string
	lineExample any
}

// answer is one way in which a request succeeds.
type answer struct {
	status  int
	text    string
	schema  string // a name among the components, empty without a body
	media   string // application/json if empty
	headers []header
	example any
	// more are the other forms that a client may ask for.
	more []content
}

// content is a body in one of its forms.
type content struct {
	media, schema string
	example       any
}

// operation declares a route for the document.
func (a *api) operation(rt *route) *huma.Operation {
	op := &huma.Operation{
		Method: rt.method, Path: rt.path, OperationID: rt.id, Tags: []string{rt.tag},
		Summary: rt.summary, Description: rt.description,
		Responses: map[string]*huma.Response{},
		Security:  []map[string][]string{},
	}
	if rt.scope != "" {
		op.Security = []map[string][]string{{"key": {string(rt.scope)}}}
	}
	op.Parameters = rt.parameters()
	if rt.body != nil {
		op.RequestBody = &huma.RequestBody{Required: !rt.body.optional, Content: map[string]*huma.MediaType{}}
		for _, media := range rt.body.types {
			op.RequestBody.Content[media] = &huma.MediaType{Schema: ref(rt.body.schema), Example: rt.body.example}
		}
		if rt.body.line != "" {
			op.RequestBody.Content[linesMedia] = &huma.MediaType{Schema: ref(rt.body.line), Example: rt.body.lineExample}
		}
	}
	for i := range rt.answers {
		response := rt.answers[i].response()
		if rt.forms != nil {
			response.Headers[string(vary)] = &huma.Param{Description: headerTexts[vary], Schema: &huma.Schema{Type: huma.TypeString}}
		}
		op.Responses[strconv.Itoa(rt.answers[i].status)] = response
	}
	for _, status := range rt.problemStatuses() {
		op.Responses[strconv.Itoa(status)] = rt.problemResponse(status)
	}
	return op
}

// parameters are those of the path, the query and the headers.
func (rt *route) parameters() []*huma.Param {
	var params []*huma.Param
	for segment := range strings.SplitSeq(rt.path, "/") {
		if name, found := strings.CutPrefix(segment, "{"); found {
			params = append(params, &huma.Param{
				Name: strings.TrimSuffix(name, "}"), In: "path", Required: true,
				Description: "An id: a UUID. One that is malformed names nothing: 404.",
				Schema:      &huma.Schema{Type: huma.TypeString}, Example: exampleUserID,
			})
		}
	}
	for i := range rt.query {
		params = append(params, rt.query[i].declaration())
	}
	for _, h := range append([]header{requestIDName, traceparent}, rt.headers...) {
		params = append(params, &huma.Param{Name: string(h), In: "header", Description: headerTexts[h], Schema: &huma.Schema{Type: huma.TypeString}})
	}
	return params
}

// declaration is the parameter for the document. A family of parameters is an
// object whose members are parameters, less their common prefix.
func (p *parameter) declaration() *huma.Param {
	if !p.prefix {
		return &huma.Param{Name: p.name, In: "query", Description: p.description, Schema: p.schema, Example: p.example}
	}
	explode := true
	return &huma.Param{
		Name: p.name + "*", In: "query", Description: p.description, Style: "form", Explode: &explode,
		Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: p.schema}, Example: p.example,
	}
}

func (an *answer) response() *huma.Response {
	response := &huma.Response{Description: an.text, Headers: map[string]*huma.Param{}}
	for _, h := range append([]header{requestIDName}, an.headers...) {
		text := headerTexts[h]
		if h == consistency {
			text = answerConsistencyText
		}
		response.Headers[string(h)] = &huma.Param{Description: text, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	if an.schema == "" {
		return response
	}
	media := an.media
	if media == "" {
		media = jsonType[0]
	}
	response.Content = map[string]*huma.MediaType{media: {Schema: ref(an.schema), Example: an.example}}
	for _, c := range an.more {
		response.Content[c.media] = &huma.MediaType{Schema: ref(c.schema), Example: c.example}
	}
	return response
}

// newDocument makes the document without its operations.
func newDocument(version string) huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	for name, schema := range schemas() {
		registry.Map()[name] = schema
	}
	return huma.Config{OpenAPI: &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "identity", Version: version,
			Description: "A directory of users, groups and memberships. Every change is an event; every answer says what it rests on.\n\n" +
				"Every answer has an `X-Request-Id`, but for what cannot be read as a request at all (a path with a broken escape, more than 64 KiB of headers): that is refused in plain text, with 400 or 431.",
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: "/"}},
		Tags: []*huma.Tag{
			{Name: "users"},
			{Name: "groups"},
			{Name: "members"},
			{Name: "changes", Description: "What happens, for those who follow."},
			{Name: "events", Description: "What is stored, for copies."},
			{Name: "keys", Description: "API keys; scope admin."},
			{Name: "views", Description: "Building views anew; scope admin."},
			{Name: "store", Description: "Replicas, and taking over; scope admin."},
			{Name: "service"},
		},
		Components: &huma.Components{
			Schemas: registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{"key": {
				Type: "http", Scheme: "bearer",
				Description: fmt.Sprintf("An API key. Its scopes are %s, %s and %s; the last allows everything.", domain.ReadScope, domain.WriteScope, domain.AdminScope),
			}},
		},
	}}
}

func ref(name string) *huma.Schema { return &huma.Schema{Ref: "#/components/schemas/" + name} }
