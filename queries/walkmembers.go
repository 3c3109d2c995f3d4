package queries

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// groupsAtOnce is how many groups the members' list looks ahead.
const groupsAtOnce = 500

// walkMembers tells the members of one group after the other. The position names
// the group it is at, and the member it was told of last.
func (f *Follower) walkMembers(ctx context.Context, page []Change, limit int) ([]Change, error) {
	if !f.at.filter.wants(MemberChange) {
		f.next(feedStage)
		return page, nil
	}
	if f.at.id == uuid.Nil {
		group, err := f.nextGroup(ctx, uuid.Nil)
		if err != nil {
			return page, err
		}
		if group == uuid.Nil {
			f.next(feedStage)
			return page, nil
		}
		f.at.id = group
	}
	read, err := f.membersHere(ctx, limit-len(page))
	if err != nil {
		return page, err
	}
	for i := range read.members {
		f.at.member = read.members[i].Member
		page = append(page, memberChange(&read.members[i], f.at))
	}
	if !read.all {
		return page, nil
	}
	group, err := f.nextGroup(ctx, f.at.id)
	if err != nil {
		return page, err
	}
	if group == uuid.Nil {
		f.next(feedStage)
		return page, nil
	}
	f.at.id, f.at.member = group, uuid.Nil
	return page, nil
}

// nextGroup gives the group after another in the list, the nil one after the last.
func (f *Follower) nextGroup(ctx context.Context, after uuid.UUID) (uuid.UUID, error) {
	if only := f.at.filter.Group; !only.IsZero() {
		if after == uuid.Nil {
			return only.UUID, nil
		}
		return uuid.Nil, nil
	}
	if len(f.groups) == 0 {
		groups, err := f.r.groupsAfter(ctx, after, groupsAtOnce)
		if err != nil {
			return uuid.Nil, err
		}
		for i := range groups {
			f.groups = append(f.groups, groups[i].ID.UUID)
		}
	}
	if len(f.groups) == 0 {
		return uuid.Nil, nil
	}
	next := f.groups[0]
	f.groups = f.groups[1:]
	return next, nil
}

// membersRead are members of a group, and whether that is all of them.
type membersRead struct {
	members []domain.Membership
	all     bool
}

// listsAhead is of how many groups the members are read at a time, where that takes a
// request each.
const listsAhead = 16

// membersHere gives the members of the group behind the one told last, up to wanted.
func (f *Follower) membersHere(ctx context.Context, wanted int) (membersRead, error) {
	if f.at.member != uuid.Nil || f.r.config.Streams.Log() != nil {
		return f.membersOf(ctx, f.at.id, f.at.member, wanted)
	}
	if _, read := f.ahead[f.at.id]; !read {
		if err := f.readAhead(ctx, wanted); err != nil {
			return membersRead{}, err
		}
	}
	here := f.ahead[f.at.id]
	delete(f.ahead, f.at.id)
	if len(here.members) > wanted {
		here.members, here.all = here.members[:wanted], false
	}
	return here, nil
}

// readAhead reads the members of this group and of those that come next. What
// changes before it is told is told once more, behind the lists. It fails only if this
// group's cannot be read.
func (f *Follower) readAhead(ctx context.Context, wanted int) error {
	groups := append([]uuid.UUID{f.at.id}, f.groups[:min(listsAhead-1, len(f.groups))]...)
	read, errs := make([]membersRead, len(groups)), make([]error, len(groups))
	var reading sync.WaitGroup
	for i, id := range groups {
		reading.Go(func() { read[i], errs[i] = f.membersOf(ctx, id, uuid.Nil, wanted) })
	}
	reading.Wait()
	f.ahead = make(map[uuid.UUID]membersRead, len(groups))
	for i, id := range groups {
		if errs[i] == nil {
			f.ahead[id] = read[i]
		}
	}
	return errs[0]
}

func (f *Follower) membersOf(ctx context.Context, group, after uuid.UUID, wanted int) (membersRead, error) {
	members, err := f.r.config.View.Members(ctx, domain.GroupID{UUID: group}, after, wanted)
	if err != nil {
		return membersRead{}, fmt.Errorf("list members: %w", err)
	}
	return membersRead{members, len(members) < wanted}, nil
}
