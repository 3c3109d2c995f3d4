package queries

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// MembersHistory gives the commits of all memberships that there ever were in a
// group, also of one that was removed: by time, then by the member's id, then by
// number. Which memberships there are is what the view shows, and what became of
// them is read from their streams.
//
// A page needs the reading of every membership that changed more than once. Where
// they are more than one call should read, the page ends early, and may be empty;
// its Next goes on with the reading. Such a walk tells what was committed before
// that reading began.
func (r *Reader) MembersHistory(ctx context.Context, group domain.GroupID, recall Recall, fresh Freshness) (Page[Commit], error) {
	r = r.answering()
	ctx, span := r.config.Tracer.Start(ctx, "queries.MembersHistory")
	defer span.End()
	limit, err := recall.limit()
	if err != nil {
		return Page[Commit]{}, err
	}
	scope := "history of the members of " + group.String()
	place, err := r.cursors.openRecall(scope, isTiming, &recall)
	if err != nil {
		return Page[Commit]{}, err
	}
	page := Page[Commit]{}
	if page.RestsOn, err = r.rows(ctx, fresh); err != nil {
		return Page[Commit]{}, err
	}
	head, err := r.head(ctx, eventstream.GroupStream(group.UUID))
	if err != nil {
		return Page[Commit]{}, err
	}
	if head == 0 {
		return Page[Commit]{}, noGroup()
	}
	from := timingAt(place, limit)
	if done, err := r.timeEdges(ctx, group, from); err != nil {
		return Page[Commit]{}, err
	} else if !done {
		page.Next = r.cursors.sealRecall(scope, from.place(), recall.Diff)
		return page, nil
	}
	found, more := from.page(limit)
	if more {
		page.Next = r.cursors.sealRecall(scope, found[len(found)-1].place(nil), recall.Diff)
	}
	page.Items, err = r.commitsOf(ctx, group, found, recall.Diff)
	return page, err
}

// timed is a commit of a membership in a group, by what orders it.
type timed struct {
	at     int64 // Unix milliseconds
	member uuid.UUID
	seq    eventstream.Seq
}

func (t timed) compare(other timed) int {
	return cmp.Or(cmp.Compare(t.at, other.at), bytes.Compare(t.member[:], other.member[:]), cmp.Compare(t.seq, other.seq))
}

const timedSize = 8 + len(uuid.UUID{}) + 8

func (t timed) place(dst []byte) []byte {
	dst = append(binary.BigEndian.AppendUint64(dst, uint64(t.at)), t.member[:]...)
	return binary.BigEndian.AppendUint64(dst, uint64(t.seq))
}

func timedAt(place []byte) timed {
	return timed{
		at: int64(binary.BigEndian.Uint64(place)), member: uuid.UUID(place[8 : 8+len(uuid.UUID{})]),
		seq: eventstream.Seq(binary.BigEndian.Uint64(place[timedSize-8:])),
	}
}

// firsts keeps the first commits after one, of all that it is shown in any order.
type firsts struct {
	after timed
	limit int

	mu   sync.Mutex
	kept []timed
}

func (f *firsts) add(t timed) {
	if t.compare(f.after) <= 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept = append(f.kept, t); len(f.kept) > 4*f.limit {
		f.cut()
	}
}

func (f *firsts) cut() {
	slices.SortFunc(f.kept, timed.compare)
	f.kept = f.kept[:min(f.limit, len(f.kept))]
}

// taken gives what was kept, in order.
func (f *firsts) taken() []timed {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut()
	return f.kept
}

func (r *Reader) timeEdge(ctx context.Context, row *domain.Membership, to *firsts) error {
	for commit, err := range r.config.Streams.Read(ctx, eventstream.MemberStream(row.Group.UUID, row.Member), 0) {
		if err != nil {
			return fmt.Errorf("read a history: %w", err)
		}
		to.add(timed{commit.Time.UnixMilli(), row.Member, commit.Seq})
	}
	return nil
}

// commitsOf reads some commits of memberships in a group.
func (r *Reader) commitsOf(ctx context.Context, group domain.GroupID, found []timed, diff bool) ([]Commit, error) {
	places := map[uuid.UUID]map[eventstream.Seq]int{}
	for i, t := range found {
		if places[t.member] == nil {
			places[t.member] = map[eventstream.Seq]int{}
		}
		places[t.member][t.seq] = i
	}
	items := make([]Commit, len(found))
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(streamsAtOnce)
	for member, wanted := range places {
		reading.Go(func() error {
			left := len(wanted)
			return r.commits(ctx, eventstream.MemberStream(group.UUID, member), 0, diff, func(told Commit) bool {
				if i, is := wanted[told.Seq]; is {
					items[i] = told
					left--
				}
				return left > 0
			})
		})
	}
	return items, reading.Wait()
}
