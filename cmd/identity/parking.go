package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// parking tells operators what views cannot apply.
type parking struct{ synchroniser *querysync.Synchroniser }

var _ httpapi.Parking = parking{}

// Parked implements httpapi.Parking: also what other processes parked.
func (p parking) Parked(ctx context.Context) ([]httpapi.Parked, error) {
	if err := p.synchroniser.HearParked(ctx); err != nil {
		return nil, err
	}
	all := p.synchroniser.Parked()
	parked := make([]httpapi.Parked, len(all))
	for i, one := range all {
		parked[i] = httpapi.Parked(one)
	}
	return parked, nil
}

// Retry implements httpapi.Parking.
func (p parking) Retry(ctx context.Context, view string, stream eventstream.StreamID) error {
	err := p.synchroniser.HearParked(ctx)
	if err == nil {
		err = p.synchroniser.Retry(ctx, view, stream)
	}
	if errors.Is(err, querysync.ErrNotFollowed) {
		return fmt.Errorf("%w: %w", domain.NotFound, err)
	}
	return err
}
