package queries

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// rows brings the view to where a list of its rows must be, and says what the
// list will rest on.
func (r *Reader) rows(ctx context.Context, fresh Freshness) (eventstream.Token, error) {
	if err := r.forceList(ctx, r.config.Waiter, fresh, DefaultWait); err != nil {
		return nil, err
	}
	restsOn, err := r.config.View.Position(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the view's position: %w", err)
	}
	return restsOn, nil
}

func (r *Reader) usersAfter(ctx context.Context, after uuid.UUID, limit int) ([]domain.User, error) {
	users, err := r.config.View.Users(ctx, domain.UserID{UUID: after}, limit)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return users, nil
}

func (r *Reader) groupsAfter(ctx context.Context, after uuid.UUID, limit int) ([]domain.Group, error) {
	groups, err := r.config.View.Groups(ctx, domain.GroupID{UUID: after}, limit)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	return groups, nil
}
