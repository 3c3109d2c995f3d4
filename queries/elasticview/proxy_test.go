package elasticview_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/testproxy"
	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/elasticview"
)

// TestElasticsearchAway: calls say so within their deadlines, as something that
// passes, and what was put before and during that is found once it is back.
func TestElasticsearchAway(t *testing.T) {
	faulty := func(faults ...testproxy.Fault) func(*testproxy.Proxy) {
		return func(p *testproxy.Proxy) { p.Set(1, faults...) }
	}
	for name, away := range map[string]struct{ begin, end func(*testproxy.Proxy) }{
		"refuses connections":       {(*testproxy.Proxy).Down, (*testproxy.Proxy).Up},
		"does not answer":           {faulty(testproxy.Silent()), faulty()},
		"resets connections":        {faulty(testproxy.Reset()), faulty()},
		"cuts its answers":          {faulty(testproxy.NoReplies()), faulty()},
		"cuts its answers short":    {faulty(testproxy.ShortReplies(60)), faulty()},
		"is cut before it has read": {faulty(testproxy.NoRequests()), faulty()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := testproxy.New(t, testservers.Elasticsearch(t))
			index := open(t, func(o *elasticview.Options) { o.URLs = []string{proxy.URL()} })
			before, during := user("Before", 1), user("During", 1)
			if err := index.Put(t.Context(), []queries.Document{before}); err != nil {
				t.Fatal(err)
			}
			const deadline = 500 * time.Millisecond
			away.begin(proxy)
			for call, do := range map[string]func(context.Context) error{
				"put": func(ctx context.Context) error { return index.Put(ctx, []queries.Document{during}) },
				"search": func(ctx context.Context) error {
					_, err := index.Search(ctx, queries.Criteria{Kind: domain.UserMember, Text: "before"}, nil, 1)
					return err
				},
				"check": index.Check,
			} {
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				begun := time.Now()
				if err := do(ctx); !errors.Is(err, eventstream.ErrUnavailable) {
					t.Errorf("%s: %v, want ErrUnavailable", call, err)
				}
				if took := time.Since(begun); took > deadline+10*time.Second {
					t.Errorf("%s took %v", call, took)
				}
				cancel()
			}
			away.end(proxy)
			if err := index.Put(t.Context(), []queries.Document{during}); err != nil {
				t.Errorf("put after it came back: %v", err)
			}
			for text, document := range map[string]queries.Document{"before": before, "during": during} {
				if found := find(t, index, text); len(found) != 1 || found[0] != document.ID {
					t.Errorf("found %v by %q", found, text)
				}
			}
		})
	}
}

// TestPutBridgesAShortBreak: what passes while it tries again is no error.
func TestPutBridgesAShortBreak(t *testing.T) {
	proxy := testproxy.New(t, testservers.Elasticsearch(t))
	tries := 0
	b := &between{}
	index := open(t, func(o *elasticview.Options) { o.URLs, o.Transport = []string{proxy.URL()}, b })
	b.instead = func(*http.Request) (*http.Response, error) {
		if tries++; tries == 4 {
			proxy.Up()
		}
		return nil, nil
	}
	proxy.Down()
	if err := index.Put(t.Context(), []queries.Document{user("Bridged", 1)}); err != nil {
		t.Errorf("put: %v", err)
	}
	if found := find(t, index, "bridged"); len(found) != 1 || tries < 4 {
		t.Errorf("found %v after %d requests", found, tries)
	}
}
