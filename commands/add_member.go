package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

func (cmd AddMember) attempt(ctx context.Context, h *Handler, c *circumstances) (decision, error) {
	state, err := h.reader.joining(ctx, cmd.Group, []uuid.UUID{cmd.Member})
	if err != nil {
		return decision{}, err
	}
	if err := cmd.check(&state); err != nil {
		return decision{}, err
	}
	return h.join(ctx, &state, c)
}

// check refuses what decide does not look at.
func (cmd AddMember) check(state *joining) error {
	if err := state.missing(nil); err != nil {
		return err
	}
	edge := &state.members[0].edge
	if !edge.Present {
		return cmd.If.check("", 0)
	}
	if cmd.OnlyNew {
		return &StaleError{Current: eventstream.NewToken(edgePosition(edge))}
	}
	return cmd.If.check(edgeStream(edge), eventstream.Seq(edge.Seq))
}

func (AddMember) recall(ctx context.Context, h *Handler, past *recollection) (Result, error) {
	return past.memberships(ctx, h)
}
