package queries

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
)

// timing is the reading of when the memberships of a group changed. It may be spread
// over several calls: then its place in a cursor holds the first that it has found.
type timing struct {
	firsts
	// upTo is the member up to which all were read.
	upTo uuid.UUID
	// began is when it began, in Unix milliseconds; resumed says that an earlier call did.
	began   int64
	resumed bool
}

// carriedFirsts is how many commits a place in a cursor holds at most. A cursor that
// holds them is a line of some four thousand characters.
const carriedFirsts = 100

// The place of a timing: the commit before, for one that is to begin; with it upTo,
// began and what was found, for one that is under way.
const underWaySize = timedSize + len(uuid.UUID{}) + 8

// isTiming tells whether a place may be a timing's, by its size.
func isTiming(size int) bool {
	rest := size - underWaySize
	return size == timedSize || rest >= 0 && rest%timedSize == 0 && rest/timedSize <= carriedFirsts
}

// timingAt goes on at a place, or begins without one. What it keeps is enough for a
// page, and for a cursor whoever goes on with how small a limit.
func timingAt(place []byte, limit int) *timing {
	t := &timing{firsts: firsts{after: timed{at: time.Time{}.UnixMilli() - 1}, limit: max(limit+1, carriedFirsts)}, began: time.Now().UnixMilli()}
	if place != nil {
		t.after = timedAt(place)
	}
	if len(place) <= timedSize {
		return t
	}
	t.limit, t.resumed = carriedFirsts, true
	t.upTo = uuid.UUID(place[timedSize : timedSize+len(uuid.UUID{})])
	t.began = int64(binary.BigEndian.Uint64(place[underWaySize-8:]))
	for place = place[underWaySize:]; len(place) > 0; place = place[timedSize:] {
		t.kept = append(t.kept, timedAt(place))
	}
	return t
}

// place is where another call goes on.
func (t *timing) place() []byte {
	place := append(t.after.place(nil), t.upTo[:]...)
	place = binary.BigEndian.AppendUint64(place, uint64(t.began))
	found := t.taken()
	for _, each := range found[:min(len(found), carriedFirsts)] {
		place = each.place(place)
	}
	return place
}

// page gives the first commits, and tells whether there are more. Of what came while
// several calls read, one may have been seen and one before it not: it is left out.
func (t *timing) page(limit int) (found []timed, more bool) {
	found = t.taken()
	if t.resumed {
		limit = min(limit, carriedFirsts-1)
		for len(found) > 0 && found[len(found)-1].at >= t.began {
			found = found[:len(found)-1]
		}
	}
	if len(found) > limit {
		return found[:limit], true
	}
	return found, false
}

// timeEdges goes on with a timing, and tells whether it is done with all memberships
// of the group; it leaves off rather than reading more than a call may. The row of
// one that has a single commit tells when that was.
func (r *Reader) timeEdges(ctx context.Context, group domain.GroupID, to *timing) (done bool, err error) {
	for looked, read := 0, 0; ; {
		rows, err := r.config.View.EverMembers(ctx, group, to.upTo, r.past.chunk)
		if err != nil {
			return false, fmt.Errorf("list rows of the view: %w", err)
		}
		reading, within := errgroup.WithContext(ctx)
		reading.SetLimit(streamsAtOnce)
		for i := range rows {
			row := &rows[i]
			if row.Seq == 1 && row.Present {
				to.add(timed{row.Since.UnixMilli(), row.Member, 1})
				continue
			}
			read++
			reading.Go(func() error { return r.timeEdge(within, row, &to.firsts) })
		}
		if err := reading.Wait(); err != nil {
			return false, err
		}
		if len(rows) < r.past.chunk {
			return true, nil
		}
		to.upTo = rows[len(rows)-1].Member
		if looked += len(rows); looked >= r.past.rows || read >= r.past.reads {
			return false, nil
		}
	}
}
