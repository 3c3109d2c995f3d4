package httpapi

import (
	"context"
	"net/http"

	"github.com/seed5b6a70b4/identity/internal/deadline"
	"github.com/seed5b6a70b4/identity/queries"
)

// maxWalks is how many lists are streamed at a time.
const maxWalks = 64

const linesText = "With `Accept: application/x-ndjson` the answer is all of them, one on each line, without pages and so without `limit`; " +
	"if it is cut off, `after` goes on behind the last id that came, in a list of all."

// walk answers with all entities that the query asks for, each on a line. What
// exists throughout is there once; the answer rests on what the token says, or on
// something newer. If it cannot go on, the connection is cut, so that nobody takes
// a part for the whole.
func (r *resource[E]) walk(ctx context.Context, x *exchange, fresh queries.Freshness) error {
	if err := x.api.walks.tryEnter(); err != nil {
		return err
	}
	defer x.api.walks.leave()
	criteria, listing := x.criteria(), x.listing()
	listing.Limit = queries.MaxLimit
	for first := true; ; first = false {
		page, err := r.page(ctx, x, criteria, listing, fresh)
		switch {
		case err == nil && first:
			if err = x.setConsistency(page.RestsOn); err != nil {
				return err
			}
			if !x.startStream(ndjsonType) {
				return nil
			}
		case err != nil && first:
			return err
		case err != nil:
			return x.cut(err)
		}
		x.out = x.out[:0]
		for i := range page.Items {
			x.out = append(r.item(x.out, &page.Items[i]), '\n')
		}
		if err := x.flush(); err != nil {
			return x.cut(nil)
		}
		if page.Next == "" {
			return nil
		}
		if ctx.Err() != nil || x.lasts(ctx, x.by.standing()) != nil {
			return x.cut(nil)
		}
		listing = queries.Listing{Cursor: page.Next, Limit: queries.MaxLimit}
		fresh = queries.Freshness{}
	}
}

func (r *resource[E]) page(ctx context.Context, x *exchange, criteria queries.Criteria, listing queries.Listing, fresh queries.Freshness) (queries.Page[E], error) {
	ctx, cancel := deadline.After(ctx, x.api.config.Timeout)
	defer cancel()
	return r.search(x.api.config.Queries, ctx, criteria, listing, fresh)
}

// bounded gives a request that may have been taken for a stream its timeout.
func (x *exchange) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	return deadline.With(ctx, x.start.Add(x.api.config.Timeout))
}

// cut ends the connection in the middle of an answer, and tells of the fault that
// is behind it, if any.
func (x *exchange) cut(err error) error {
	if err != nil {
		x.fail(err)
	}
	panic(http.ErrAbortHandler)
}
