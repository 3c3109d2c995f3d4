package queries

import (
	"context"
	"fmt"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// User gives a user that exists.
func (r *Reader) User(ctx context.Context, id domain.UserID, fresh Freshness) (Entity[domain.User], error) {
	r = r.answering()
	stream := eventstream.UserStream(id.UUID)
	if err := r.forceEntity(ctx, fresh, stream); err != nil {
		return Entity[domain.User]{}, err
	}
	user, err := r.config.View.User(ctx, id)
	if err != nil {
		return Entity[domain.User]{}, fmt.Errorf("read a user's row: %w", err)
	}
	if !user.Exists() {
		return Entity[domain.User]{}, noUser()
	}
	return one(user, stream, user.Seq), nil
}

func noUser() error { return domain.Refuse(domain.NotFound, "", "there is no such user") }
