package main

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/internal/testproxy"
	"github.com/seed5b6a70b4/identity/queries"
)

// awayVar is a variable with how long servers are away in tests, if they are to be
// away for longer than it takes to see what happens.
const awayVar = "IDENTITY_TEST_AWAY"

func awayTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv(awayVar)
	if text == "" {
		return 3 * time.Second
	}
	away, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", awayVar, err)
	}
	return away
}

// While Elasticsearch is away everything but search goes on, and search says so
// within its wait. What was written meanwhile is found when it is back, without
// anybody's help.
func TestElasticsearchAway(t *testing.T) {
	w := newWorld(t, 0, "--search", elasticSearch)
	p := w.start(w.behind, "serve", "--search", elasticSearch)
	var all []*person
	for i := range 6 {
		who := newPerson("Ada")
		w.mustWrite(p, who, fmt.Sprintf("Ada %d", i))
		all = append(all, who)
	}
	eventually(t, serversTime, "all are found before", func() error { return w.shownAs(p, "q=Ada", all) })

	w.elastic.Down()
	all = w.goesOn(p, all)
	w.elastic.Up()
	w.elastic.Set(1, testproxy.Silent())
	all = w.goesOn(p, all)
	w.elastic.Set(1)

	eventually(t, serversTime, "all are found without a token", func() error { return w.shownAs(p, "q=Ada", all) })
	for _, who := range all {
		if err := w.shownAs(p, "q="+who.Username, []*person{who}, "X-Consistency", who.token, "Prefer", patience); err != nil {
			t.Errorf("with a token: %v", err)
		}
	}
	eventually(t, serversTime, "the lag is over", func() error { return w.caughtUp(p) })
}

// goesOn does everything for a while, without search.
func (w *world) goesOn(p *process, all []*person) []*person {
	w.t.Helper()
	const within = queries.DefaultSearchWait + 2500*time.Millisecond // less than it may be told to wait
	for until := time.Now().Add(awayTime(w.t)); ; {
		who := newPerson("Ada")
		w.mustWrite(p, who, "Ada "+who.ID)
		all = append(all, who)
		w.mustWrite(p, all[0], fmt.Sprintf("Ada anew %d", len(all)))
		if !all[1].gone {
			w.remove(p, all[1])
		}
		w.reads(p, who, all)
		for kind, headers := range map[string][]string{"without a token": nil, "with a token": {"X-Consistency", who.token}} {
			if fault := p.ask(w.t, http.MethodGet, "/users?q=Ada", nil, headers...).refused(within, "unavailable", "view_behind"); fault != "" {
				w.t.Errorf("search %s is answered %s", kind, fault)
			}
		}
		if time.Now().After(until) {
			break
		}
	}
	eventually(w.t, serversTime, "the search feed is said to be behind", func() error {
		if p.metric(w.t, "identity_feed_lag_seconds", searchGroup) == 0 {
			return errNotYet
		}
		return nil
	})
	return all
}

// reads reads one user in every way that needs no index.
func (w *world) reads(p *process, who *person, all []*person) {
	w.t.Helper()
	for _, path := range []string{"/users/" + who.ID, "/users?username=" + who.Username, "/users/" + who.ID + "/groups", "/users/" + who.ID + "/history"} {
		if r := p.ask(w.t, http.MethodGet, path, nil, "X-Consistency", who.token, "Prefer", patience); r.status != http.StatusOK {
			w.t.Errorf("%s is answered %d: %s", path, r.status, r.body)
		}
	}
	eventually(w.t, serversTime, "the list", func() error { return w.shownAs(p, "", all) })
}

// caughtUp tells whether a process follows something and is behind nothing.
func (w *world) caughtUp(p *process) error {
	w.t.Helper()
	if p.metric(w.t, "identity_feed_leases_held", "") == 0 {
		return fmt.Errorf("it holds no shards: %w", errNotYet)
	}
	return noLag(w.t, p)
}

func noLag(t *testing.T, p *process) error {
	t.Helper()
	if lag := p.metric(t, "identity_feed_lag_seconds", ""); lag > 0 {
		return fmt.Errorf("the feeds are %v seconds behind", lag)
	}
	return nil
}

// loseIndex deletes the index of the first generation.
func (w *world) loseIndex() {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodDelete, w.elastic.URL()+"/"+w.names.Index+"-1", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode != http.StatusOK {
		w.t.Fatalf("delete the index: %v, %v", response, err)
	}
	response.Body.Close()
}

// An index that was lost is made by init and filled again, though the change feed
// had been handled.
func TestALostIndexIsFilledAgain(t *testing.T) {
	w := newWorld(t, 0, "--search", elasticSearch)
	p := w.start(w.behind, "serve", "--search", elasticSearch)
	who := newPerson("Ada")
	w.mustWrite(p, who, "Ada")
	eventually(t, serversTime, "she is found before", func() error { return w.shownAs(p, "q=Ada", []*person{who}) })
	eventually(t, serversTime, "the lag is over", func() error { return w.caughtUp(p) })
	w.loseIndex()
	w.init("--search", elasticSearch)
	eventually(t, serversTime, "she is found again", func() error { return w.shownAs(p, "q=Ada", []*person{who}) })
}
