package queries

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// walk is a list in the order of ids, page by page.
type walk[T any] struct {
	// scope is what a cursor of the list is good for.
	scope string
	// read gives items in order, from the first after an id; id is an item's.
	read func(ctx context.Context, after uuid.UUID, limit int) ([]T, error)
	id   func(T) uuid.UUID
}

// page gives the page of the walk that the listing asks for. What it rests on
// was taken before.
func (w walk[T]) page(ctx context.Context, cursors *sealer, listing Listing, restsOn eventstream.Token) (Page[T], error) {
	limit, err := listing.limit()
	if err != nil {
		return Page[T]{}, err
	}
	after, err := cursors.openID(w.scope, listing.Cursor)
	if err != nil {
		return Page[T]{}, err
	}
	items, err := w.read(ctx, after, limit+1)
	if err != nil {
		return Page[T]{}, fmt.Errorf("list rows of the view: %w", err)
	}
	page := Page[T]{Items: items, RestsOn: restsOn}
	if len(items) > limit {
		page.Items = items[:limit]
		last := w.id(items[limit-1])
		page.Next = cursors.seal(w.scope, last[:])
	}
	return page, nil
}

// openID reads a cursor that holds an id; none is the nil one, before all.
func (s *sealer) openID(scope, cursor string) (uuid.UUID, error) {
	if cursor == "" {
		return uuid.Nil, nil
	}
	place, err := s.open(scope, cursor)
	if err != nil {
		return uuid.Nil, err
	}
	if len(place) != len(uuid.UUID{}) {
		return uuid.Nil, badCursor()
	}
	return uuid.UUID(place), nil
}
