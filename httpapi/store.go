package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/domain"
)

func (a *api) storeRoutes() []route {
	if a.config.Keeper == nil {
		return nil
	}
	return []route{
		{
			method: http.MethodGet, path: "/store", scope: domain.AdminScope, id: "getStore", tag: "store",
			summary: "What the store is, and how it follows another one",
			answers: []answer{{status: http.StatusOK, text: "What it is.", schema: "Standing", example: standingExample}}, serve: getStore,
		},
		{
			method: http.MethodPost, path: "/store:close", scope: domain.AdminScope, id: "closeStore", tag: "store",
			summary:     "Take no writes any more, for ever",
			description: "What a replica's promotion does first, so that nothing is acknowledged that it does not have. Reads and `GET /events` go on. Repeating it is no error. Where it takes longer than a request may, the answer is 503 `unavailable` and it goes on: ask again. While something is parked whose events would be missing, it is 503 `parked`, and writes are taken still.",
			answers:     []answer{{status: http.StatusOK, text: "It is closed, and its events are all there.", schema: "Standing", example: closedExample}}, readsNothing: true,
			problems: map[int]refusal{http.StatusServiceUnavailable: {"unavailable", "Not now: `unavailable`, `parked` or `view_behind`. Or the store follows another one: `replica`."}},
			serve:    closeStore,
		},
		{
			method: http.MethodPost, path: "/store:promote", scope: domain.AdminScope, id: "promoteStore", tag: "store",
			summary:     "Take over from the store that is followed",
			description: "It closes the followed store, waits for the last of its events, begins a life of its own, in which tokens of the old one are foreign, and takes writes. `GET /store` tells how that goes.",
			body:        &bodySpec{schema: "PromotionOrder", types: postTypes, optional: true, example: json.RawMessage(`{"lost":false}`)},
			answers:     []answer{{status: http.StatusAccepted, text: "It has begun.", schema: "Standing", example: standingExample}},
			problems:    map[int]refusal{http.StatusConflict: {"not_a_replica", "The store follows no other: `not_a_replica`."}},
			serve:       promoteStore,
		},
	}
}

func getStore(ctx context.Context, x *exchange) error {
	standing, err := x.api.config.Keeper.Standing(ctx)
	if err != nil {
		return err
	}
	return x.sendStanding(http.StatusOK, &standing)
}

func (x *exchange) sendStanding(status int, standing *Standing) error {
	raw, err := json.Marshal(standing)
	if err != nil {
		return err
	}
	x.Header()["Cache-Control"] = noStore
	x.out = append(x.out[:0], raw...)
	x.send(status, jsonType)
	return nil
}

func closeStore(ctx context.Context, x *exchange) error {
	if err := x.readNothing(); err != nil {
		return err
	}
	standing, err := x.api.config.Keeper.Close(ctx)
	if err != nil {
		return err
	}
	return x.sendStanding(http.StatusOK, &standing)
}

func promoteStore(ctx context.Context, x *exchange) error {
	var order PromotionOrder
	err := x.readOptional(func(b *body, name string, value jsontext.Value) {
		switch name {
		case "lost":
			order.Lost = readBool(b, "/lost", value).Value
		default:
			b.unknown("", name)
		}
	})
	if err != nil {
		return err
	}
	if err := x.api.config.Keeper.Promote(ctx, order); err != nil {
		return err
	}
	standing, err := x.api.config.Keeper.Standing(ctx)
	if err != nil {
		return err
	}
	return x.sendStanding(http.StatusAccepted, &standing)
}
