package queries

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// MembersAt lists who was in a group at an instant, by id, with since when they
// then were. A membership was there if the last commit of its stream at or before
// the instant says so, and both of its ends existed by the same rule. The rows of
// the view tell what has not changed since the instant, and the streams are read
// of what has. A group that did not exist then is NotFound.
//
// A cursor brings its instant with it: one given beside it must be the same, or
// zero. A page may be shorter than its limit; only an empty Next says that it is
// the last.
func (r *Reader) MembersAt(ctx context.Context, group domain.GroupID, at time.Time, listing Listing, fresh Freshness) (Page[domain.Membership], error) {
	r = r.answering()
	return r.edgesAt(ctx, &pastWalk{
		end: domain.EntityID{Kind: domain.GroupMember, ID: group.UUID}, absent: "there was no such group then",
		read: func(ctx context.Context, after uuid.UUID, limit int) ([]domain.Membership, error) {
			return r.config.View.EverMembers(ctx, group, after, limit)
		},
		far: func(edge *domain.Membership) domain.EntityID {
			return domain.EntityID{Kind: edge.Kind, ID: edge.Member}
		},
	}, at, listing, fresh)
}

// GroupsOfUserAt lists the groups that a user was directly in at an instant, as
// MembersAt lists members.
func (r *Reader) GroupsOfUserAt(ctx context.Context, user domain.UserID, at time.Time, listing Listing, fresh Freshness) (Page[domain.Membership], error) {
	r = r.answering()
	return r.edgesAt(ctx, &pastWalk{
		end: domain.EntityID{Kind: domain.UserMember, ID: user.UUID}, absent: "there was no such user then",
		read: func(ctx context.Context, after uuid.UUID, limit int) ([]domain.Membership, error) {
			return r.config.View.EverGroupsOf(ctx, user.UUID, domain.GroupID{UUID: after}, limit)
		},
		far: func(edge *domain.Membership) domain.EntityID {
			return domain.EntityID{Kind: domain.GroupMember, ID: edge.Group.UUID}
		},
	}, at, listing, fresh)
}

// IsPast tells whether a cursor is one of a list around an end as it was at an
// instant.
func (r *Reader) IsPast(end domain.EntityID, cursor string) bool {
	_, err := r.cursors.unseal(pastScope(end), cursor)
	return cursor != "" && err == nil
}

func pastScope(end domain.EntityID) string {
	return "past of " + string(end.Kind) + " " + end.ID.String()
}

// pastWalk is a list of memberships around an end as they were.
type pastWalk struct {
	end    domain.EntityID
	absent string
	// read gives the memberships that there ever were, from the first after the id
	// of the far end.
	read func(ctx context.Context, after uuid.UUID, limit int) ([]domain.Membership, error)
	far  func(*domain.Membership) domain.EntityID
}

// pastCost is what one page of the past costs at most: a page ends early rather than
// looking at more.
type pastCost struct {
	rows  int
	reads int // streams
	chunk int // rows that are read at a time
}

func defaultPast() pastCost { return pastCost{rows: 20_000, reads: 2_000, chunk: 500} }

// streamsAtOnce is how many streams are read at a time.
const streamsAtOnce = 16

func (r *Reader) edgesAt(ctx context.Context, w *pastWalk, at time.Time, listing Listing, fresh Freshness) (Page[domain.Membership], error) {
	ctx, span := r.config.Tracer.Start(ctx, "queries.EdgesAt")
	defer span.End()
	limit, err := listing.limit()
	if err != nil {
		return Page[domain.Membership]{}, err
	}
	from, err := r.cursors.openInstant(w.end, at, listing.Cursor)
	if err != nil {
		return Page[domain.Membership]{}, err
	}
	page := Page[domain.Membership]{}
	if page.RestsOn, err = r.rows(ctx, fresh); err != nil {
		return Page[domain.Membership]{}, err
	}
	then := &instant{reader: r, at: from.at}
	if there, err := then.existed(ctx, []domain.EntityID{w.end}); err != nil {
		return Page[domain.Membership]{}, err
	} else if !there[0] {
		return Page[domain.Membership]{}, domain.Refuse(domain.NotFound, "", w.absent)
	}
	return then.fill(ctx, w, page, limit, from.after)
}

// fill reads a page from the first membership after an id.
func (i *instant) fill(ctx context.Context, w *pastWalk, page Page[domain.Membership], limit int, after uuid.UUID) (Page[domain.Membership], error) {
	cost := i.reader.past
	for looked := 0; ; {
		chunk := min(max(2*(limit+1-len(page.Items)), 32), cost.chunk)
		rows, err := w.read(ctx, after, chunk)
		if err != nil {
			return Page[domain.Membership]{}, fmt.Errorf("list rows of the view: %w", err)
		}
		edges, err := i.edges(ctx, rows, w.far)
		if err != nil {
			return Page[domain.Membership]{}, err
		}
		page.Items = append(page.Items, edges...)
		if len(page.Items) > limit {
			page.Items = page.Items[:limit]
			page.Next = i.seal(w.end, w.far(&page.Items[limit-1]).ID)
			return page, nil
		}
		if len(rows) < chunk {
			return page, nil
		}
		after = w.far(&rows[len(rows)-1]).ID
		if looked += len(rows); looked >= cost.rows || i.reads >= cost.reads {
			page.Next = i.seal(w.end, after)
			return page, nil
		}
	}
}

// placeInPast is where a list of the past goes on.
type placeInPast struct {
	after uuid.UUID
	at    time.Time
}

func (i *instant) seal(end domain.EntityID, after uuid.UUID) string {
	return i.reader.cursors.seal(pastScope(end), binary.BigEndian.AppendUint64(after[:], uint64(i.at.UnixMilli())))
}

// openInstant reads a cursor that holds an id and an instant; without one, the
// list begins at the instant that was asked for. Commits have whole milliseconds.
func (s *sealer) openInstant(end domain.EntityID, at time.Time, cursor string) (placeInPast, error) {
	at = time.UnixMilli(at.Truncate(time.Millisecond).UnixMilli()).UTC()
	if cursor == "" {
		return placeInPast{at: at}, nil
	}
	place, err := s.open(pastScope(end), cursor)
	if err != nil {
		return placeInPast{}, err
	}
	if len(place) != len(uuid.UUID{})+8 {
		return placeInPast{}, badCursor()
	}
	held := time.UnixMilli(int64(binary.BigEndian.Uint64(place[len(uuid.UUID{}):]))).UTC()
	if !at.IsZero() && !at.Equal(held) {
		return placeInPast{}, badCursor()
	}
	return placeInPast{uuid.UUID(place[:len(uuid.UUID{})]), held}, nil
}

// instant tells how things were at a time, and counts the streams that it reads
// for that.
type instant struct {
	reader *Reader
	at     time.Time
	reads  int
}

// edges gives, of memberships as their rows have them now, those that were there,
// as they were.
func (i *instant) edges(ctx context.Context, rows []domain.Membership, far func(*domain.Membership) domain.EntityID) ([]domain.Membership, error) {
	then := make([]domain.Membership, len(rows))
	var moved []int
	for n := range rows {
		switch row := &rows[n]; {
		case !row.Since.IsZero() && !row.Since.After(i.at):
			then[n] = *row
		case row.Seq > 1:
			moved = append(moved, n)
		}
	}
	err := i.each(ctx, moved, func(ctx context.Context, n int) error {
		edge := domain.Membership{Group: rows[n].Group, Member: rows[n].Member}
		stream := eventstream.MemberStream(edge.Group.UUID, edge.Member)
		err := i.reader.foldTo(ctx, stream, Moment{Time: i.at}, edge.Apply)
		then[n] = edge
		return err
	})
	if err != nil {
		return nil, err
	}
	present := then[:0]
	var ends []domain.EntityID
	for n := range then {
		if then[n].Present {
			present, ends = append(present, then[n]), append(ends, far(&then[n]))
		}
	}
	there, err := i.existed(ctx, ends)
	if err != nil {
		return nil, err
	}
	counted := present[:0]
	for n := range present {
		if there[n] {
			counted = append(counted, present[n])
		}
	}
	return counted, nil
}

// existed tells of users and groups whether they were there.
func (i *instant) existed(ctx context.Context, of []domain.EntityID) ([]bool, error) {
	roots, err := i.reader.config.View.Roots(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("read the rows of ends: %w", err)
	}
	there := make([]bool, len(of))
	var moved []int
	for n := range roots {
		switch root := &roots[n]; {
		case root.Seq == 0 || root.CreatedAt.After(i.at):
		case !root.Removed: // nothing comes back that was removed
			there[n] = true
		case root.UpdatedAt.After(i.at):
			moved = append(moved, n)
		}
	}
	err = i.each(ctx, moved, func(ctx context.Context, n int) error {
		state := newFold(streamOf(of[n]))
		err := i.reader.foldTo(ctx, state.stream, Moment{Time: i.at}, state.apply)
		there[n] = state.now() != State{}
		return err
	})
	return there, err
}

// each does something for some places, a few at a time.
func (i *instant) each(ctx context.Context, places []int, do func(context.Context, int) error) error {
	i.reads += len(places)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(streamsAtOnce)
	for _, n := range places {
		group.Go(func() error { return do(ctx, n) })
	}
	return group.Wait()
}
