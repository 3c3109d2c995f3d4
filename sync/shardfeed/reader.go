package shardfeed

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// reader goes through a shard.
type reader struct {
	*holding
	iterator string
	// anew says that the checkpoint was trimmed, so that reading goes on with the
	// oldest record.
	anew     bool
	failures int       // in a row
	missing  time.Time // since when the source says that there is no such shard; zero if it does not
}

// run reads until the shard has ended, which it answers true to, or ctx ends.
func (r *reader) run(ctx context.Context) (ended bool) {
	for ctx.Err() == nil {
		page, err := r.next(ctx)
		if err != nil {
			if r.mend(ctx, err) {
				return true
			}
			continue
		}
		r.failures, r.missing = 0, time.Time{}
		if !r.finish(ctx, &page) {
			continue
		}
		if page.Next == "" {
			return true
		}
		r.iterator = page.Next
		switch {
		case page.More:
		case r.closed.Load(): // nothing is waited for, and 5 reads a second are allowed
			pause(ctx, r.options.Poll/5)
		default:
			pause(ctx, r.options.Poll)
		}
	}
	return false
}

// next reads a page, with a new iterator if there is none.
func (r *reader) next(ctx context.Context) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if r.iterator == "" {
		after, err := r.checkpoint(ctx)
		if err != nil {
			return Page{}, err
		}
		if r.anew {
			after = ""
		}
		if err := r.checkAge(ctx); err != nil {
			return Page{}, err
		}
		if r.iterator, err = r.source.Open(ctx, r.shard, after); err != nil {
			return Page{}, err
		}
	}
	return r.source.Read(ctx, r.iterator)
}

// checkAge notices that nothing was handled for so long that records may have
// been trimmed, which not every source says.
func (r *reader) checkAge(ctx context.Context) error {
	retention, now, since := time.Duration(r.retention.Load()), r.options.Now(), r.unhandledSince()
	if retention == 0 || now.Sub(since) < retention-retention/24 {
		return nil
	}
	if err := r.lose(ctx, r.shard, "it was not read for as long as records are kept", since); err != nil {
		return err
	}
	r.handledUntil(now)
	return nil
}

// finish has a page handled and moves the checkpoint over it, as often as it
// takes. It answers false if ctx ended first.
func (r *reader) finish(ctx context.Context, page *Page) bool {
	r.observe(page.Behind, len(page.Positions) > 0)
	defer func() { r.observe(page.Behind, false) }()
	for len(page.Positions) > 0 {
		err := r.handle(ctx, page.Positions)
		if err == nil {
			break
		}
		r.failed(ctx, "handle", r.shard, err)
		if !r.rest(ctx, r.options.Poll) {
			return false
		}
	}
	r.failures = 0
	r.metrics.records.Add(float64(len(page.Positions)))
	r.metrics.unknown.Add(float64(page.Unknown))
	if !page.Until.IsZero() {
		if r.checkAge(ctx) != nil {
			return false
		}
		r.handledUntil(page.Until)
	}
	if page.Last == "" && page.Next != "" {
		return true
	}
	return r.move(ctx, page)
}

// move writes the checkpoint.
func (r *reader) move(ctx context.Context, page *Page) bool {
	for {
		err := r.change(ctx, func(l *Lease) {
			if page.Last != "" {
				l.Checkpoint = page.Last
			}
			if page.Next == "" {
				l.Ended, l.Owner = true, ""
			}
		})
		if err == nil {
			r.anew = r.anew && page.Last == ""
			r.failures = 0
			return true
		}
		r.failed(ctx, "lease", r.shard, err)
		if !r.rest(ctx, 100*time.Millisecond) {
			return false
		}
	}
}

// mend does what an error of the source calls for. It answers true if the shard
// is gone, and nothing is to be read of it any more.
func (r *reader) mend(ctx context.Context, err error) (gone bool) {
	if ctx.Err() != nil {
		return false
	}
	r.stall()
	what := "read"
	switch {
	case errors.Is(err, ErrThrottled):
		what = "throttled"
	case errors.Is(err, ErrExpired):
		what, r.iterator = "expired", ""
	case errors.Is(err, ErrTrimmed):
		what, r.iterator = "trimmed", ""
		if lost := r.lose(ctx, r.shard, "records were trimmed", r.unhandledSince()); lost != nil {
			err = errors.Join(err, lost)
			break
		}
		r.anew = true
	case errors.Is(err, ErrGone):
		what, r.iterator = "gone", ""
		if r.isGone(ctx) {
			return r.giveUp(ctx)
		}
	default:
		r.iterator = ""
	}
	r.failed(ctx, what, r.shard, err)
	if what != "expired" || r.failures > 0 {
		r.rest(ctx, 100*time.Millisecond)
	}
	r.failures++
	return false
}

// isGone tells whether the source has been there for a while and does not list the
// shard: of a shard that is new it may not know everywhere yet.
func (r *reader) isGone(ctx context.Context) bool {
	if r.missing.IsZero() {
		r.missing = time.Now()
	}
	if time.Since(r.missing) < 2*r.options.ListEvery {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	listing, err := r.source.Shards(ctx)
	if err != nil {
		return false
	}
	_, isListed := newLineage(listing.Shards, nil).listed[r.shard]
	return !isListed
}

// giveUp ends a shard that was gone before it was read to its end.
func (r *reader) giveUp(ctx context.Context) bool {
	if err := r.lose(ctx, r.shard, "the shard is gone", r.unhandledSince()); err != nil {
		r.failed(ctx, "loss", r.shard, err)
		r.rest(ctx, r.options.Poll)
		return false
	}
	return r.move(ctx, &Page{})
}

// rest pauses after a failure, longer each time, at random. It answers false if
// ctx ended.
func (r *reader) rest(ctx context.Context, shortest time.Duration) bool {
	const longest = 10 * time.Second
	limit := min(shortest<<min(r.failures, 10), longest)
	r.failures++
	return pause(ctx, limit/2+rand.N(limit/2+1))
}

// pause waits. It answers false if ctx ended.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
