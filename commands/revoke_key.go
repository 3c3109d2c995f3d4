package commands

import (
	"context"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

func (cmd RevokeKey) attempt(ctx context.Context, h *Handler, _ *circumstances) (decision, error) {
	key, err := fold(ctx, &h.reader, eventstream.KeyStream(cmd.ID.UUID), domain.APIKey{ID: cmd.ID})
	if err != nil {
		return decision{}, err
	}
	return cmd.decide(&key)
}

func (cmd RevokeKey) decide(key *domain.APIKey) (decision, error) {
	if !key.Exists() || !key.Active {
		return decision{}, domain.Refuse(domain.NotFound, "", "no key has this id, or it was revoked")
	}
	stream := eventstream.KeyStream(cmd.ID.UUID)
	revoked := domain.SetKey{Hash: key.Hash, Scopes: key.Scopes, Label: key.Label, Owner: key.Owner}
	return decision{
		writes: []write{{stream, eventstream.Exactly(eventstream.Seq(key.Seq)), []domain.Event{revoked}}},
		shows:  []eventstream.Position{{Stream: stream, Seq: eventstream.Seq(key.Seq) + 1}},
		answer: removed,
	}, nil
}

func (RevokeKey) recall(context.Context, *Handler, *recollection) (Result, error) {
	return Result{}, nil
}
