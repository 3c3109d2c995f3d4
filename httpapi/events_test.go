package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
	"github.com/seed5b6a70b4/identity/httpapi"
)

// Whoever copies gets nothing more once their key was revoked.
func TestCopiesEndWithTheirKey(t *testing.T) {
	handler := newDirectory(t, wiring{noSearch: true}).handler(t, nil)
	var key struct{ Key, ID string }
	if err := json.Unmarshal(ask(handler, "POST", "/keys", `{"label":"test","scopes":["read","admin"]}`).Body.Bytes(), &key); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/events?wait=60s", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key.Key)
	request.Header.Set("Accept", "application/x-ndjson")
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), `"sha256"`) { // before which it gives all that there is
	}
	if answer := ask(handler, "DELETE", "/keys/"+key.ID, ""); answer.Code != http.StatusNoContent {
		t.Fatalf("DELETE /keys: %d", answer.Code)
	}
	created(t, handler, "/users", `{"username":"nobodys-business"}`)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "nobodys-business") {
			t.Fatalf("given %s", lines.Text())
		}
	}
	if lines.Err() == nil {
		t.Error("it ends as if it were whole")
	}
}

// revoking revokes a key when the first of an answer is sent.
type revoking struct {
	*httptest.ResponseRecorder
	revoke func()
}

func (w *revoking) Flush() {
	w.ResponseRecorder.Flush()
	w.revoke()
}

// Nor does a list go on that is being told.
func TestListsEndWithTheirKey(t *testing.T) {
	handler := newDirectory(t, wiring{noSearch: true}).handler(t, nil)
	for i := range 501 {
		created(t, handler, "/users", fmt.Sprintf(`{"username":"u%d"}`, i))
	}
	var key struct{ Key, ID string }
	if err := json.Unmarshal(ask(handler, "POST", "/keys", `{"label":"test","scopes":["read"]}`).Body.Bytes(), &key); err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), "GET", "/users", nil)
	request.Header.Set("Authorization", "Bearer "+key.Key)
	request.Header.Set("Accept", "application/x-ndjson")
	answer := &revoking{httptest.NewRecorder(), func() { ask(handler, "DELETE", "/keys/"+key.ID, "") }}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it ends as if it were whole")
			}
		}()
		handler.ServeHTTP(answer, request)
	}()
	if lines := strings.Count(answer.Body.String(), "\n"); lines != 500 {
		t.Errorf("%d lines were told", lines)
	}
}

// slowSource gives a transaction, and goes on without another until that was seen.
type slowSource struct {
	transaction []eventstream.Commit
	seen        chan struct{}
	limit       context.Context
}

func (s *slowSource) After(context.Context, eventstream.Mark) iter.Seq2[transfer.Step, error] {
	return func(yield func(transfer.Step, error) bool) {
		if !yield(transfer.Step{Transaction: s.transaction}, nil) {
			return
		}
		looks := time.NewTicker(20 * time.Millisecond)
		defer looks.Stop()
		for {
			select {
			case <-s.seen:
				return
			case <-s.limit.Done():
				yield(transfer.Step{}, errors.New("nobody has seen the transaction"))
				return
			case <-looks.C:
				if !yield(transfer.Step{}, nil) {
					return
				}
			}
		}
	}
}

func (s *slowSource) Wait(ctx context.Context, _ eventstream.Mark) error {
	<-ctx.Done()
	return ctx.Err()
}

func (s *slowSource) Ordered() bool { return false }

// What a slow store has given is sent though it is little, while the store is read on.
func TestEventsOfASlowStoreAreSentInTime(t *testing.T) {
	limit, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tx := eventstream.Transaction{Command: uuid.New(), Entries: []eventstream.Entry{{Stream: "users/0", Expect: eventstream.Any(), Data: []byte("[]")}}}
	source := &slowSource{eventstream.Seal(&tx, make([]eventstream.Head, 1), time.Now()), make(chan struct{}), limit}
	server := httptest.NewServer(newDirectory(t, wiring{noSearch: true}).handler(t, func(c *httpapi.Config) { c.Events = source }))
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+adminKey)
	request.Header.Set("Accept", "application/x-ndjson")
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if strings.Contains(lines.Text(), tx.Command.String()) {
			close(source.seen)
		}
	}
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
	select {
	case <-source.seen:
	default:
		t.Error("the transaction was not sent")
	}
}
