package queries

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Key gives an API key that was not revoked.
func (r *Reader) Key(ctx context.Context, id domain.KeyID, fresh Freshness) (Entity[domain.APIKey], error) {
	r = r.answering()
	stream := eventstream.KeyStream(id.UUID)
	if err := r.forceEntity(ctx, fresh, stream); err != nil {
		return Entity[domain.APIKey]{}, err
	}
	key, err := r.config.View.Key(ctx, id)
	if err != nil {
		return Entity[domain.APIKey]{}, fmt.Errorf("read a key's row: %w", err)
	}
	if !key.Exists() || !key.Active {
		return Entity[domain.APIKey]{}, domain.Refuse(domain.NotFound, "", "there is no such key")
	}
	return one(key, stream, key.Seq), nil
}

// Keys lists the API keys that were not revoked, by id.
func (r *Reader) Keys(ctx context.Context, listing Listing, fresh Freshness) (Page[domain.APIKey], error) {
	r = r.answering()
	ctx, span := r.config.Tracer.Start(ctx, "queries.Keys")
	defer span.End()
	restsOn, err := r.rows(ctx, fresh)
	if err != nil {
		return Page[domain.APIKey]{}, err
	}
	return walk[domain.APIKey]{
		scope: "keys",
		read: func(ctx context.Context, after uuid.UUID, limit int) ([]domain.APIKey, error) {
			return r.config.View.Keys(ctx, domain.KeyID{UUID: after}, limit)
		},
		id: func(key domain.APIKey) uuid.UUID { return key.ID.UUID },
	}.page(ctx, r.cursors, listing, restsOn)
}
