package commands

import (
	"context"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

func (cmd UpdateUser) attempt(ctx context.Context, h *Handler, c *circumstances) (decision, error) {
	if err := c.turn.enterEntity(ctx, h.entities, cmd.ID.UUID); err != nil {
		return decision{}, err
	}
	stream := eventstream.UserStream(cmd.ID.UUID)
	read := func(ctx context.Context) (domain.User, error) { return h.reader.user(ctx, cmd.ID) }
	return onEntity(ctx, h, c, stream, read, func(user *domain.User) (decision, error) {
		after := cmd.update(*user)
		claims, err := h.reader.readClaimChanges(ctx, userValues(user), userValues(&after))
		if err != nil {
			return decision{}, err
		}
		decided, err := cmd.decide(user, claims, c)
		return keeping(decided, func(r *Result) { h.reader.keep(stream, r.User.Seq, *r.User) }), err
	})
}

func (cmd UpdateUser) decide(user *domain.User, claims []claimChange, c *circumstances) (decision, error) {
	change := userChange(user, c)
	if !user.Exists() {
		return decision{}, refuseUser()
	}
	if err := cmd.If.check(change.stream, eventstream.Seq(user.Seq)); err != nil {
		return decision{}, err
	}
	after := cmd.update(*user)
	if err := required(after.Username, "/username"); err != nil {
		return decision{}, err
	}
	change.claims, change.events = claims, userEvents(user, &after)
	if len(change.events) == 0 {
		return unchangedUser(*user), nil
	}
	if err := checkAttributeChange(user.Attributes, after.Attributes); err != nil {
		return decision{}, err
	}
	writes, err := change.writes(c)
	return decision{
		writes: writes,
		shows:  []eventstream.Position{change.position()},
		answer: func(commits []eventstream.Commit) (Result, error) {
			next := *user
			err := next.Apply(change.seq(), commits[0].Time, change.events)
			return Result{Changed: true, User: &next}, err
		},
	}, err
}

func unchangedUser(user domain.User) decision {
	return decision{
		shows:  []eventstream.Position{{Stream: eventstream.UserStream(user.ID.UUID), Seq: eventstream.Seq(user.Seq)}},
		answer: func([]eventstream.Commit) (Result, error) { return Result{User: &user}, nil },
	}
}

func (UpdateUser) recall(ctx context.Context, h *Handler, past *recollection) (Result, error) {
	return past.user(ctx, h, false)
}

// update gives the user as the command wants it.
func (cmd UpdateUser) update(user domain.User) domain.User {
	cmd.Username.apply(&user.Username)
	cmd.Email.apply(&user.Email)
	cmd.Name.apply(&user.Name)
	cmd.GivenName.apply(&user.GivenName)
	cmd.FamilyName.apply(&user.FamilyName)
	cmd.Active.apply(&user.Active)
	cmd.ExternalID.apply(&user.ExternalID)
	user.Attributes = changeAttributes(user.Attributes, cmd.ClearAttributes, cmd.Attributes)
	return user
}

// apply makes the change to a field.
func (c Change[T]) apply(field *T) {
	if c.Set {
		*field = c.Value
	}
}
