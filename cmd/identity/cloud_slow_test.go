package main

import (
	"fmt"
	"testing"

	"github.com/seed5b6a70b4/identity/internal/testproxy"
)

// Over slow and narrow ways to all servers everything is answered, with a token as
// fresh as it says, and followed in time.
func TestSlowWays(t *testing.T) {
	w := newWorld(t, 0, "--feed", kinesisFeed, "--search", elasticSearch)
	for _, way := range []*testproxy.Proxy{w.dynamodb, w.kinesis, w.elastic} {
		way.Set(1, testproxy.Late(20), testproxy.Narrow(200))
	}
	w.start(w.behind, "relay")
	p := w.start(w.behind, "serve", "--feed", kinesisFeed, "--search", elasticSearch)
	var all []*person
	for i := range 4 {
		who := newPerson("Lise")
		w.mustWrite(p, who, fmt.Sprintf("Lise %d", i))
		all = append(all, who)
		if err := w.shownAs(p, "", all, "X-Consistency", who.token, "Prefer", patience); err != nil {
			t.Errorf("listed with a token: %v", err)
		}
		if err := w.shownAs(p, "q="+who.Username, []*person{who}, "X-Consistency", who.token, "Prefer", patience); err != nil {
			t.Errorf("searched with a token: %v", err)
		}
	}
	eventually(t, serversTime, "all are found without a token", func() error { return w.shownAs(p, "q=Lise", all) })
	eventually(t, serversTime, "the lag is over", func() error { return w.caughtUp(p) })
}
