package queries

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// telling is one of a page of announcements, and what comes of it.
type telling struct {
	eventstream.Announcement
	// same is an earlier one of the page about the same stream, or the one itself.
	same *telling
	// relevant says that the row has to be read; change is what it says, or err why it
	// cannot be told.
	relevant, wanted bool
	change           Change
	err              error
}

// ended tells whether the announcement is of the entity's end.
func (t *telling) ended() bool {
	return t.relevant && t.same.change.Kind != MemberChange && t.same.change.Removed && t.same.change.Seq == t.Seq
}

// changes tells what has changed behind the place, and how much was gone over.
func (f *Follower) changes(ctx context.Context, page []Change, limit int) (_ []Change, gone int, err error) {
	announced, behind, err := f.r.config.Notices.After(ctx, f.at.place, limit-len(page))
	if err != nil {
		return page, 0, fmt.Errorf("read what has changed: %w", err)
	}
	if len(announced) == 0 {
		f.told = samePlace(f.at.place, behind)
		f.at.place = behind
		return page, 1, nil
	}
	tellings := f.tellings(announced)
	f.read(ctx, tellings)
	for i := range tellings {
		var more bool
		if page, more, err = f.tell(ctx, &tellings[i], page, limit); err != nil || more {
			return page, len(announced), err
		}
	}
	f.at.place = behind
	return page, len(announced), nil
}

func samePlace(a, b eventstream.Place) bool {
	return a.Part == b.Part && a.Told == b.Told && slices.Equal(a.At, b.At)
}

// tellings sorts out which announcements matter for the filter.
func (f *Follower) tellings(announced []eventstream.Announcement) []telling {
	tellings := make([]telling, len(announced))
	first := make(map[eventstream.StreamID]*telling, len(announced))
	for i := range announced {
		t := &tellings[i]
		t.Announcement = announced[i]
		t.relevant, t.wanted = f.relevant(t.Stream)
		if t.same = first[t.Stream]; t.same == nil {
			t.same = t
			first[t.Stream] = t
		}
	}
	return tellings
}

// relevant tells whether the stream's row matters for what the filter wants, and
// whether it is wanted itself.
func (f *Follower) relevant(stream eventstream.StreamID) (relevant, wanted bool) {
	ids := stream.UUIDs()
	// An end of memberships matters to those who hear of memberships.
	ends := f.at.filter.wants(MemberChange) && !f.r.config.Notices.TellsEnds()
	switch kind := stream.Kind(); {
	case kind == eventstream.UserKind && len(ids) == 1:
		wanted = f.at.filter.wantsUser()
		return wanted || ends, wanted
	case kind == eventstream.GroupKind && len(ids) == 1:
		wanted = f.at.filter.wantsGroup(ids[0])
		return wanted || ends, wanted
	case kind == eventstream.MemberKind && len(ids) == 2:
		wanted = f.at.filter.wantsMember(ids[0])
	}
	return wanted, wanted
}

// rowsAtOnce is how many rows are read at a time where each takes a request.
const rowsAtOnce = 32

// read reads the rows that matter.
func (f *Follower) read(ctx context.Context, tellings []telling) {
	var group errgroup.Group
	group.SetLimit(rowsAtOnce)
	for i := range tellings {
		t := &tellings[i]
		switch {
		case !t.relevant || t.same != t:
		case f.r.config.Streams.Log() != nil:
			f.readOne(ctx, t)
		default:
			group.Go(func() error { f.readOne(ctx, t); return nil })
		}
	}
	_ = group.Wait()
}

// readOne reads a row, which is at least where the announcement says: a view that
// is behind is brought there.
func (f *Follower) readOne(ctx context.Context, t *telling) {
	for range 2 {
		if t.change, t.err = f.r.changeOf(ctx, t.Stream); t.err != nil || t.change.Seq >= t.Seq {
			return
		}
		if t.err = ensure(ctx, f.r.config.Waiter, t.Position); t.err != nil {
			return
		}
	}
	t.err = fmt.Errorf("%w: a row that was brought to a number is before it", eventstream.ErrBehind)
}

// changeOf is the state of a stream's row now.
func (r *Reader) changeOf(ctx context.Context, stream eventstream.StreamID) (Change, error) {
	ids := stream.UUIDs()
	switch stream.Kind() {
	case eventstream.UserKind:
		user, err := r.config.View.User(ctx, domain.UserID{UUID: ids[0]})
		if err != nil {
			return Change{}, fmt.Errorf("read a user's row: %w", err)
		}
		user.ID = domain.UserID{UUID: ids[0]}
		return Change{Kind: UserChange, Seq: eventstream.Seq(user.Seq), Removed: !user.Exists(), User: user}, nil
	case eventstream.GroupKind:
		group, err := r.config.View.Group(ctx, domain.GroupID{UUID: ids[0]})
		if err != nil {
			return Change{}, fmt.Errorf("read a group's row: %w", err)
		}
		group.ID = domain.GroupID{UUID: ids[0]}
		return Change{Kind: GroupChange, Seq: eventstream.Seq(group.Seq), Removed: !group.Exists(), Group: group}, nil
	}
	membership, err := r.config.View.Membership(ctx, domain.GroupID{UUID: ids[0]}, ids[1])
	if err != nil {
		return Change{}, fmt.Errorf("read a membership's row: %w", err)
	}
	membership.Group, membership.Member = domain.GroupID{UUID: ids[0]}, ids[1]
	return memberChange(&membership, position{}), nil
}

// tell appends what comes of one announcement, and moves the place behind it; more
// says that the page is full before all of that was told.
func (f *Follower) tell(ctx context.Context, t *telling, page []Change, limit int) (_ []Change, more bool, err error) {
	if t.relevant && t.same != t && t.same.change.Seq < t.Seq {
		f.readOne(ctx, t) // it has changed since it was read for the earlier one
		t.same = t
	}
	if t.relevant && t.same.err != nil {
		return page, false, t.same.err
	}
	ended := t.ended() && f.at.filter.wants(MemberChange) && !f.r.config.Notices.TellsEnds()
	if t.wanted && t.same == t && (f.at.side == noSide || !ended) {
		if len(page) == limit {
			return page, true, nil
		}
		at := position{filter: f.at.filter, stage: feedStage, place: t.Next}
		if ended {
			at.place, at.side = t.Here, inside
		}
		t.change.at = at
		page = append(page, t.change)
	}
	if ended {
		if page, more, err = f.tellEnds(ctx, t, page, limit); more || err != nil {
			return page, more, err
		}
	}
	f.at.place, f.at.side, f.at.edge = t.Next, noSide, uuid.Nil
	return page, false, nil
}

// endsAtOnce is how many memberships are looked at, at least, for those that ended.
const endsAtOnce = 128

// tellEnds tells the memberships that ended with an entity, those in it and then
// those that it has; more says that the page is full before the last one.
func (f *Follower) tellEnds(ctx context.Context, t *telling, page []Change, limit int) (_ []Change, more bool, err error) {
	f.at.place = t.Here
	id := t.Stream.UUIDs()[0]
	if only := f.at.filter.Group; !only.IsZero() && only.UUID != id {
		return f.tellEnd(ctx, t, only, page, limit)
	}
	for ; f.at.side <= around; f.at.side, f.at.edge = max(f.at.side, inside)+1, uuid.Nil {
		f.at.side = max(f.at.side, inside)
		if f.at.side == inside && t.same.change.Kind != GroupChange || f.at.side == around && !f.at.filter.Group.IsZero() {
			continue
		}
		for {
			if len(page) == limit {
				return page, true, nil
			}
			wanted := max(limit-len(page), endsAtOnce)
			edges, err := f.ever(ctx, id, wanted)
			if err != nil {
				return page, false, err
			}
			for i := range edges {
				if len(page) == limit {
					return page, true, nil
				}
				f.at.edge = edges[i].Member
				if f.at.side == around {
					f.at.edge = edges[i].Group.UUID
				}
				if edges[i].Present {
					page = append(page, ending(&edges[i], f.at))
				}
			}
			if len(edges) < wanted {
				break
			}
		}
	}
	return page, false, nil
}

func ending(edge *domain.Membership, at position) Change {
	edge.Present = false
	return memberChange(edge, at)
}

// ever lists the memberships that there ever were on the side, behind the edge.
func (f *Follower) ever(ctx context.Context, id uuid.UUID, limit int) (edges []domain.Membership, err error) {
	if f.at.side == inside {
		edges, err = f.r.config.View.EverMembers(ctx, domain.GroupID{UUID: id}, f.at.edge, limit)
	} else {
		edges, err = f.r.config.View.EverGroupsOf(ctx, id, domain.GroupID{UUID: f.at.edge}, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("list memberships that ended: %w", err)
	}
	return edges, nil
}

// tellEnd tells the end of the membership in the one group that is of interest, if
// there ever was one.
func (f *Follower) tellEnd(ctx context.Context, t *telling, group domain.GroupID, page []Change, limit int) (_ []Change, more bool, err error) {
	edge, err := f.r.config.View.Membership(ctx, group, t.Stream.UUIDs()[0])
	if err != nil {
		return page, false, fmt.Errorf("read a membership's row: %w", err)
	}
	if edge.Seq == 0 {
		return page, false, nil
	}
	if len(page) == limit {
		return page, true, nil
	}
	return append(page, ending(&edge, position{filter: f.at.filter, stage: feedStage, place: t.Next})), false, nil
}
