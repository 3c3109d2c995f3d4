package memview

import (
	"context"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// roomForPage is how many rows are made room for before they are found.
const roomForPage = 64

// Users gives the users that exist beyond an id, in the order of their ids.
func (v *View) Users(ctx context.Context, after domain.UserID, limit int) ([]domain.User, error) {
	users := make([]domain.User, 0, min(max(limit, 0), roomForPage))
	err := v.walk(ctx, userSide, after.UUID, limit, func(id uuid.UUID, row string) bool {
		if user := v.readUser(domain.UserID{UUID: id}, row); user.Exists() {
			users = append(users, user)
		}
		return len(users) < limit
	})
	return users, err
}

// Groups gives the groups that exist beyond an id, in the order of their ids.
func (v *View) Groups(ctx context.Context, after domain.GroupID, limit int) ([]domain.Group, error) {
	groups := make([]domain.Group, 0, min(max(limit, 0), roomForPage))
	err := v.walk(ctx, groupSide, after.UUID, limit, func(id uuid.UUID, row string) bool {
		if group := v.readGroup(domain.GroupID{UUID: id}, row); group.Exists() {
			groups = append(groups, group)
		}
		return len(groups) < limit
	})
	return groups, err
}

// walk visits the rows of listed entities beyond an id, until visit is content.
func (v *View) walk(ctx context.Context, s side, after uuid.UUID, limit int, visit func(uuid.UUID, string) bool) error {
	for limit > 0 {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		refs := v.lists[s].page(after, limit)
		for _, r := range refs {
			node, shard := v.nodes.at(r), v.shard(r)
			shard.mu.RLock()
			row := shard.row(node, s)
			shard.mu.RUnlock()
			if !visit(node.id, row) {
				return nil
			}
		}
		if len(refs) < limit {
			return nil
		}
		after = v.id(refs[limit-1])
	}
	return nil
}

func (l *list) page(after uuid.UUID, limit int) []ref {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var page []ref
	for r := range l.refs.after(keyOf(0, after)) {
		if len(page) == limit {
			break
		}
		page = append(page, ref(*r))
	}
	return page
}

// scanned is how many hidden memberships are passed over before a lock is let go.
const scanned = 1 << 10

// Members gives the memberships in a group that count, beyond a member's id, in
// the order of the members' ids.
func (v *View) Members(ctx context.Context, group domain.GroupID, after uuid.UUID, limit int) ([]domain.Membership, error) {
	g, ok := v.nodes.find(group.UUID)
	if !ok || limit <= 0 {
		return nil, nil
	}
	var members []domain.Membership
	next, more := keyOf(g, after), true
	for more && len(members) < limit && v.nodes.at(g).stage(groupSide) == here {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		members, next, more = v.members(members, next, limit)
	}
	return members, nil
}

// members adds to a page what counts beyond a key, and tells from where there
// may be more.
func (v *View) members(page []domain.Membership, after key, limit int) (_ []domain.Membership, next key, more bool) {
	shard := v.shard(after.owner)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	passed := 0
	for e := range shard.edges.after(after) {
		if e.group != after.owner {
			return page, after, false
		}
		if passed++; len(page) == limit || passed > scanned {
			return page, next, true
		}
		next = e.key(v.nodes)
		if v.nodes.at(e.member).stage(e.side()) == here {
			page = append(page, v.membership(e))
		}
	}
	return page, after, false
}

// GroupsOf gives the memberships of a member that count, beyond a group's id, in
// the order of the groups' ids.
func (v *View) GroupsOf(ctx context.Context, member uuid.UUID, after domain.GroupID, limit int) ([]domain.Membership, error) {
	m, ok := v.nodes.find(member)
	if !ok || limit <= 0 {
		return nil, nil
	}
	var memberships []domain.Membership
	next := keyOf(m, after.UUID)
	for {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		wanted := limit - len(memberships)
		groups := v.groups(next, wanted)
		for _, g := range groups {
			e, counts := v.counting(g, m)
			if counts {
				memberships = append(memberships, v.membership(&e))
			}
		}
		if len(groups) < wanted || len(memberships) == limit {
			return memberships, nil
		}
		next = keyOf(m, v.id(groups[len(groups)-1]))
	}
}

// groups gives at most limit groups that a member is listed for, beyond a key.
func (v *View) groups(after key, limit int) []ref {
	shard := v.shard(after.owner)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	return shard.groups(after, limit)
}

func (s *shard) groups(after key, limit int) []ref {
	var groups []ref
	for b := range s.backs.after(after) {
		if b.member != after.owner || len(groups) == limit {
			break
		}
		groups = append(groups, b.group)
	}
	return groups
}

// counting gives an edge, and whether it counts: it is listed and both of its
// ends exist.
func (v *View) counting(group, member ref) (edge, bool) {
	shard := v.shard(group)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	e, isListed := v.current(group, member)
	return e, isListed && v.nodes.at(group).stage(groupSide) == here && v.nodes.at(member).stage(e.side()) == here
}
