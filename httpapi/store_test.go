package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"unicode/utf8"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
)

// askedKeeper keeps what was ordered, and refuses with err.
type askedKeeper struct {
	orders []httpapi.PromotionOrder
	role   string
	err    error
}

func (k *askedKeeper) Standing(context.Context) (httpapi.Standing, error) {
	return httpapi.Standing{Epoch: "0102030405060708", Role: k.role}, nil
}

func (k *askedKeeper) Close(ctx context.Context) (httpapi.Standing, error) {
	if k.err != nil {
		return httpapi.Standing{}, k.err
	}
	k.role = httpapi.ClosedRole
	return k.Standing(ctx)
}

func (k *askedKeeper) Promote(_ context.Context, order httpapi.PromotionOrder) error {
	k.orders = append(k.orders, order)
	return k.err
}

func withKeeper(t testing.TB, keeper *askedKeeper) http.Handler {
	return newDirectory(t, wiring{noSearch: true}).handler(t, func(c *httpapi.Config) { c.Keeper = keeper })
}

func TestStoreIsClosedAndTakesOver(t *testing.T) {
	keeper := &askedKeeper{role: httpapi.ReplicaRole}
	handler := withKeeper(t, keeper)
	for _, step := range []struct {
		method, path, body string
		err                error
		status             int
		says               string
	}{
		{"GET", "/store", "", nil, http.StatusOK, `"role":"replica"`},
		{"POST", "/store:promote", `{"lost":true}`, nil, http.StatusAccepted, `"epoch":"0102030405060708"`},
		{"POST", "/store:promote", `{}`, nil, http.StatusAccepted, `"epoch"`},
		{"POST", "/store:promote", "", nil, http.StatusAccepted, `"epoch"`},
		{"POST", "/store:promote", `{}`, fmt.Errorf("asked by a test: %w", httpapi.ErrNotFollowing), http.StatusConflict, "not_a_replica"},
		{"POST", "/store:close", "", fmt.Errorf("asked by a test: %w", commands.ErrFollower), http.StatusServiceUnavailable, `"replica"`},
		{"POST", "/store:close", "", fmt.Errorf("asked by a test: %w", eventstream.ErrUnavailable), http.StatusServiceUnavailable, `"unavailable"`},
		{"POST", "/store:close", "", errors.New("broken"), http.StatusInternalServerError, "internal"},
		{"POST", "/store:close", "", nil, http.StatusOK, `"role":"closed"`},
		{"POST", "/store:close", "", nil, http.StatusOK, `"role":"closed"`},
	} {
		keeper.err = step.err
		answer := ask(handler, step.method, step.path, step.body)
		if answer.Code != step.status || !bytes.Contains(answer.Body.Bytes(), []byte(step.says)) {
			t.Errorf("%s %s, %v: %d %s", step.method, step.path, step.err, answer.Code, answer.Body)
		}
		if answer.Code < 300 && answer.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached", step.path)
		}
	}
	if fmt.Sprint(keeper.orders) != "[{true} {false} {false} {false}]" {
		t.Errorf("ordered was %v", keeper.orders)
	}
}

// An order that brings a token of no life of the store is carried out by nobody.
func TestOrdersWithBadTokensAreRefused(t *testing.T) {
	keeper := &askedKeeper{role: httpapi.ReplicaRole}
	handler := withKeeper(t, keeper)
	for _, path := range []string{"/store:close", "/store:promote"} {
		answer := ask(handler, "POST", path, "{}", "X-Consistency", "nonsense")
		if answer.Code != http.StatusBadRequest || !bytes.Contains(answer.Body.Bytes(), []byte("malformed_token")) {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
	if keeper.role != httpapi.ReplicaRole || keeper.orders != nil {
		t.Errorf("role %s, ordered %v", keeper.role, keeper.orders)
	}
}

// FuzzPromotionOrder sends orders. A source is given up only by an order that says so;
// what is no order is a refusal that names what is wrong, and orders nothing.
func FuzzPromotionOrder(f *testing.F) {
	for _, seed := range []string{`{}`, `{"lost":true}`, `{"lost":false}`, `{"lost":null}`, `{"lost":"true"}`, `{"lost":true,"lost":false}`, `{"Lost":true}`, `[]`, ``, `null`, `{"lost":tru`, `{"lost":true} x`, "{\"l\xff\":1}"} {
		f.Add([]byte(seed))
	}
	keeper := &askedKeeper{role: httpapi.ReplicaRole}
	handler := withKeeper(f, keeper)
	f.Fuzz(func(t *testing.T, body []byte) {
		keeper.orders = nil
		answer := ask(handler, "POST", "/store:promote", string(body), "Content-Type", "application/json")
		sound := json.Valid(body) && utf8.Valid(body)
		switch answer.Code {
		case http.StatusAccepted:
			var said struct{ Lost bool }
			err := json.Unmarshal(body, &said)
			if len(body) > 0 && (err != nil || !sound) || len(keeper.orders) != 1 || keeper.orders[0].Lost != said.Lost {
				t.Errorf("%q orders %v", body, keeper.orders)
			}
			return
		case http.StatusUnprocessableEntity:
			if !sound {
				t.Errorf("not malformed: %s", answer.Body)
			}
			checkPointers(t, answer.Body.Bytes())
		case http.StatusBadRequest:
		default:
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
		if len(keeper.orders) > 0 {
			t.Errorf("refused, and ordered %v", keeper.orders)
		}
	})
}
