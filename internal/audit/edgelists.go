package audit

import (
	"context"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// compareEdgeLists demands that members are listed for their groups, and groups
// for their members.
func (a *audit) compareEdgeLists(ctx context.Context) error {
	err := atOnce(ctx, a, "lists of members", a.groups, func(ctx context.Context, id uuid.UUID, _ entity) error {
		err := walk(ctx, a.members(ctx, id), memberOf, a.see(ctx, 1, func(other uuid.UUID) edgeKey { return edgeOf(id, other) }))
		return a.unreadable(eventstream.GroupStream(id), "members", err)
	})
	if err != nil {
		return err
	}
	groupsOf := func(stage string, entities map[uuid.UUID]entity, stream func(uuid.UUID) eventstream.StreamID) error {
		return atOnce(ctx, a, stage, entities, func(ctx context.Context, id uuid.UUID, _ entity) error {
			err := walk(ctx, a.groupsOf(ctx, id), groupOf, a.see(ctx, 2, func(other uuid.UUID) edgeKey { return edgeOf(other, id) }))
			return a.unreadable(stream(id), "groups of the member", err)
		})
	}
	if err := groupsOf("lists of the groups of users", a.users, eventstream.UserStream); err != nil {
		return err
	}
	if err := groupsOf("lists of the groups of groups", a.groups, eventstream.GroupStream); err != nil {
		return err
	}
	return each(ctx, a, "listed memberships", a.edges, func(key edgeKey, e edge) error {
		if e.shown == 3 || !a.known(key, e) || !a.counts(key, e) {
			return nil
		}
		return a.settleEdge(ctx, key)
	})
}

func memberOf(m *domain.Membership) uuid.UUID { return m.Member }
func groupOf(m *domain.Membership) uuid.UUID  { return m.Group.UUID }

func (a *audit) members(ctx context.Context, group uuid.UUID) func(uuid.UUID, int) ([]domain.Membership, error) {
	return func(after uuid.UUID, limit int) ([]domain.Membership, error) {
		return a.subject.View.Members(ctx, domain.GroupID{UUID: group}, after, limit)
	}
}

func (a *audit) groupsOf(ctx context.Context, member uuid.UUID) func(uuid.UUID, int) ([]domain.Membership, error) {
	return func(after uuid.UUID, limit int) ([]domain.Membership, error) {
		return a.subject.View.GroupsOf(ctx, member, domain.GroupID{UUID: after}, limit)
	}
}

// see notes that a list showed an edge.
func (a *audit) see(ctx context.Context, by uint8, key func(uuid.UUID) edgeKey) func(uuid.UUID, bool) error {
	return func(other uuid.UUID, inOrder bool) error {
		edge := key(other)
		if !inOrder {
			a.reporter.add(Finding{Part: Lists, Stream: edge.stream(), What: "is out of order in a list of memberships"})
		}
		e := a.saw(edge, by)
		if a.counts(edge, e) || !a.known(edge, e) {
			return nil
		}
		return a.settleEdge(ctx, edge)
	}
}

func (a *audit) saw(key edgeKey, by uint8) edge {
	a.seeing.Lock()
	defer a.seeing.Unlock()
	e, found := a.edges[key]
	if found {
		e.shown |= by
		a.edges[key] = e
	}
	return e
}

// settleEdge compares both lists that may show an edge with the rows of the edge
// and of its ends.
func (a *audit) settleEdge(ctx context.Context, key edgeKey) error {
	must := func() (bool, error) { return edgeCounts(ctx, a.subject.View, key) }
	err := a.settleListed(ctx, key.stream(), "members", func() (bool, bool, error) {
		want, err := must()
		if err != nil {
			return false, false, err
		}
		shown, err := starts(a.members(ctx, key.group()), memberOf, key.member())
		return shown, want, err
	})
	if err != nil {
		return err
	}
	return a.settleListed(ctx, key.stream(), "groups of the member", func() (bool, bool, error) {
		want, err := must()
		if err != nil {
			return false, false, err
		}
		shown, err := starts(a.groupsOf(ctx, key.member()), groupOf, key.group())
		return shown, want, err
	})
}

// edgeCounts tells whether the rows say that the edge counts.
func edgeCounts(ctx context.Context, view queries.View, key edgeKey) (bool, error) {
	row, err := view.Membership(ctx, domain.GroupID{UUID: key.group()}, key.member())
	if err != nil || !row.Present {
		return false, err
	}
	group, err := view.Group(ctx, row.Group)
	if err != nil || !group.Exists() {
		return false, err
	}
	if row.Kind == domain.GroupMember {
		member, err := view.Group(ctx, domain.GroupID{UUID: row.Member})
		return member.Exists(), err
	}
	member, err := view.User(ctx, domain.UserID{UUID: row.Member})
	return member.Exists(), err
}
