package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// ownOrder tells whether the store follows another one and numbers what it has in an
// order of its own: positions of its log or its change feed then say nothing at the
// other, nor those of the other here, though both are of one epoch.
func (c *core) ownOrder() bool {
	return c.follows != nil && (!c.follows.Ordered || c.streams.Log() == nil)
}

// numbersOwn tells positions that stand in such an order.
func numbersOwn(stream eventstream.StreamID) bool {
	return stream.Kind() == eventstream.LogKind || stream.Kind() == eventstream.ChangesKind
}

// following is the waiter of a store that follows another one: what has not come yet
// is waited for, and what has another number here is refused.
type following struct {
	queries.Waiter
	ownOrder bool
}

const arrivalLook = 10 * time.Millisecond

// Ensure implements queries.Waiter.
func (f *following) Ensure(ctx context.Context, stream eventstream.StreamID, seq eventstream.Seq) error {
	if f.ownOrder && numbersOwn(stream) {
		return fmt.Errorf("%w: a number that only the followed store knows", eventstream.ErrForeignToken)
	}
	ticker := time.NewTicker(arrivalLook)
	defer ticker.Stop()
	for {
		err := f.Waiter.Ensure(ctx, stream, seq)
		if !errors.Is(err, eventstream.ErrUnknownPosition) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: it has not come from the followed store", eventstream.ErrBehind)
		case <-ticker.C:
		}
	}
}

// followingView is the view of a store with an order of its own: its lists rest on
// nothing that a token could name.
type followingView struct{ queries.View }

// Position implements queries.View.
func (followingView) Position(context.Context) (eventstream.Token, error) { return nil, nil }

// followingSearch does the same for an index.
type followingSearch struct{ index queries.Search }

// Search implements queries.Search.
func (f followingSearch) Search(ctx context.Context, criteria queries.Criteria, from []byte, limit int) (queries.Found, error) {
	return f.index.Search(ctx, criteria, from, limit)
}

// Position implements queries.Search.
func (followingSearch) Position(context.Context) (eventstream.Token, error) { return nil, nil }

// shown gives a generation as a store that follows another one may show it.
func (c *core) shown(g queries.Generation) queries.Generation {
	if c.follows == nil {
		return g
	}
	own := c.ownOrder()
	g.Waiter = &following{g.Waiter, own}
	if g.Search != nil {
		g.SearchWaiter = &following{g.SearchWaiter, own}
	}
	if own {
		g.View = followingView{g.View}
		if g.Search != nil {
			g.Search = followingSearch{g.Search}
		}
	}
	return g
}

// lagHeader tells with every answer of a replica for how many seconds there has been
// something that is not here: key look-ups are not current there.
const lagHeader = "X-Replica-Lag"

// tellLag adds the header.
func tellLag(lag func() (time.Duration, bool), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := "unknown"
		if behind, known := lag(); known {
			text = strconv.FormatFloat(behind.Seconds(), 'f', 3, 64)
		}
		w.Header().Set(lagHeader, text)
		next.ServeHTTP(w, r)
	})
}
