package elasticview_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
)

// between stands between an index and the server. Every function may look at a
// request and give an answer in the server's place, or nil.
type between struct {
	instead func(*http.Request) (*http.Response, error)
	after   func(*http.Request, *http.Response) (*http.Response, error)
}

func (b *between) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.instead != nil {
		if response, err := b.instead(r); response != nil || err != nil {
			return response, err
		}
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && b.after != nil {
		return b.after(r, response)
	}
	return response, err
}

func isBulk(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/_bulk") }

func says(status int, body string) *http.Response {
	recorder := httptest.NewRecorder()
	recorder.Header().Set("X-Elastic-Product", "Elasticsearch")
	recorder.Header().Set("Content-Type", "application/json")
	recorder.WriteHeader(status)
	recorder.WriteString(body)
	return recorder.Result()
}

func openBehind(t *testing.T, b *between) *elasticview.Index {
	return open(t, func(o *elasticview.Options) { o.Transport = b })
}

func user(name string, revision uint64) queries.Document {
	return queries.Document{ID: domain.NewID[domain.User]().UUID, Kind: domain.UserMember, Revision: revision, Name: name, Active: true}
}

func find(t *testing.T, index *elasticview.Index, text string) []uuid.UUID {
	t.Helper()
	found, err := index.Search(t.Context(), queries.Criteria{Kind: domain.UserMember, Text: text}, nil, 100)
	if err != nil {
		t.Fatal(err)
	}
	return found.IDs
}

func TestWhatMayPassIsTriedAgainAndOnlyThat(t *testing.T) {
	var bodies []string
	b := &between{}
	index := openBehind(t, b)
	b.instead = func(r *http.Request) (*http.Response, error) {
		if !isBulk(r) {
			return nil, nil
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, string(body))
		switch len(bodies) {
		case 1: // the second of three is not taken, and the others are there already
			return says(200, `{"items":[{"index":{"status":201}},{"index":{"status":429,"error":{"type":"es_rejected_execution_exception"}}},{"index":{"status":409,"error":{"type":"version_conflict_engine_exception"}}}]}`), nil
		case 2:
			return says(503, `{"error":{"type":"cluster_block_exception"}}`), nil
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		return nil, nil
	}
	documents := []queries.Document{user("First", 1), user("Second", 1), user("Third", 1)}
	if err := index.Put(t.Context(), documents); err != nil {
		t.Fatal(err)
	}
	last := bodies[len(bodies)-1]
	if len(bodies) < 3 || strings.Count(last, `"_id"`) != 1 || !strings.Contains(last, documents[1].ID.String()) {
		t.Errorf("the last of %d requests was %s", len(bodies), last)
	}
	if found := find(t, index, "second"); len(found) != 1 {
		t.Errorf("found %v", found)
	}
}

func TestALostAnswerDoublesNothing(t *testing.T) {
	b, lost := &between{}, atomic.Int32{}
	index := openBehind(t, b)
	b.after = func(r *http.Request, response *http.Response) (*http.Response, error) {
		if !isBulk(r) || lost.Add(1) > 3 {
			return response, nil
		}
		response.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	if err := index.Put(t.Context(), []queries.Document{user("Somebody", 7)}); err != nil {
		t.Fatal(err)
	}
	if found := find(t, index, "somebody"); len(found) != 1 || lost.Load() < 4 {
		t.Errorf("found %v after %d requests", found, lost.Load())
	}
}

// What somebody else has put, and waits for still, is found once it was put again.
func TestWhatOthersPutIsSeen(t *testing.T) {
	b, first := &between{}, true
	index := open(t, func(o *elasticview.Options) { o.Transport, o.RefreshInterval = b, 59*time.Second })
	b.instead = func(r *http.Request) (*http.Response, error) {
		if isBulk(r) && first { // which is as if its Put had been given up
			first, r.URL.RawQuery = false, strings.Replace(r.URL.RawQuery, "refresh=wait_for", "refresh=false", 1)
		}
		return nil, nil
	}
	document := []queries.Document{user("Somebody", 7)}
	if err := index.Put(t.Context(), document); err != nil {
		t.Fatal(err)
	}
	if found := find(t, index, "somebody"); first || len(found) != 0 {
		t.Fatalf("found %v already", found)
	}
	if err := index.Put(t.Context(), document); err != nil {
		t.Fatal(err)
	}
	if found := find(t, index, "somebody"); len(found) != 1 {
		t.Errorf("found %v", found)
	}
}

func TestRefusedDocumentsAreNamedAndKeepNobodyOut(t *testing.T) {
	b := &between{}
	index := openBehind(t, b)
	bad := user("Secretname", 3)
	b.instead = func(r *http.Request) (*http.Response, error) {
		if !isBulk(r) {
			return nil, nil
		}
		body, err := io.ReadAll(r.Body)
		lines := strings.Split(string(body), "\n")
		for i, line := range lines {
			if strings.Contains(line, bad.ID.String()) && strings.Contains(line, `"name"`) {
				lines[i] = strings.Replace(line, `"name"`, `"unknown"`, 1) // which the strict mapping refuses
			}
		}
		changed := strings.Join(lines, "\n")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
		return nil, err
	}
	good := user("Good", 3)
	err := index.Put(t.Context(), []queries.Document{bad, good})
	var refused *elasticview.RefusedError
	if !errors.As(err, &refused) || !errors.Is(err, eventstream.ErrParked) || len(refused.Documents) != 1 || refused.Documents[0].ID != bad.ID {
		t.Fatalf("the error is %v", err)
	}
	if strings.Contains(strings.ToLower(err.Error()), "secretname") {
		t.Errorf("the error tells a name: %v", err)
	}
	if found := find(t, index, "good"); len(found) != 1 || found[0] != good.ID {
		t.Errorf("found %v", found)
	}
}

func TestAnswersOfSomethingElseAreNotTaken(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"hits":{"hits":[]}}`) }))
	t.Cleanup(other.Close)
	index, err := elasticview.New(elasticview.Options{URLs: []string{other.URL}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = index.Search(t.Context(), queries.Criteria{Kind: domain.UserMember}, nil, 1)
	if !errors.Is(err, elasticview.ErrNotElasticsearch) {
		t.Errorf("the error is %v", err)
	}
}

func TestAServerThatIsAwayIsUnavailable(t *testing.T) {
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	index, err := elasticview.New(elasticview.Options{URLs: []string{away.URL}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := index.Search(t.Context(), queries.Criteria{Kind: domain.UserMember}, nil, 1); !errors.Is(err, eventstream.ErrUnavailable) {
		t.Errorf("search: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := index.Put(ctx, []queries.Document{user("Somebody", 1)}); err == nil {
		t.Error("put succeeds")
	}
}

func TestNothingIsMadeWhereThereIsNoIndex(t *testing.T) {
	index, err := elasticview.New(elasticview.Options{URLs: []string{testservers.Elasticsearch(t)}, Name: "test-" + uuid.NewString()})
	if err != nil {
		t.Fatal(err)
	}
	_, searching := index.Search(t.Context(), queries.Criteria{Kind: domain.UserMember}, nil, 1)
	for what, err := range map[string]error{
		"check": index.Check(t.Context()), "search": searching, "put": index.Put(t.Context(), []queries.Document{user("Somebody", 1)}),
		"again": index.Check(t.Context()),
	} {
		if !errors.Is(err, elasticview.ErrNoIndex) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !errors.Is(searching, eventstream.ErrUnavailable) { // for whoever asks it is away
		t.Errorf("search: %v", searching)
	}
}
