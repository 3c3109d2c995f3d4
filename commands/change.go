package commands

import (
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// change is what a command does to one user or group: its events, and the unique
// values that it takes and releases by them.
type change struct {
	id      uuid.UUID
	kind    domain.MemberKind
	stream  eventstream.StreamID // the entity's own
	listing eventstream.StreamID // where it is listed
	was     uint64               // the entity's last commit
	events  []domain.Event
	claims  []claimChange
}

// seq is the number of the commit that the change makes.
func (ch *change) seq() uint64 { return ch.was + 1 }

// position is the commit that the change makes.
func (ch *change) position() eventstream.Position {
	return eventstream.Position{Stream: ch.stream, Seq: eventstream.Seq(ch.seq())}
}

// writes are those of the change, the entity's own first. Those that follow are
// the listing, if it is to know, and the claims.
func (ch *change) writes(c *circumstances) ([]write, error) {
	claims, err := decideClaims(ch.claims, ch.id, ch.kind, ch.seq(), c)
	if err != nil {
		return nil, err
	}
	writes := make([]write, 1, 2+len(claims))
	writes[0] = write{ch.stream, eventstream.Exactly(eventstream.Seq(ch.was)), ch.events}
	if facts := c.listed(ch.id, ch.seq(), ch.events); len(facts) > 0 {
		writes = append(writes, write{ch.listing, eventstream.Any(), facts})
	}
	return append(writes, claims...), nil
}

func userChange(user *domain.User, c *circumstances) change {
	return change{
		id: user.ID.UUID, kind: domain.UserMember, was: user.Seq,
		stream: eventstream.UserStream(user.ID.UUID), listing: c.directory.UsersOf(user.ID),
	}
}

func groupChange(group *domain.Group, c *circumstances) change {
	return change{
		id: group.ID.UUID, kind: domain.GroupMember, was: group.Seq,
		stream: eventstream.GroupStream(group.ID.UUID), listing: c.directory.GroupsOf(group.ID),
	}
}
