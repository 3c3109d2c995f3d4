package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed5b6a70b4/identity/domain"
)

var batchRoutes = []route{{
	method: http.MethodPost, path: "/users:batch", scope: domain.WriteScope, id: "changeUsers", tag: "users",
	summary: "Create and change many users",
	description: "Each item is done or refused whole, as the request of its own would be, and has its result, in order; the answer is 200 whatever becomes of them. " +
		"Items that touch the same user, or contend for the same value, are done as if one after another in the order given; others at the same time. " +
		"A user that brings its `id` can be created again: the second time answers 200 with the first result. So a batch that was cut off can be sent again. " +
		"There is no token for the whole; each result brings its own. What is not JSON is refused whole, and then nothing was done. " +
		"As `application/x-ndjson` any number of items can be sent, one on each line of at most 1 MiB, and each is answered on a line while others are still sent: " +
		"read while you write, because a client that does not read is not read either. A line that is wrong is a result too.",
	headers:   []header{consistency},
	body:      &bodySpec{schema: "Batch", types: postTypes, example: batchExample, line: "BatchItem", lineExample: itemExample},
	streamsIf: (*exchange).sendsLines,
	answers: []answer{
		{status: http.StatusOK, text: "A result for each item.", schema: "BatchResults", example: batchResultsExample},
		{status: http.StatusOK, schema: "BatchResult", media: linesMedia, example: resultExample},
	},
	serve: changeUsers,
}}

var (
	itemExample  = json.RawMessage(`{"op":"create","user":{"id":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10","username":"homer"}}`)
	batchExample = json.RawMessage(`{"items":[` + string(itemExample) + `,` +
		`{"op":"patch","id":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10","ifMatch":"\"AQ\"","user":{"name":"Homer Simpson"}}]}`)
	resultExample       = json.RawMessage(`{"line":1,"status":201,"id":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10","etag":"\"AQ\"","consistency":"AQ"}`)
	batchResultsExample = json.RawMessage(`{"items":[{"status":201,"id":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10","etag":"\"AQ\"","consistency":"AQ"},` +
		`{"status":412,"code":"precondition_failed","detail":"the entity is not where the condition says","etag":"\"AQ\""}]}`)
)

func batchItemSchema() *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{
		object([]string{"op", "user"}, map[string]*huma.Schema{"op": enum(createOp), "user": ref("NewUser")}),
		object([]string{"op", "id", "user"}, map[string]*huma.Schema{
			"op": enum(patchOp), "id": idSchema("The user."), "user": ref("UserPatch"),
			"ifMatch": nullable(text("Entity tags, as in If-Match: change the user only if it still has one of them.", 0)),
		}),
	}}
}

func batchResultSchema() *huma.Schema {
	return object([]string{"status"}, map[string]*huma.Schema{
		"status":      described(integer(200), "As the request of its own would be answered: 201, 200, or what is wrong."),
		"next":        described(integer(1), "Only in the last line of a stream that ends early: the line to go on with. Nothing was done of it and of what follows."),
		"line":        described(integer(1), "Where the item stands in the body, if that is lines."),
		"id":          idSchema("The user."),
		"etag":        text("What the user is now; of a condition that did not hold, too. As it goes into If-Match, with its quotes.", 0),
		"consistency": text("What was written, for X-Consistency.", 0),
		"code":        text("What is wrong, as in a Problem.", 0),
		"detail":      text("", 0),
		"errors":      problemSchema().Properties["errors"],
		"until":       problemSchema().Properties["until"],
		"retryAfter":  described(integer(1), "How many seconds to wait before sending the item again."),
	})
}
