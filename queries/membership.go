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
	r = r.answering()
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

// needUser refuses a user who does not exist.
func (r *Reader) needUser(ctx context.Context, id domain.UserID) error {
	user, err := r.config.View.User(ctx, id)
	if err != nil {
		return fmt.Errorf("read a user's row: %w", err)
	}
	if !user.Exists() {
		return noUser()
	}
	return nil
}

// needGroup refuses a group that does not exist.
func (r *Reader) needGroup(ctx context.Context, id domain.GroupID) error {
	group, err := r.config.View.Group(ctx, id)
	if err != nil {
		return fmt.Errorf("read a group's row: %w", err)
	}
	if !group.Exists() {
		return noGroup()
	}
	return nil
}

// Members lists the members of a group that exists, by id.
func (r *Reader) Members(ctx context.Context, group domain.GroupID, listing Listing, fresh Freshness) (Page[domain.Membership], error) {
	r = r.answering()
	ctx, span := r.config.Tracer.Start(ctx, "queries.Members")
	defer span.End()
	return r.edges(ctx, listing, fresh, func(ctx context.Context) error { return r.needGroup(ctx, group) }, walk[domain.Membership]{
		scope: "members of " + group.String(),
		read: func(ctx context.Context, after uuid.UUID, limit int) ([]domain.Membership, error) {
			return r.config.View.Members(ctx, group, after, limit)
		},
		id: func(edge domain.Membership) uuid.UUID { return edge.Member },
	})
}

// GroupsOfUser lists the groups that a user, who exists, is directly in, by id.
func (r *Reader) GroupsOfUser(ctx context.Context, user domain.UserID, listing Listing, fresh Freshness) (Page[domain.Membership], error) {
	r = r.answering()
	ctx, span := r.config.Tracer.Start(ctx, "queries.GroupsOfUser")
	defer span.End()
	return r.edges(ctx, listing, fresh, func(ctx context.Context) error { return r.needUser(ctx, user) }, r.groupsOf(user.UUID))
}

// GroupsOfGroup lists the groups that a group, which exists, is directly in, by
// id.
func (r *Reader) GroupsOfGroup(ctx context.Context, group domain.GroupID, listing Listing, fresh Freshness) (Page[domain.Membership], error) {
	r = r.answering()
	ctx, span := r.config.Tracer.Start(ctx, "queries.GroupsOfGroup")
	defer span.End()
	return r.edges(ctx, listing, fresh, func(ctx context.Context) error { return r.needGroup(ctx, group) }, r.groupsOf(group.UUID))
}

func (r *Reader) groupsOf(member uuid.UUID) walk[domain.Membership] {
	return walk[domain.Membership]{
		scope: "groups of " + member.String(),
		read: func(ctx context.Context, after uuid.UUID, limit int) ([]domain.Membership, error) {
			return r.config.View.GroupsOf(ctx, member, domain.GroupID{UUID: after}, limit)
		},
		id: func(edge domain.Membership) uuid.UUID { return edge.Group.UUID },
	}
}

// edges lists memberships around an end that must exist.
func (r *Reader) edges(ctx context.Context, listing Listing, fresh Freshness, need func(context.Context) error, edges walk[domain.Membership]) (Page[domain.Membership], error) {
	restsOn, err := r.rows(ctx, fresh)
	if err != nil {
		return Page[domain.Membership]{}, err
	}
	if err := need(ctx); err != nil {
		return Page[domain.Membership]{}, err
	}
	return edges.page(ctx, r.cursors, listing, restsOn)
}
