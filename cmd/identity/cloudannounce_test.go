package main

import (
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// What is compared before a store counts as closed goes back to where a feed is known
// to have handled everything, and at least some minutes; nothing known is everything.
func TestAClosingGoesBackToWhatWasHandled(t *testing.T) {
	now := time.Now()
	lease := func(ago time.Duration, ended bool) shardfeed.Lease {
		return shardfeed.Lease{Since: now.Add(-ago), Ended: ended}
	}
	for _, test := range []struct {
		what  string
		feeds [][]shardfeed.Lease
		ago   time.Duration // negative for everything
	}{
		{"nothing is read", [][]shardfeed.Lease{nil, nil}, -1},
		{"a feed that is nearly there", [][]shardfeed.Lease{{lease(time.Second, false)}}, handledWithin},
		{"a feed that is behind", [][]shardfeed.Lease{{lease(time.Second, false), lease(time.Hour, false)}}, time.Hour + sweepOverlap},
		{"shards that have ended", [][]shardfeed.Lease{{lease(9*time.Hour, true), lease(time.Hour, false)}}, time.Hour + sweepOverlap},
		{"a feed that is used no more", [][]shardfeed.Lease{{lease(90*time.Hour, false)}, {lease(time.Hour, false)}}, time.Hour + sweepOverlap},
	} {
		got := sweepSince(test.feeds, now)
		if test.ago < 0 && !got.IsZero() || test.ago >= 0 && !got.Equal(now.Add(-test.ago)) {
			t.Errorf("%s: %v ago", test.what, now.Sub(got))
		}
	}
}
