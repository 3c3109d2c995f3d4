package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries"
)

// faulty is a store that fails when it is told to.
type faulty struct {
	eventstream.Store
	fault atomic.Pointer[func(context.Context) error]
}

func (f *faulty) failWith(fault func(context.Context) error) { f.fault.Store(&fault) }

func (f *faulty) err(ctx context.Context) error {
	if fault := f.fault.Load(); fault != nil {
		return (*fault)(ctx)
	}
	return nil
}

func (f *faulty) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	if err := f.err(ctx); err != nil {
		return nil, err
	}
	return f.Store.Append(ctx, tx)
}

func (f *faulty) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	if err := f.err(ctx); err != nil {
		return func(yield func(eventstream.Commit, error) bool) { yield(eventstream.Commit{}, err) }
	}
	return f.Store.Read(ctx, stream, after)
}

func (f *faulty) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	if err := f.err(ctx); err != nil {
		return eventstream.Commit{}, err
	}
	return f.Store.Last(ctx, stream)
}

const leak = "secret of the storage"

// requestsToTheStore are methods, paths and bodies that no view answers alone.
func requestsToTheStore(user, group string) [][3]string {
	return [][3]string{
		{"GET", "/users?username=homer", ""},
		{"GET", "/users/" + user + "?seq=1", ""},
		{"GET", "/users/" + user + "/history", ""},
		{"GET", "/groups/" + group + "/history", ""},
		{"PATCH", "/users/" + user, `{"name":"x"}`},
		{"POST", "/users", `{"username":"other"}`},
		{"PUT", "/groups/" + group + "/members/" + user, ""},
		{"DELETE", "/groups/" + group, ""},
		{"POST", "/keys", `{"label":"x","scopes":["read"]}`},
	}
}

func TestFaultsBehindUs(t *testing.T) {
	store := &faulty{}
	d := newDirectory(t, wiring{store: func(s eventstream.Store) eventstream.Store { store.Store = s; return store }})
	var log bytes.Buffer
	within := func(timeout time.Duration) http.Handler {
		return d.handler(t, func(c *httpapi.Config) {
			c.Logger, c.Timeout = slog.New(slog.NewTextHandler(&log, nil)), timeout
		})
	}
	handler := within(time.Minute)
	user := created(t, handler, "/users", `{"username":"homer"}`)
	group := created(t, handler, "/groups", `{"name":"staff"}`)
	for _, test := range []struct {
		name   string
		fault  func(context.Context) error
		status int
		code   string
		logged int
	}{
		{"unavailable", func(context.Context) error { return fmt.Errorf("%s: %w", leak, eventstream.ErrUnavailable) }, 503, "unavailable", 1},
		{"throttled", func(context.Context) error { return eventstream.ErrThrottled }, 503, "unavailable", 1},
		{"outcome unknown", func(context.Context) error { return eventstream.ErrUnknownOutcome }, 503, "unavailable", 1},
		{"corrupt", func(context.Context) error { return eventstream.ErrCorrupt }, 503, "unavailable", 1},
		{"too slow", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 503, "unavailable", 0},
		{"anything else", func(context.Context) error { return errors.New(leak) }, 500, "internal", 1},
		{"a panic", func(context.Context) error { panic(leak) }, 500, "internal", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := handler
			if test.name == "too slow" {
				handler = within(100 * time.Millisecond)
			}
			for _, request := range requestsToTheStore(user, group) {
				log.Reset()
				store.failWith(test.fault)
				answer := ask(handler, request[0], request[1], request[2])
				store.fault.Store(nil)
				problem := problemOf(t, answer.Body.Bytes())
				if answer.Code != test.status || problem.Code != test.code {
					t.Errorf("%s %s: %d %s, want %d %s", request[0], request[1], answer.Code, problem.Code, test.status, test.code)
				}
				if (test.status == 503) != (answer.Header().Get("Retry-After") != "") {
					t.Errorf("%s %s: Retry-After %q", request[0], request[1], answer.Header().Get("Retry-After"))
				}
				if strings.Contains(answer.Body.String(), leak) || strings.Contains(answer.Body.String(), "goroutine") {
					t.Errorf("%s %s: the answer tells of the inside: %s", request[0], request[1], answer.Body)
				}
				if got := strings.Count(log.String(), "request failed"); got != test.logged {
					t.Errorf("%s %s: logged %d times, want %d: %s", request[0], request[1], got, test.logged, &log)
				}
			}
		})
	}
	if answer := ask(handler, "GET", "/users/"+user, ""); answer.Code != http.StatusOK {
		t.Errorf("after the faults: status %d", answer.Code)
	}
}

func TestAFaultIsNoWrongKey(t *testing.T) {
	store := &faulty{}
	d := newDirectory(t, wiring{
		store:  func(s eventstream.Store) eventstream.Store { store.Store = s; return store },
		waiter: func(w queries.Waiter) queries.Waiter { return w },
	})
	handler := d.handler(t, func(c *httpapi.Config) {
		reader, err := queries.NewReader(queries.Config{Streams: d.streams, View: brokenRows{d.view}, Waiter: noWaiter{}, ClaimSecret: d.of.Secret})
		if err != nil {
			t.Fatal(err)
		}
		c.Queries = reader
	})
	secret := keyFor(t, d.handler(t, nil), `["read"]`)
	answer := ask(handler, "GET", "/users", "", "Authorization", "")
	if answer.Code != http.StatusUnauthorized {
		t.Errorf("without a key: %d", answer.Code)
	}
	answer = askAs(handler, secret, "GET", "/users")
	if problem := problemOf(t, answer.Body.Bytes()); answer.Code != http.StatusServiceUnavailable || problem.Code != "unavailable" {
		t.Errorf("with a key that cannot be looked up: %d %s", answer.Code, answer.Body)
	}
}

func TestViewsThatAreNotThere(t *testing.T) {
	var outcome error
	d := newDirectory(t, wiring{waiter: func(queries.Waiter) queries.Waiter { return waiterWith{&outcome} }, noSearch: true})
	handler := d.handler(t, nil)
	user := created(t, handler, "/users", `{"username":"homer"}`)
	for _, test := range []struct {
		err    error
		status int
		code   string
	}{
		{eventstream.ErrBehind, 503, "view_behind"},
		{eventstream.ErrParked, 503, "parked"},
		{eventstream.ErrUnknownPosition, 400, "unknown_position"},
	} {
		outcome = fmt.Errorf("%s: %w", leak, test.err)
		for _, path := range []string{"/users/" + user, "/users", "/users?username=homer"} {
			answer := ask(handler, "GET", path, "", "X-Consistency", "latest")
			if problem := problemOf(t, answer.Body.Bytes()); answer.Code != test.status || problem.Code != test.code {
				t.Errorf("%v: GET %s: %d %s, want %d %s", test.err, path, answer.Code, problem.Code, test.status, test.code)
			}
			if (test.status == 503) != (answer.Header().Get("Retry-After") != "") {
				t.Errorf("%v: Retry-After %q", test.err, answer.Header().Get("Retry-After"))
			}
		}
	}
}

// Look-ups wait for who took a value, asked to or not, and as long as is preferred.
func TestAPreferredWaitNeedsNoToken(t *testing.T) {
	for preferred, want := range map[string]time.Duration{"": queries.DefaultWait, "wait=3": 3 * time.Second, "wait=100": queries.MaxWait} {
		noted := &waits{}
		handler := newDirectory(t, wiring{waiter: func(queries.Waiter) queries.Waiter { return noted }, noSearch: true}).handler(t, nil)
		created(t, handler, "/users", `{"username":"homer"}`)
		began := time.Now()
		answer := ask(handler, "GET", "/users?username=homer", "", "Prefer", preferred)
		if answer.Code != http.StatusOK || noted.longest > want || noted.longest < want-time.Since(began) {
			t.Errorf("preferring %q: status %d, it may wait %v", preferred, answer.Code, noted.longest)
		}
	}
}

// unnumbered is a store that does not number its transactions.
type unnumbered struct{ eventstream.Store }

func TestLatestWhereNoPositionNamesEverything(t *testing.T) {
	d := newDirectory(t, wiring{store: func(s eventstream.Store) eventstream.Store { return unnumbered{s} }})
	handler := d.handler(t, nil)
	user := created(t, handler, "/users", `{"username":"homer"}`)
	group := created(t, handler, "/groups", `{"name":"staff"}`)
	for path, status := range map[string]int{
		"/users/" + user: 200, "/users?username=homer": 200, "/users/" + user + "/history": 200,
		"/users": 400, "/users?q=homer": 400, "/groups/" + group + "/members": 400, "/users/" + user + "/groups": 400,
	} {
		answer := ask(handler, "GET", path, "", "X-Consistency", "latest")
		if answer.Code != status {
			t.Errorf("GET %s: %d %s, want %d", path, answer.Code, answer.Body, status)
		}
		if status == 400 && problemOf(t, answer.Body.Bytes()).Code != "latest_unavailable" {
			t.Errorf("GET %s: %s", path, answer.Body)
		}
	}
}

type problem struct {
	Code   string `json:"code"`
	Status int    `json:"status"`
}

func problemOf(t *testing.T, body []byte) (p problem) {
	t.Helper()
	if err := json.Unmarshal(body, &p); err != nil {
		t.Errorf("no problem: %v: %s", err, body)
	}
	return p
}
