package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/domain"
)

func (a *api) viewRoutes() []route {
	if a.config.Views == nil {
		return nil
	}
	state := answer{status: http.StatusOK, text: "How the views are.", schema: "Generations", example: generationsExample}
	return []route{
		{
			method: http.MethodGet, path: "/views", scope: domain.AdminScope, id: "getViews", tag: "views",
			summary: "The views' generations, and how a rebuild does", answers: []answer{state}, serve: getViews,
		},
		{
			method: http.MethodPost, path: "/views:rebuild", scope: domain.AdminScope, id: "rebuildViews", tag: "views",
			summary: "Build views anew, beside those that answer",
			description: "A new generation is made from the streams while the present one answers. It is compared with that, and takes its place at once. " +
				"What is different stops the rebuild, unless `force` is set. `rate` holds it to so many commits, rows or documents a second. `GET /views` tells how it does.",
			body:    &bodySpec{schema: "RebuildOrder", types: postTypes, example: json.RawMessage(`{"views":["rows","search"]}`)},
			answers: []answer{{status: http.StatusAccepted, text: "It has begun.", schema: "Generations", example: generationsExample}},
			problems: map[int]refusal{
				http.StatusConflict:            {"rebuilding", "Another rebuild is under way: `rebuilding`."},
				http.StatusUnprocessableEntity: {"invalid", "Values that cannot be accepted: `invalid`, each with a pointer. Or a view that this service does not have: `no_such_view`."},
			},
			serve: rebuildViews,
		},
		{
			method: http.MethodPost, path: "/views:back", scope: domain.AdminScope, id: "returnViews", tag: "views",
			summary: "Go back to the generation that is kept", description: "The one that answered is kept in its place.",
			answers: []answer{state}, readsNothing: true, serve: returnViews,
			problems: map[int]refusal{http.StatusConflict: {"nothing_kept", "No earlier generation is kept: `nothing_kept`. Or a rebuild is under way: `rebuilding`."}},
		},
		{
			method: http.MethodPost, path: "/views:drop", scope: domain.AdminScope, id: "dropViews", tag: "views",
			summary: "Let go of the generation that is kept, or is being built", answers: []answer{state}, readsNothing: true, serve: dropViews,
		},
	}
}

func getViews(ctx context.Context, x *exchange) error { return x.sendGenerations(ctx, http.StatusOK) }

func (x *exchange) sendGenerations(ctx context.Context, status int) error {
	generations, err := x.api.config.Views.Generations(ctx)
	if err != nil {
		return err
	}
	x.Header()["Cache-Control"] = noStore
	if x.out, err = appendGenerations(x.out[:0], &generations); err != nil {
		return err
	}
	x.send(status, jsonType)
	return nil
}

func appendGenerations(dst []byte, generations *Generations) ([]byte, error) {
	raw, err := json.Marshal(generations)
	return append(dst, raw...), err
}

func rebuildViews(ctx context.Context, x *exchange) error {
	order, err := readOrder(x)
	if err != nil {
		return err
	}
	if err := x.api.config.Views.Rebuild(ctx, order); err != nil {
		return err
	}
	return x.sendGenerations(ctx, http.StatusAccepted)
}

func readOrder(x *exchange) (order RebuildOrder, err error) {
	err = x.readObject(postTypes, func(b *body, name string, value jsontext.Value) {
		pointer := "/" + name
		switch name {
		case "views":
			_ = b.elements(pointer, value, func(i int, element jsontext.Value) {
				view := readElement(b, pointer, i, element, parseView)
				if view.Set && !slices.Contains(order.Views, view.Value) {
					order.Views = append(order.Views, view.Value)
				}
			})
		case "force":
			order.Force = readBool(b, pointer, value).Value
		case "rate":
			order.Rate = readRate(b, pointer, value)
		default:
			b.unknown("", name)
		}
	}, func(b *body) {
		if len(order.Views) == 0 && len(b.errors) == 0 {
			b.wrong("/views", "must name at least one view")
		}
	})
	return order, err
}

func readRate(b *body, pointer string, value jsontext.Value) int {
	rate, err := strconv.Atoi(string(value))
	if err != nil || rate < 1 || rate > MaxRebuildRate {
		b.wrong(pointer, "must be a whole number from 1 to "+strconv.Itoa(MaxRebuildRate))
	}
	return rate
}

func parseView(text string) (string, error) {
	if slices.Contains([]string{RowsView, SearchView, ClosureView}, text) {
		return text, nil
	}
	return "", domain.Refuse(domain.Invalid, "", "must be rows, search or closure")
}

func returnViews(ctx context.Context, x *exchange) error {
	if err := x.readNothing(); err != nil {
		return err
	}
	if err := x.api.config.Views.Back(ctx); err != nil {
		return err
	}
	return x.sendGenerations(ctx, http.StatusOK)
}

func dropViews(ctx context.Context, x *exchange) error {
	if err := x.readNothing(); err != nil {
		return err
	}
	if err := x.api.config.Views.Drop(ctx); err != nil {
		return err
	}
	return x.sendGenerations(ctx, http.StatusOK)
}
