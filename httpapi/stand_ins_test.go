package httpapi_test

import (
	"context"
	"fmt"
	"time"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memview"
)

// brokenRows is a view whose keys cannot be read.
type brokenRows struct{ *memview.View }

func (brokenRows) Key(context.Context, domain.KeyID) (domain.APIKey, error) {
	return domain.APIKey{}, eventstream.ErrUnavailable
}

// noWaiter finds every view where it should be.
type noWaiter struct{}

func (noWaiter) Ensure(context.Context, eventstream.StreamID, eventstream.Seq) error { return nil }

func (noWaiter) Complete() error { return nil }

// waiterWith finds every view in one state.
type waiterWith struct{ outcome *error }

func (w waiterWith) Ensure(context.Context, eventstream.StreamID, eventstream.Seq) error {
	return *w.outcome
}

func (waiterWith) Complete() error { return nil }

// waits notes how long it may wait at most.
type waits struct {
	noWaiter
	longest time.Duration
}

func (w *waits) Ensure(ctx context.Context, _ eventstream.StreamID, _ eventstream.Seq) error {
	until, _ := ctx.Deadline()
	w.longest = time.Until(until)
	return nil
}

// parkingLot has one stream parked for good and one that can be applied by now.
type parkingLot struct{}

const parkedForGood = eventstream.StreamID("user/01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10")

func (parkingLot) Parked(context.Context) ([]httpapi.Parked, error) {
	return []httpapi.Parked{{View: "rows", Stream: parkedForGood, Seq: 3, Reason: "refused", Since: time.UnixMilli(0).UTC(), Attempts: 2}}, nil
}

func (parkingLot) Retry(_ context.Context, view string, stream eventstream.StreamID) error {
	switch {
	case view != "rows":
		return domain.NotFound
	case stream == parkedForGood:
		return fmt.Errorf("retry: %w", eventstream.ErrParked)
	}
	return nil
}

var (
	_ queries.View   = brokenRows{}
	_ queries.Waiter = noWaiter{}
)
