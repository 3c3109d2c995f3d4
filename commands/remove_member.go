package commands

import (
	"context"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

func (cmd RemoveMember) attempt(ctx context.Context, h *Handler, c *circumstances) (decision, error) {
	edge, err := h.reader.membership(ctx, cmd.Group, cmd.Member)
	if err != nil {
		return decision{}, err
	}
	if !edge.Present || edge.Kind == domain.UserMember {
		return cmd.decide(&edge, nil)
	}
	return h.nesting.decideToWrite(ctx, c, func(graph *domain.Nesting) (decision, error) {
		return cmd.decide(&edge, graph)
	})
}

// decide takes the member out, whether or not the group and the member live. The
// graph is needed only if the member is a group and is in.
func (cmd RemoveMember) decide(edge *domain.Membership, graph *domain.Nesting) (decision, error) {
	at := edgePosition(edge)
	if !edge.Present {
		absent := decision{answer: func([]eventstream.Commit) (Result, error) { return Result{}, nil }}
		if at.Seq > 0 {
			absent.shows = []eventstream.Position{at}
		}
		return absent, cmd.If.check("", 0)
	}
	if err := cmd.If.check(at.Stream, at.Seq); err != nil {
		return decision{}, err
	}
	writes := []write{{at.Stream, eventstream.Exactly(at.Seq), []domain.Event{domain.SetMember{Kind: edge.Kind}}}}
	if edge.Kind == domain.GroupMember {
		events := []domain.Event{domain.SetNesting{Group: cmd.Group, Member: domain.GroupID{UUID: cmd.Member}}}
		writes = append(writes, write{eventstream.NestingStream, eventstream.Exactly(eventstream.Seq(graph.Seq)), events})
	}
	at.Seq++
	return decision{writes: writes, shows: []eventstream.Position{at}, answer: removed}, nil
}

func (RemoveMember) recall(context.Context, *Handler, *recollection) (Result, error) {
	return Result{}, nil
}
