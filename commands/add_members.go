package commands

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

func (cmd AddMembers) attempt(ctx context.Context, h *Handler, c *circumstances) (decision, error) {
	if len(cmd.Members) == 0 || len(cmd.Members) > MaxMembersAtOnce {
		return decision{}, domain.RefuseField("/members", fmt.Sprintf("must name 1 to %d users or groups", MaxMembersAtOnce))
	}
	state, err := h.reader.joining(ctx, cmd.Group, cmd.distinct())
	if err != nil {
		return decision{}, err
	}
	if err := state.missing(cmd.pointers); err != nil {
		return decision{}, err
	}
	return h.join(ctx, &state, c)
}

// distinct names each member once, where it is named first.
func (cmd AddMembers) distinct() []uuid.UUID {
	seen := make(map[uuid.UUID]struct{}, len(cmd.Members))
	var distinct []uuid.UUID
	for _, member := range cmd.Members {
		if _, again := seen[member]; !again {
			seen[member] = struct{}{}
			distinct = append(distinct, member)
		}
	}
	return distinct
}

// pointers tell everywhere that a member is named.
func (cmd AddMembers) pointers(member uuid.UUID) []string {
	var pointers []string
	for i, named := range cmd.Members {
		if named == member {
			pointers = append(pointers, fmt.Sprintf("/members/%d", i))
		}
	}
	return pointers
}

func (AddMembers) recall(ctx context.Context, h *Handler, past *recollection) (Result, error) {
	return past.memberships(ctx, h)
}
