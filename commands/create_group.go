package commands

import (
	"context"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// groupCreation is what the streams say about a group that is to be created.
type groupCreation struct {
	id      domain.GroupID
	brought bool // by the client
	earlier earlier[domain.Group]
	claims  []claimChange
}

func (cmd CreateGroup) attempt(ctx context.Context, h *Handler, c *circumstances) (decision, error) {
	state := groupCreation{id: cmd.ID, brought: !cmd.ID.IsZero()}
	var err error
	if state.brought {
		own, other := eventstream.GroupStream(cmd.ID.UUID), eventstream.UserStream(cmd.ID.UUID)
		if state.earlier, err = readEarlier(ctx, &h.reader, own, other, domain.Group{ID: cmd.ID}); err != nil {
			return decision{}, err
		}
	} else {
		state.id = domain.NewID[domain.Group]()
	}
	after := cmd.group(state.id)
	if state.claims, err = h.reader.readClaimChanges(ctx, groupValues(&domain.Group{}), groupValues(&after)); err != nil {
		return decision{}, err
	}
	return cmd.decide(&state, c)
}

func (cmd CreateGroup) decide(state *groupCreation, c *circumstances) (decision, error) {
	if err := required(cmd.Name, "/name"); err != nil {
		return decision{}, err
	}
	if err := checkAttributes(cmd.Attributes); err != nil {
		return decision{}, err
	}
	if state.earlier.exists() {
		return cmd.again(state)
	}
	after := cmd.group(state.id)
	change := groupChange(&domain.Group{ID: state.id}, c)
	change.claims = state.claims
	if state.brought {
		change.events = append(change.events, domain.SetOrigin{Digest: cmd.digest()})
	}
	change.events = append(change.events, groupEvents(&domain.Group{}, &after)...)
	writes, err := change.writes(c)
	if err != nil {
		return decision{}, err
	}
	if state.brought {
		writes = append(writes, write{stream: eventstream.UserStream(state.id.UUID), expect: eventstream.Empty()})
	}
	return decision{
		writes: writes,
		shows:  []eventstream.Position{change.position()},
		answer: func(commits []eventstream.Commit) (Result, error) {
			group := domain.Group{ID: state.id}
			err := group.Apply(change.seq(), commits[0].Time, change.events)
			return Result{Changed: true, Created: true, Group: &group}, err
		},
	}, nil
}

// again answers a request to create what there is already.
func (cmd CreateGroup) again(state *groupCreation) (decision, error) {
	first := state.earlier.entity
	if !state.earlier.answers(first.Origin, cmd.digest()) {
		return decision{}, refuseID()
	}
	return decision{
		shows: []eventstream.Position{state.earlier.created},
		answer: func([]eventstream.Commit) (Result, error) {
			return Result{Repeated: true, Group: &first, Wrote: state.earlier.wrote}, nil
		},
	}, nil
}

func (CreateGroup) recall(ctx context.Context, h *Handler, past *recollection) (Result, error) {
	return past.group(ctx, h, true)
}

// group is what the command wants there to be.
func (cmd CreateGroup) group(id domain.GroupID) domain.Group {
	return domain.Group{ID: id, Name: cmd.Name, Description: cmd.Description, ExternalID: cmd.ExternalID, Attributes: cmd.Attributes}
}

func (cmd CreateGroup) digest() string {
	return digest([]string{"group", cmd.Name.String(), cmd.Description.String(), cmd.ExternalID.String()}, cmd.Attributes)
}
