package queries

import (
	"context"
	"fmt"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Group gives a group that exists.
func (r *Reader) Group(ctx context.Context, id domain.GroupID, fresh Freshness) (Entity[domain.Group], error) {
	r = r.answering()
	stream := eventstream.GroupStream(id.UUID)
	if err := r.forceEntity(ctx, fresh, stream); err != nil {
		return Entity[domain.Group]{}, err
	}
	group, err := r.config.View.Group(ctx, id)
	if err != nil {
		return Entity[domain.Group]{}, fmt.Errorf("read a group's row: %w", err)
	}
	if !group.Exists() {
		return Entity[domain.Group]{}, noGroup()
	}
	return one(group, stream, group.Seq), nil
}

func noGroup() error { return domain.Refuse(domain.NotFound, "", "there is no such group") }
