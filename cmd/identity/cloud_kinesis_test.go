package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/internal/testproxy"
)

// While Kinesis is away writes and reads by key go on, and a read that demands
// what was written gets it. The views catch up by themselves afterwards, and the
// relay leaves nothing out.
func TestKinesisAway(t *testing.T) {
	w := newWorld(t, 0, "--feed", kinesisFeed)
	w.start(w.behind, "relay")
	const sweepEvery = 3 * time.Minute // what nobody told of is found by then at the latest
	began := time.Now()
	p := w.start(w.behind, "serve", "--feed", kinesisFeed)
	before := newPerson("Grace")
	w.mustWrite(p, before, "Grace before")
	all := []*person{before}
	eventually(t, serversTime, "it is followed before", func() error { return w.shownAs(p, "", all) })

	for name, away := range map[string]struct{ begin, end func() }{
		"refuses connections":       {w.kinesis.Down, w.kinesis.Up},
		"does not answer":           {func() { w.kinesis.Set(1, testproxy.Silent()) }, func() { w.kinesis.Set(1) }},
		"is cut before it has read": {func() { w.kinesis.Set(1, testproxy.NoRequests()) }, func() { w.kinesis.Set(1) }},
		"acts and is cut off":       {func() { w.kinesis.Set(1, testproxy.NoReplies()) }, func() { w.kinesis.Set(1) }},
	} {
		away.begin()
		var unforced []*person
		for until, i := time.Now().Add(awayTime(t)/2), 0; ; i++ {
			who := newPerson("Grace")
			w.mustWrite(p, who, "Grace "+who.ID)
			w.mustWrite(p, before, fmt.Sprintf("Grace before, %s, %d", name, i))
			for _, path := range []string{"/users/" + before.ID, "/users?username=" + before.Username} {
				if r := p.ask(t, http.MethodGet, path, nil, "X-Consistency", before.token, "Prefer", patience); !holdsName(r, before) {
					t.Errorf("%s: %s is answered %d: %s", name, path, r.status, r.body)
				}
			}
			if unforced = append(unforced, who); time.Now().After(until) {
				break
			}
		}
		if r := p.ask(t, http.MethodGet, "/users/"+unforced[0].ID, nil); r.status != http.StatusNotFound && (r.status != http.StatusOK || time.Since(began) < sweepEvery) {
			t.Errorf("%s: what nobody heard of is answered %d", name, r.status)
		}
		away.end()
		all = append(all, unforced...)
		eventually(t, serversTime, "it catches up after it "+name, func() error { return w.shownAs(p, "", all) })
	}
	eventually(t, serversTime, "the lag is over", func() error { return w.caughtUp(p) })
}

// What no feed tells of is found by the next sweep.
func TestASweepFindsWhatNoFeedTellsOf(t *testing.T) {
	w := newWorld(t, 0, "--feed", kinesisFeed) // and nobody relays to it
	p := w.start(w.direct, "serve", "--feed", kinesisFeed, "--sweep-every", "1s")
	var all []*person
	for range 3 { // the first may be met by the sweep of the start
		who := newPerson("Joan")
		w.mustWrite(p, who, "Joan")
		all = append(all, who)
		eventually(t, 2*time.Minute, "it is found", func() error { return w.shownAs(p, "", all) }) // sooner than by default
	}
	if p.metric(t, "identity_view_healed_commits_total", "") == 0 {
		t.Error("nothing is said to be healed")
	}
}
