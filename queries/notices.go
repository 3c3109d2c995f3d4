package queries

import (
	"context"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Notices tell in order, and without gaps, which rows of a view have changed. A
// row is where its announcement says, or beyond, or is parked. What is announced
// may repeat; what the package does not show is passed over. All methods may be
// called concurrently.
type Notices interface {
	// Now is a place: everything before it is in the view already.
	Now(ctx context.Context) (eventstream.Place, error)
	// After gives announcements behind a place, about limit of them, and the place
	// behind what was gone over, which may be further than the last of them. That
	// it is the same place says that there is nothing more yet. A place that there
	// never was is eventstream.ErrUnknownPosition.
	After(ctx context.Context, place eventstream.Place, limit int) ([]eventstream.Announcement, eventstream.Place, error)
	// Wait returns when there may be something behind the place, or when ctx ends,
	// with its error.
	Wait(ctx context.Context, place eventstream.Place) error
	// TellsEnds tells whether a removed entity's memberships, which end with it, are
	// announced too.
	TellsEnds() bool
}
