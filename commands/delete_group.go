package commands

import (
	"context"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

func (cmd DeleteGroup) attempt(ctx context.Context, h *Handler, c *circumstances) (decision, error) {
	if err := c.turn.enterEntity(ctx, h.entities, cmd.ID.UUID); err != nil {
		return decision{}, err
	}
	group, err := h.reader.group(ctx, cmd.ID)
	if err != nil {
		return decision{}, err
	}
	claims, err := h.reader.readClaimChanges(ctx, groupValues(&group), groupValues(&domain.Group{}))
	if err != nil {
		return decision{}, err
	}
	decide := func(graph *domain.Nesting) (decision, error) { return cmd.decide(&group, claims, graph, c) }
	named, err := h.nesting.names(ctx, cmd.ID)
	if err != nil {
		return decision{}, err
	}
	if named || c.turn.beaten() {
		return h.nesting.decideToWrite(ctx, c, decide)
	}
	return h.nesting.decide(ctx, decide)
}

// decide ends the group alone: its memberships stay, and readers hide them. The
// nesting must know, though, because what a group reaches is told by it alone.
// A group that it does not name need not be written there, as long as it is not
// named until the append: AddMember demands the same of the group.
func (cmd DeleteGroup) decide(group *domain.Group, claims []claimChange, graph *domain.Nesting, c *circumstances) (decision, error) {
	change := groupChange(group, c)
	if !group.Exists() {
		return decision{}, refuseGroup()
	}
	if err := cmd.If.check(change.stream, eventstream.Seq(group.Seq)); err != nil {
		return decision{}, err
	}
	change.claims, change.events = claims, []domain.Event{domain.SetRemoved{Removed: true}}
	writes, err := change.writes(c)
	if err != nil {
		return decision{}, err
	}
	nesting := write{stream: eventstream.NestingStream, expect: eventstream.Exactly(eventstream.Seq(graph.Seq))}
	if graph.Names(group.ID) {
		nesting.events = []domain.Event{domain.SetNode{Group: group.ID, Removed: true}}
	}
	return decision{writes: append(writes, nesting), shows: []eventstream.Position{change.position()}, answer: removed}, nil
}

func (DeleteGroup) recall(context.Context, *Handler, *recollection) (Result, error) {
	return Result{}, nil
}
