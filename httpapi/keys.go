package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
)

var keyRoutes = []route{
	{
		method: http.MethodPost, path: "/keys", scope: domain.AdminScope, id: "createKey", tag: "keys",
		summary: "Make an API key", description: "The answer holds the key itself, this once.", headers: []header{consistency, idempotencyKey},
		body:     &bodySpec{schema: "NewKey", types: postTypes, example: newKeyExample},
		answers:  []answer{{status: http.StatusCreated, text: "Made.", schema: "CreatedKey", headers: []header{location, etag, consistency}, example: createdExample}},
		refusals: []int{http.StatusNotFound}, serve: createKey,
	},
	{
		method: http.MethodGet, path: "/keys", scope: domain.AdminScope, id: "getKeys", tag: "keys",
		summary: "The API keys that were not revoked, by id", query: []parameter{limitParameter, cursorParameter}, headers: readHeaders,
		answers: []answer{{status: http.StatusOK, text: "A page of keys.", schema: "KeyList", headers: listHeaders, example: keyListExample}},
		serve:   getKeys,
	},
	{
		method: http.MethodDelete, path: "/keys/{id}", scope: domain.AdminScope, id: "revokeKey", tag: "keys",
		summary: "Revoke an API key", headers: []header{consistency},
		answers: []answer{{status: http.StatusNoContent, text: "Revoked.", headers: []header{consistency}}},
		serve:   revokeKey,
	},
}

func createKey(ctx context.Context, x *exchange) error {
	command, err := readKey(x)
	if err != nil {
		return err
	}
	result, err := x.do(ctx, command)
	if err != nil {
		return err
	}
	if err := x.setWritten(&result); err != nil {
		return err
	}
	x.setHeader(string(location), "/keys/"+result.Key.ID.String())
	x.Header()["Cache-Control"] = noStore
	x.out = appendKey(x.out[:0], result.Key, result.Secret)
	x.send(http.StatusCreated, jsonType)
	return nil
}

func readKey(x *exchange) (commands.CreateKey, error) {
	var command commands.CreateKey
	var labelled, scoped bool
	err := x.readObject(postTypes, func(b *body, name string, value jsontext.Value) {
		pointer := "/" + name
		switch name {
		case "label":
			labelled = true
			command.Label = readValue(b, pointer, value, false, parseLine).Value
		case "scopes":
			scoped = true
			_ = b.elements(pointer, value, func(i int, element jsontext.Value) {
				scope := readElement(b, pointer, i, element, domain.ParseScope)
				if scope.Set && !slices.Contains(command.Scopes, scope.Value) {
					command.Scopes = append(command.Scopes, scope.Value)
				}
			})
		case "owner":
			command.Owner = readValue(b, pointer, value, true, domain.ParseID[domain.User]).Value
		case "id", "createdAt", "key":
			b.wrong(pointer, isReadOnly)
		default:
			b.unknown("", name)
		}
	}, func(b *body) {
		if !labelled {
			b.wrong("/label", isRequired)
		}
		if !scoped || len(command.Scopes) == 0 && len(b.errors) == 0 {
			b.wrong("/scopes", "must name at least one scope")
		}
	})
	return command, err
}

func getKeys(ctx context.Context, x *exchange) error {
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	page, err := x.api.config.Queries.Keys(ctx, x.listing(), fresh)
	if err != nil {
		return err
	}
	return answerPage(x, &page, func(dst []byte, key *domain.APIKey) []byte { return appendKey(dst, key, "") })
}

func revokeKey(ctx context.Context, x *exchange) error {
	id, err := pathID[domain.APIKey](x, "id")
	if err != nil {
		return err
	}
	result, err := x.do(ctx, commands.RevokeKey{ID: id})
	if err != nil {
		return err
	}
	return x.sendNothing(&result)
}
