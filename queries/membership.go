package queries

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// CodeNotAMember is the code of the refusal when there is no such membership.
const CodeNotAMember = "not_a_member"

// Membership gives a membership that is present and neither of whose ends was
// removed.
func (r *Reader) Membership(ctx context.Context, group domain.GroupID, member uuid.UUID, fresh Freshness) (Entity[domain.Membership], error) {
	stream := eventstream.MemberStream(group.UUID, member)
	err := r.forceEntity(ctx, fresh, stream, eventstream.GroupStream(group.UUID), eventstream.UserStream(member), eventstream.GroupStream(member))
	if err != nil {
		return Entity[domain.Membership]{}, err
	}
	membership, err := r.config.View.Membership(ctx, group, member)
	if err != nil {
		return Entity[domain.Membership]{}, fmt.Errorf("read a membership's row: %w", err)
	}
	counts := membership.Present
	if counts {
		if counts, err = r.bothEndsLast(ctx, &membership); err != nil {
			return Entity[domain.Membership]{}, err
		}
	}
	if !counts {
		return Entity[domain.Membership]{}, domain.Refuse(domain.NotFound, CodeNotAMember, "it is not a member of the group")
	}
	return one(membership, stream, membership.Seq), nil
}

// bothEndsLast tells whether neither end was removed. An end that the view has
// not heard of exists: the edge could not have been made otherwise.
func (r *Reader) bothEndsLast(ctx context.Context, edge *domain.Membership) (bool, error) {
	group, err := r.config.View.Group(ctx, edge.Group)
	if err != nil {
		return false, fmt.Errorf("read a group's row: %w", err)
	}
	if group.Removed {
		return false, nil
	}
	if edge.Kind == domain.GroupMember {
		member, err := r.config.View.Group(ctx, domain.GroupID{UUID: edge.Member})
		if err != nil {
			return false, fmt.Errorf("read a group's row: %w", err)
		}
		return !member.Removed, nil
	}
	member, err := r.config.View.User(ctx, domain.UserID{UUID: edge.Member})
	if err != nil {
		return false, fmt.Errorf("read a user's row: %w", err)
	}
	return !member.Removed, nil
}

func (r *Reader) userExists(ctx context.Context, id domain.UserID) (bool, error) {
	user, err := r.config.View.User(ctx, id)
	if err != nil {
		return false, fmt.Errorf("read a user's row: %w", err)
	}
	return user.Exists(), nil
}

func (r *Reader) groupExists(ctx context.Context, id domain.GroupID) (bool, error) {
	group, err := r.config.View.Group(ctx, id)
	if err != nil {
		return false, fmt.Errorf("read a group's row: %w", err)
	}
	return group.Exists(), nil
}

// Members lists the members of a group that exists, by id.
func (r *Reader) Members(ctx context.Context, group domain.GroupID, listing Listing, fresh Freshness) (Page[domain.Membership], error) {
	ctx, span := r.config.Tracer.Start(ctx, "queries.Members")
	defer span.End()
	restsOn, err := r.rows(ctx, fresh)
	if err != nil {
		return Page[domain.Membership]{}, err
	}
	exists, err := r.groupExists(ctx, group)
	if err != nil {
		return Page[domain.Membership]{}, err
	}
	if !exists {
		return Page[domain.Membership]{}, noGroup()
	}
	return walk[domain.Membership]{
		scope: "members of " + group.String(),
		read: func(ctx context.Context, after uuid.UUID, limit int) ([]domain.Membership, error) {
			members, err := r.config.View.Members(ctx, group, after, limit)
			if err != nil {
				return nil, fmt.Errorf("list members: %w", err)
			}
			return members, nil
		},
		id: func(edge domain.Membership) uuid.UUID { return edge.Member },
	}.page(ctx, r.cursors, listing, restsOn)
}

// GroupsOfUser lists the groups that a user, who exists, is directly in, by id.
func (r *Reader) GroupsOfUser(ctx context.Context, user domain.UserID, listing Listing, fresh Freshness) (Page[domain.Membership], error) {
	ctx, span := r.config.Tracer.Start(ctx, "queries.GroupsOfUser")
	defer span.End()
	restsOn, err := r.rows(ctx, fresh)
	if err != nil {
		return Page[domain.Membership]{}, err
	}
	exists, err := r.userExists(ctx, user)
	if err != nil {
		return Page[domain.Membership]{}, err
	}
	if !exists {
		return Page[domain.Membership]{}, noUser()
	}
	return r.groupsOf(ctx, user.UUID, listing, restsOn)
}

// GroupsOfGroup lists the groups that a group, which exists, is directly in, by
// id.
func (r *Reader) GroupsOfGroup(ctx context.Context, group domain.GroupID, listing Listing, fresh Freshness) (Page[domain.Membership], error) {
	ctx, span := r.config.Tracer.Start(ctx, "queries.GroupsOfGroup")
	defer span.End()
	restsOn, err := r.rows(ctx, fresh)
	if err != nil {
		return Page[domain.Membership]{}, err
	}
	exists, err := r.groupExists(ctx, group)
	if err != nil {
		return Page[domain.Membership]{}, err
	}
	if !exists {
		return Page[domain.Membership]{}, noGroup()
	}
	return r.groupsOf(ctx, group.UUID, listing, restsOn)
}

func (r *Reader) groupsOf(ctx context.Context, member uuid.UUID, listing Listing, restsOn eventstream.Token) (Page[domain.Membership], error) {
	return walk[domain.Membership]{
		scope: "groups of " + member.String(),
		read: func(ctx context.Context, after uuid.UUID, limit int) ([]domain.Membership, error) {
			groups, err := r.config.View.GroupsOf(ctx, member, domain.GroupID{UUID: after}, limit)
			if err != nil {
				return nil, fmt.Errorf("list the groups of a member: %w", err)
			}
			return groups, nil
		},
		id: func(edge domain.Membership) uuid.UUID { return edge.Group.UUID },
	}.page(ctx, r.cursors, listing, restsOn)
}
