package dynamoview

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// EverMembers implements queries.Lists.
func (v *View) EverMembers(ctx context.Context, group domain.GroupID, after uuid.UUID, limit int) ([]domain.Membership, error) {
	return v.everEdges(ctx, membersOf(group), after, limit, group.UUID)
}

// EverGroupsOf implements queries.Lists.
func (v *View) EverGroupsOf(ctx context.Context, member uuid.UUID, after domain.GroupID, limit int) ([]domain.Membership, error) {
	return v.everEdges(ctx, groupsOf(member), after.UUID, limit, member)
}

// everEdges lists the memberships in a partition, whatever became of them.
func (v *View) everEdges(ctx context.Context, partition string, after uuid.UUID, limit int, owner uuid.UUID) ([]domain.Membership, error) {
	if limit <= 0 {
		return nil, nil
	}
	stored, err := v.items(ctx, partition, after, limit, everMade)
	if err != nil {
		return nil, err
	}
	edges := make([]domain.Membership, len(stored))
	for i, one := range stored {
		if edges[i], err = readEdgeIn(partition, one, owner); err != nil {
			return nil, fmt.Errorf("list memberships: %w", err)
		}
	}
	return edges, nil
}
