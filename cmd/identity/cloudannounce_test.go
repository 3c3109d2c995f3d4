package main

import (
	"context"
	"testing"
	"testing/synctest"
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

// What the index does not show yet when a closing begins is found by its second sweep.
func TestAClosingWaitsForTheIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, takes := range []time.Duration{0, time.Hour} {
			began := time.Now()
			written, shown, found := began.Add(-time.Second), began.Add(indexLag-time.Second), false
			err := sweepTwice(t.Context(), began.Add(-time.Hour), func(_ context.Context, since time.Time) error {
				found = found || !time.Now().Before(shown) && since.Before(written)
				time.Sleep(takes)
				return nil
			})
			if err != nil || !found || time.Since(began) != max(indexLag, 2*takes) {
				t.Errorf("found %v after %v: %v", found, time.Since(began), err)
			}
		}
	})
}
