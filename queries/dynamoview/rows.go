package dynamoview

import (
	"context"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// User implements queries.Rows.
func (v *View) User(ctx context.Context, id domain.UserID) (domain.User, error) {
	return readEntity(ctx, v, itemKey(v.bucket(eventstream.UserKind, id.UUID), id.UUID), userEntity(id.UUID))
}

// Group implements queries.Rows.
func (v *View) Group(ctx context.Context, id domain.GroupID) (domain.Group, error) {
	return readEntity(ctx, v, itemKey(v.bucket(eventstream.GroupKind, id.UUID), id.UUID), groupEntity(id.UUID))
}

// Key implements queries.Rows.
func (v *View) Key(ctx context.Context, id domain.KeyID) (domain.APIKey, error) {
	return readEntity(ctx, v, itemKey(keyPartition, id.UUID), keyEntity(id.UUID))
}

func readEntity[E any](ctx context.Context, v *View, key item, e *entity[E]) (none E, err error) {
	stored, err := v.get(ctx, key)
	if err != nil {
		return none, err
	}
	if err := e.read(stored); err != nil || e.root.Seq == 0 {
		return none, err
	}
	return *e.value, nil
}

// Membership implements queries.Rows. An end that is not known yet does not make
// it absent: the membership could not have been made without it.
func (v *View) Membership(ctx context.Context, group domain.GroupID, member uuid.UUID) (domain.Membership, error) {
	stored, err := v.get(ctx, itemKey(membersOf(group), member))
	if err != nil {
		return domain.Membership{}, err
	}
	edge, err := readEdge(stored, group, member)
	if err != nil || !edge.Present {
		return edge, err
	}
	ends, err := v.ends(ctx, []end{{eventstream.GroupKind, group.UUID}, endOf(&edge)})
	if err != nil {
		return domain.Membership{}, err
	}
	for _, state := range ends {
		if state == gone {
			edge.Present = false
		}
	}
	return edge, nil
}
