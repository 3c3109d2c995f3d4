package commands

import (
	"context"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

func (cmd UpdateGroup) attempt(ctx context.Context, h *Handler, c *circumstances) (decision, error) {
	if err := c.turn.enterEntity(ctx, h.entities, cmd.ID.UUID); err != nil {
		return decision{}, err
	}
	stream := eventstream.GroupStream(cmd.ID.UUID)
	read := func(ctx context.Context) (domain.Group, error) { return h.reader.group(ctx, cmd.ID) }
	return onEntity(ctx, h, c, stream, read, func(group *domain.Group) (decision, error) {
		after := cmd.update(*group)
		claims, err := h.reader.readClaimChanges(ctx, groupValues(group), groupValues(&after))
		if err != nil {
			return decision{}, err
		}
		decided, err := cmd.decide(group, claims, c)
		return keeping(decided, func(r *Result) { h.reader.keep(stream, r.Group.Seq, *r.Group) }), err
	})
}

func (cmd UpdateGroup) decide(group *domain.Group, claims []claimChange, c *circumstances) (decision, error) {
	change := groupChange(group, c)
	if !group.Exists() {
		return decision{}, refuseGroup()
	}
	if err := cmd.If.check(change.stream, eventstream.Seq(group.Seq)); err != nil {
		return decision{}, err
	}
	after := cmd.update(*group)
	if err := required(after.Name, "/name"); err != nil {
		return decision{}, err
	}
	change.claims, change.events = claims, groupEvents(group, &after)
	if len(change.events) == 0 {
		return unchangedGroup(*group), nil
	}
	if err := checkAttributeChange(group.Attributes, after.Attributes); err != nil {
		return decision{}, err
	}
	writes, err := change.writes(c)
	return decision{
		writes: writes,
		shows:  []eventstream.Position{change.position()},
		answer: func(commits []eventstream.Commit) (Result, error) {
			next := *group
			err := next.Apply(change.seq(), commits[0].Time, change.events)
			return Result{Changed: true, Group: &next}, err
		},
	}, err
}

func unchangedGroup(group domain.Group) decision {
	return decision{
		shows:  []eventstream.Position{{Stream: eventstream.GroupStream(group.ID.UUID), Seq: eventstream.Seq(group.Seq)}},
		answer: func([]eventstream.Commit) (Result, error) { return Result{Group: &group}, nil },
	}
}

func (UpdateGroup) recall(ctx context.Context, h *Handler, past *recollection) (Result, error) {
	return past.group(ctx, h, false)
}

// update gives the group as the command wants it.
func (cmd UpdateGroup) update(group domain.Group) domain.Group {
	cmd.Name.apply(&group.Name)
	cmd.Description.apply(&group.Description)
	cmd.ExternalID.apply(&group.ExternalID)
	group.Attributes = changeAttributes(group.Attributes, cmd.ClearAttributes, cmd.Attributes)
	return group
}
