package memview

import (
	"context"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// User gives a user's row.
func (v *View) User(_ context.Context, id domain.UserID) (domain.User, error) {
	return v.readUser(id, v.row(id.UUID, userSide)), nil
}

// Group gives a group's row.
func (v *View) Group(_ context.Context, id domain.GroupID) (domain.Group, error) {
	return v.readGroup(id, v.row(id.UUID, groupSide)), nil
}

// Key gives an API key's row.
func (v *View) Key(_ context.Context, id domain.KeyID) (domain.APIKey, error) {
	return v.keys.get(id), nil
}

// Membership gives a membership's row. It is not Present if an end was removed.
func (v *View) Membership(_ context.Context, group domain.GroupID, member uuid.UUID) (domain.Membership, error) {
	e, known := v.edge(group.UUID, member)
	if !known || e.seq == 0 {
		return domain.Membership{}, nil
	}
	m := v.membership(&e)
	if v.nodes.at(e.group).stage(groupSide) == gone || v.nodes.at(e.member).stage(e.side()) == gone {
		m.Present = false
	}
	return m, nil
}

func (v *View) membership(e *edge) domain.Membership {
	m := e.membership()
	m.Group = domain.GroupID{UUID: v.id(e.group)}
	m.Member = v.id(e.member)
	return m
}

// Roots gives what the rows of users and groups have in common.
func (v *View) Roots(_ context.Context, of []domain.EntityID) ([]domain.Root, error) {
	roots := make([]domain.Root, len(of))
	for i, one := range of {
		if row := v.row(one.ID, sideOf(one.Kind)); row != "" {
			r := rowReader{row}
			roots[i], _ = r.root()
			roots[i].Origin = ""
		}
	}
	return roots, nil
}

// row gives a copy of an entity's row, empty if there is none.
func (v *View) row(id uuid.UUID, s side) string {
	r, ok := v.nodes.find(id)
	if !ok {
		return ""
	}
	shard := v.shard(r)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	return shard.row(v.nodes.at(r), s)
}

func (s *shard) row(node *node, which side) string {
	at := node.rows[which]
	if at == 0 {
		return ""
	}
	return string(s.rows.row(at))
}

func (v *View) entitySeq(id uuid.UUID, s side) eventstream.Seq {
	r, ok := v.nodes.find(id)
	if !ok {
		return 0
	}
	shard := v.shard(r)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	return eventstream.Seq(shard.seq(v.nodes.at(r), s))
}
