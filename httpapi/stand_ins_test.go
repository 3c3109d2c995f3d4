package httpapi_test

import (
	"context"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
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

var (
	_ queries.View   = brokenRows{}
	_ queries.Waiter = noWaiter{}
)
