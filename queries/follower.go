package queries

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Follower is told everything that there is, and then everything that changes: in
// pages, each of which it can stop and go on behind, also in another process. It
// is for one goroutine.
type Follower struct {
	of *Reader
	// r is the reader of the generation that answered last.
	r     *Reader
	epoch eventstream.Epoch
	at    position
	begun bool // Now was asked
	told  bool // everything was, when it was asked last

	groups []uuid.UUID // those that come next in the members' list
	ahead  map[uuid.UUID]membersRead
}

// Follow makes a follower that goes on behind a position, or from the beginning if
// that is empty. A position brings its filter with it: one given beside it must be
// zero or the same. The error is ErrChangesOff, a refusal, or eventstream's
// ErrMalformedToken or ErrForeignToken; nothing is read yet.
func (r *Reader) Follow(after string, filter ChangeFilter, epoch eventstream.Epoch) (*Follower, error) {
	if r.config.Notices == nil {
		return nil, ErrChangesOff
	}
	given := filter != (ChangeFilter{})
	if filter.Kinds == allChanges && filter.Group.IsZero() {
		filter.Kinds = 0
	}
	if err := filter.check(); err != nil {
		return nil, err
	}
	f := &Follower{of: r, r: r.answering(), epoch: epoch}
	if after == "" {
		f.at.filter = filter
		f.at.stage = walkUsers
		return f, nil
	}
	at, err := parsePosition(after, epoch)
	if err != nil {
		return nil, err
	}
	if given && filter != at.filter {
		return nil, domain.RefuseField("after", "is a position of other filters")
	}
	f.at, f.begun = at, true
	return f, nil
}

// Position is where the follower stands, as text: behind everything that it was
// told.
func (f *Follower) Position() (string, error) {
	if !f.begun {
		return "", nil
	}
	text, err := f.at.appendText(nil, f.epoch)
	return string(text), err
}

// AppendPosition appends the position behind a Change of this follower.
func (f *Follower) AppendPosition(dst []byte, change *Change) ([]byte, error) {
	return change.at.appendText(dst, f.epoch)
}

// Ensure brings the view to where it shows what the follower is told, at least. That
// something has changed may be told a moment later all the same.
func (f *Follower) Ensure(ctx context.Context, fresh Freshness) error {
	return f.r.forceList(ctx, f.r.config.Waiter, fresh, DefaultWait)
}

// Told tells whether the last Next came to the end of what there is.
func (f *Follower) Told() bool { return f.told }

// RestsOn is up to where everything shows in what was told.
func (f *Follower) RestsOn() eventstream.Token { return f.at.place.At }

// worked is how many announcements are gone over for one page at most, where the
// filter passes over most of them.
const worked = 1 << 14

// Next appends to a page what comes next, up to limit in all. It may append less,
// or nothing, and have more to tell; see Told. It fails only where it has got no
// further: else the next one fails.
func (f *Follower) Next(ctx context.Context, page []Change, limit int) ([]Change, error) {
	if err := f.begin(ctx); err != nil {
		return page, err
	}
	f.r = f.of.answering() // after that: a generation is never before an earlier one
	f.told = false
	begun := len(page)
	for gone := 0; len(page) < limit && !f.told && gone < worked; {
		n := 1
		var err error
		switch f.at.stage {
		case walkUsers:
			page, err = f.walkUsers(ctx, page, limit)
		case walkGroups:
			page, err = f.walkGroups(ctx, page, limit)
		case walkMembers:
			page, err = f.walkMembers(ctx, page, limit)
			n = f.groupWork()
		default:
			page, n, err = f.changes(ctx, page, limit)
		}
		if err != nil && gone == 0 && len(page) == begun {
			return page, err
		}
		if err != nil {
			return page, nil
		}
		gone += n
	}
	return page, nil
}

// groupsAway is how many groups without members are gone over for one page at most
// where looking at each takes a request.
const groupsAway = 256

// groupWork is what looking at one group's members counts for.
func (f *Follower) groupWork() int {
	if f.r.config.Streams.Log() == nil {
		return worked / groupsAway
	}
	return 1
}

// Wait returns when there may be something to tell, or when ctx ends, with its
// error.
func (f *Follower) Wait(ctx context.Context) error {
	if !f.told {
		return nil
	}
	if err := f.r.config.Notices.Wait(ctx, f.at.place); err != nil {
		return fmt.Errorf("wait for changes: %w", err)
	}
	return nil
}

// begin remembers where the feed stands before the first list is read: what
// changes while the lists are told is told behind them.
func (f *Follower) begin(ctx context.Context) error {
	if f.begun {
		return nil
	}
	now, err := f.r.config.Notices.Now(ctx)
	if err != nil {
		return fmt.Errorf("find where the change feed stands: %w", err)
	}
	f.at.place, f.begun = now, true
	return nil
}

// next goes on with another list, or with what changes.
func (f *Follower) next(to stage) {
	f.at.stage, f.at.id, f.at.member, f.ahead = to, uuid.Nil, uuid.Nil, nil
}

func (f *Follower) walkUsers(ctx context.Context, page []Change, limit int) ([]Change, error) {
	if !f.at.filter.wantsUser() {
		f.next(walkGroups)
		return page, nil
	}
	wanted := limit - len(page)
	users, err := f.r.usersAfter(ctx, f.at.id, wanted)
	if err != nil {
		return page, err
	}
	for i := range users {
		f.at.id = users[i].ID.UUID
		page = append(page, Change{Kind: UserChange, Seq: eventstream.Seq(users[i].Seq), User: users[i], at: f.at})
	}
	if len(users) < wanted {
		f.next(walkGroups)
	}
	return page, nil
}

func (f *Follower) walkGroups(ctx context.Context, page []Change, limit int) ([]Change, error) {
	if only := f.at.filter.Group; !only.IsZero() || !f.at.filter.wants(GroupChange) {
		if f.at.filter.wants(GroupChange) && !only.IsZero() {
			group, err := f.r.config.View.Group(ctx, only)
			if err != nil {
				return page, fmt.Errorf("read a group's row: %w", err)
			}
			f.next(walkMembers)
			if group.Exists() {
				page = append(page, groupChange(&group, f.at))
			}
			return page, nil
		}
		f.next(walkMembers)
		return page, nil
	}
	wanted := limit - len(page)
	groups, err := f.r.groupsAfter(ctx, f.at.id, wanted)
	if err != nil {
		return page, err
	}
	for i := range groups {
		f.at.id = groups[i].ID.UUID
		page = append(page, groupChange(&groups[i], f.at))
	}
	if len(groups) < wanted {
		f.next(walkMembers)
	}
	return page, nil
}

func groupChange(group *domain.Group, at position) Change {
	return Change{Kind: GroupChange, Seq: eventstream.Seq(group.Seq), Group: *group, at: at}
}

func memberChange(membership *domain.Membership, at position) Change {
	return Change{Kind: MemberChange, Seq: eventstream.Seq(membership.Seq), Removed: !membership.Present, Membership: *membership, at: at}
}
