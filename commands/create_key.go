package commands

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

func (cmd CreateKey) attempt(ctx context.Context, h *Handler, _ *circumstances) (decision, error) {
	var owner domain.User
	if !cmd.Owner.IsZero() {
		var err error
		if owner, err = h.reader.user(ctx, cmd.Owner); err != nil {
			return decision{}, err
		}
	}
	var random [32]byte
	if _, err := io.ReadFull(h.random, random[:]); err != nil {
		return decision{}, fmt.Errorf("make a secret: %w", err)
	}
	return cmd.decide(&owner, domain.NewKeySecret(domain.NewID[domain.APIKey](), random))
}

// decide makes the key. Only the secret's hash is written. The owner may be
// removed meanwhile: its keys are refused then, as all that it had before.
func (cmd CreateKey) decide(owner *domain.User, secret domain.KeySecret) (decision, error) {
	if err := cmd.check(owner); err != nil {
		return decision{}, err
	}
	stream := eventstream.KeyStream(secret.ID().UUID)
	scopes := slices.Compact(slices.Sorted(slices.Values(cmd.Scopes)))
	events := []domain.Event{domain.SetKey{Hash: secret.Hash(), Scopes: scopes, Label: cmd.Label, Owner: cmd.Owner, Active: true}}
	return decision{
		writes: []write{{stream, eventstream.Empty(), events}},
		shows:  []eventstream.Position{{Stream: stream, Seq: 1}},
		secret: secret.Reveal(),
		answer: func(commits []eventstream.Commit) (Result, error) {
			key := domain.APIKey{ID: secret.ID()}
			err := key.Apply(1, commits[0].Time, events)
			return Result{Changed: true, Created: true, Key: &key, Secret: secret.Reveal()}, err
		},
	}, nil
}

func (cmd CreateKey) check(owner *domain.User) error {
	if err := required(cmd.Label, "/label"); err != nil {
		return err
	}
	if len(cmd.Scopes) == 0 {
		return domain.RefuseField("/scopes", "must name at least one scope")
	}
	for i, scope := range cmd.Scopes {
		if _, err := domain.ParseScope(string(scope)); err != nil {
			return domain.RefuseField(fmt.Sprintf("/scopes/%d", i), "must be read, write or admin")
		}
	}
	if !cmd.Owner.IsZero() && !(owner.Exists() && owner.Active) {
		return &domain.Error{
			Kind: domain.NotFound, Detail: "the owner is not an active user",
			Fields: []domain.Field{{Pointer: "/owner", Detail: "must be the id of an active user"}},
		}
	}
	return nil
}

func (CreateKey) recall(ctx context.Context, h *Handler, past *recollection) (Result, error) {
	return past.key(ctx, h)
}
