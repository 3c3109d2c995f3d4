package commands

import (
	"context"
	"strconv"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// userCreation is what the streams say about a user that is to be created.
type userCreation struct {
	id      domain.UserID
	brought bool // by the client
	earlier earlier[domain.User]
	claims  []claimChange
}

func (cmd CreateUser) attempt(ctx context.Context, h *Handler, c *circumstances) (decision, error) {
	state := userCreation{id: cmd.ID, brought: !cmd.ID.IsZero()}
	var err error
	if state.brought {
		own, other := eventstream.UserStream(cmd.ID.UUID), eventstream.GroupStream(cmd.ID.UUID)
		if state.earlier, err = readEarlier(ctx, &h.reader, own, other, domain.User{ID: cmd.ID}); err != nil {
			return decision{}, err
		}
	} else {
		state.id = domain.NewID[domain.User]()
	}
	after := cmd.user(state.id)
	if state.claims, err = h.reader.readClaimChanges(ctx, userValues(&domain.User{}), userValues(&after)); err != nil {
		return decision{}, err
	}
	return cmd.decide(&state, c)
}

func (cmd CreateUser) decide(state *userCreation, c *circumstances) (decision, error) {
	if err := required(cmd.Username, "/username"); err != nil {
		return decision{}, err
	}
	if err := checkAttributes(cmd.Attributes); err != nil {
		return decision{}, err
	}
	if state.earlier.exists() {
		return cmd.again(state)
	}
	after := cmd.user(state.id)
	change := userChange(&domain.User{ID: state.id}, c)
	change.claims = state.claims
	if state.brought {
		change.events = append(change.events, domain.SetOrigin{Digest: cmd.digest()})
	}
	change.events = append(change.events, userEvents(&domain.User{}, &after)...)
	writes, err := change.writes(c)
	if err != nil {
		return decision{}, err
	}
	if state.brought {
		writes = append(writes, write{stream: eventstream.GroupStream(state.id.UUID), expect: eventstream.Empty()})
	}
	return decision{
		writes: writes,
		shows:  []eventstream.Position{change.position()},
		answer: func(commits []eventstream.Commit) (Result, error) {
			user := domain.User{ID: state.id}
			err := user.Apply(change.seq(), commits[0].Time, change.events)
			return Result{Changed: true, Created: true, User: &user}, err
		},
	}, nil
}

// again answers a request to create what there is already.
func (cmd CreateUser) again(state *userCreation) (decision, error) {
	first := state.earlier.entity
	if !state.earlier.answers(first.Origin, cmd.digest()) {
		return decision{}, refuseID()
	}
	return decision{
		shows: []eventstream.Position{state.earlier.created},
		answer: func([]eventstream.Commit) (Result, error) {
			return Result{Repeated: true, User: &first, Wrote: state.earlier.wrote}, nil
		},
	}, nil
}

func (CreateUser) recall(ctx context.Context, h *Handler, past *recollection) (Result, error) {
	return past.user(ctx, h, true)
}

// user is what the command wants there to be.
func (cmd CreateUser) user(id domain.UserID) domain.User {
	return domain.User{
		ID: id, Username: cmd.Username, Email: cmd.Email,
		Name: cmd.Name, GivenName: cmd.GivenName, FamilyName: cmd.FamilyName,
		Active: cmd.Active, ExternalID: cmd.ExternalID, Attributes: cmd.Attributes,
	}
}

func (cmd CreateUser) digest() string {
	return digest([]string{
		"user", cmd.Username.String(), cmd.Email.String(), cmd.Name.String(), cmd.GivenName.String(), cmd.FamilyName.String(),
		strconv.FormatBool(cmd.Active), cmd.ExternalID.String(),
	}, cmd.Attributes)
}
