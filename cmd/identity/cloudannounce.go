package main

import (
	"context"
	"fmt"
	"time"

	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// announceAll implements engine. Feeds may be far behind; so what is compared goes back
// to where one of them is known to have handled everything.
func (c *cloud) announceAll(ctx context.Context) error {
	since, err := c.handledUntil(ctx)
	if err != nil {
		return err
	}
	if err := sweepTwice(ctx, since, c.synchroniser.Sweep); err != nil {
		return err
	}
	return c.announceable(ctx)
}

// announceable implements engine: what no view can show is not announced.
func (c *cloud) announceable(ctx context.Context) error {
	if err := c.synchroniser.HearParked(ctx); err != nil {
		return err
	}
	rows, _ := c.followed.current()
	if err := rows.waiter.Complete(); err != nil {
		return fmt.Errorf("the events leave out what is parked: %w", err)
	}
	return nil
}

const (
	// indexLag is how long what was written may be missing in the index by which a sweep
	// finds it.
	indexLag = 5 * time.Second
	// lately is longer than any write is under way.
	lately = time.Minute
)

// sweepTwice goes over what moved since an instant, and again over what was written last
// once the index shows that.
func sweepTwice(ctx context.Context, since time.Time, sweep func(context.Context, time.Time) error) error {
	began := time.Now()
	if err := sweep(ctx, since); err != nil {
		return err
	}
	if err := rest(ctx, indexLag-time.Since(began)); err != nil {
		return err
	}
	return sweep(ctx, began.Add(-lately))
}

// handledWithin is how old at least what is compared may be: longer than a sweep is
// apart from the next.
const handledWithin = 10 * time.Minute

// handledUntil is an instant before which everything that was written was handled, by
// one feed or by the sweeps of a function; zero if none tells.
func (c *cloud) handledUntil(ctx context.Context) (time.Time, error) {
	// What is in Kinesis may have come through a relay, which may be behind itself.
	ways := [][]string{{streamsGroup}, {kinesisGroup, relayGroup}, {sweepGroup}}
	handled := make([][]shardfeed.Lease, 0, len(ways))
	for _, groups := range ways {
		var all []shardfeed.Lease
		for i, group := range groups {
			leases, err := dynamolease.New(c.dynamodb, c.names.State, group).List(ctx)
			if err != nil {
				return time.Time{}, fmt.Errorf("read how far the feeds have got: %w", err)
			}
			if i > 0 && len(all) == 0 {
				break // nobody reads what is relayed
			}
			all = append(all, leases...)
		}
		handled = append(handled, all)
	}
	return sweepSince(handled, time.Now()), nil
}

// sweepSince gives the instant, with a margin, of the feed that has got furthest.
func sweepSince(feeds [][]shardfeed.Lease, now time.Time) (until time.Time) {
	for _, leases := range feeds {
		var oldest time.Time
		for i := range leases {
			if lease := &leases[i]; !lease.Ended && (oldest.IsZero() || lease.Since.Before(oldest)) {
				oldest = lease.Since
			}
		}
		if oldest.After(until) {
			until = oldest
		}
	}
	if until.IsZero() {
		return until
	}
	latest := now.Add(-handledWithin)
	if until = until.Add(-sweepOverlap); until.After(latest) {
		return latest
	}
	return until
}
