package commands

import (
	"context"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

func (cmd DeleteUser) attempt(ctx context.Context, h *Handler, c *circumstances) (decision, error) {
	if err := c.turn.enterEntity(ctx, h.entities, cmd.ID.UUID); err != nil {
		return decision{}, err
	}
	user, err := h.reader.user(ctx, cmd.ID)
	if err != nil {
		return decision{}, err
	}
	claims, err := h.reader.readClaimChanges(ctx, userValues(&user), userValues(&domain.User{}))
	if err != nil {
		return decision{}, err
	}
	return cmd.decide(&user, claims, c)
}

// decide ends the user alone: its memberships stay, and readers hide them.
func (cmd DeleteUser) decide(user *domain.User, claims []claimChange, c *circumstances) (decision, error) {
	change := userChange(user, c)
	if !user.Exists() {
		return decision{}, refuseUser()
	}
	if err := cmd.If.check(change.stream, eventstream.Seq(user.Seq)); err != nil {
		return decision{}, err
	}
	change.claims, change.events = claims, []domain.Event{domain.SetRemoved{Removed: true}}
	writes, err := change.writes(c)
	return decision{writes: writes, shows: []eventstream.Position{change.position()}, answer: removed}, err
}

// removed is the answer of a removal.
func removed([]eventstream.Commit) (Result, error) { return Result{Changed: true}, nil }

func (DeleteUser) recall(context.Context, *Handler, *recollection) (Result, error) {
	return Result{}, nil
}
