package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// askedViews keeps what was ordered, and refuses with err.
type askedViews struct {
	orders []httpapi.RebuildOrder
	err    error
}

func (v *askedViews) Rebuild(_ context.Context, order httpapi.RebuildOrder) error {
	v.orders = append(v.orders, order)
	return v.err
}
func (v *askedViews) Back(context.Context) error { return v.err }
func (v *askedViews) Drop(context.Context) error { return v.err }
func (v *askedViews) Generations(context.Context) (httpapi.Generations, error) {
	return httpapi.Generations{Views: []httpapi.GenerationView{}}, nil
}

func withViews(t testing.TB, views *askedViews) http.Handler {
	return newDirectory(t, wiring{noSearch: true}).handler(t, func(c *httpapi.Config) { c.Views = views })
}

func TestRefusalsOfViews(t *testing.T) {
	views := &askedViews{}
	handler := withViews(t, views)
	for _, refusal := range []struct {
		err    error
		status int
	}{
		{httpapi.ErrRebuilding, http.StatusConflict},
		{httpapi.ErrNothingKept, http.StatusConflict},
		{httpapi.ErrNoSuchView, http.StatusUnprocessableEntity},
		{errors.New("broken"), http.StatusInternalServerError},
		{nil, http.StatusOK},
	} {
		views.err = refusal.err
		if refusal.err != nil {
			views.err = fmt.Errorf("asked by a test: %w", refusal.err)
		}
		for _, path := range []string{"/views:back", "/views:drop"} {
			if answer := ask(handler, "POST", path, ""); answer.Code != refusal.status {
				t.Errorf("%s, %v: %d %s", path, refusal.err, answer.Code, answer.Body)
			}
		}
	}
}

// FuzzRebuildOrder sends orders. What is taken names views that there are, each
// once; everything else is a refusal that names what is wrong.
func FuzzRebuildOrder(f *testing.F) {
	for _, seed := range []string{
		`{"views":["rows","search","closure"],"force":true}`, `{"views":["rows","rows"]}`, `{"views":[]}`, `{"views":[null]}`, `{"views":{}}`, `{"force":1}`, `{"views":["rows"],"rate":250}`, `{"views":["rows"],"rate":1e9}`, `{"views":["rows"],"rate":"7"}`, `{`, ``, `{"views":["\u0072ows"]}`,
	} {
		f.Add([]byte(seed))
	}
	views := &askedViews{}
	handler := withViews(f, views)
	f.Fuzz(func(t *testing.T, body []byte) {
		views.orders = nil
		answer := ask(handler, "POST", "/views:rebuild", string(body), "Content-Type", "application/json")
		switch answer.Code {
		case http.StatusAccepted:
			if len(views.orders) != 1 || len(views.orders[0].Views) == 0 || len(views.orders[0].Views) > 3 || views.orders[0].Rate < 0 || views.orders[0].Rate > httpapi.MaxRebuildRate {
				t.Errorf("taken as %+v", views.orders)
			}
		case http.StatusUnprocessableEntity:
			checkPointers(t, answer.Body.Bytes())
		case http.StatusBadRequest:
		default:
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
		if answer.Code != http.StatusAccepted && len(views.orders) > 0 || !json.Valid(answer.Body.Bytes()) {
			t.Errorf("status %d, ordered %+v: %s", answer.Code, views.orders, answer.Body)
		}
	})
}
