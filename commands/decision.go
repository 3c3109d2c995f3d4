package commands

import (
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// circumstances are what a decision rests on besides the streams.
type circumstances struct {
	now        time.Time
	command    uuid.UUID
	actor      string
	quarantine time.Duration
	directory  *Directory
	turn       *turn
}

// decision is what a command appends and, once that holds, answers.
type decision struct {
	// writes may be none: then there is nothing to do.
	writes []write
	// shows are the commits that the answer shows.
	shows []eventstream.Position
	// secret is the part of the answer that no stream tells.
	secret string
	// answer tells what the command did, given the commits of the writes, or none.
	// Tokens are not for it to say.
	answer func(commits []eventstream.Commit) (Result, error)
}

// write is what a decision demands of one stream and appends to it.
type write struct {
	stream eventstream.StreamID
	expect eventstream.Expect
	// events may be none: then the write is only a condition.
	events []domain.Event
}

// entries encodes the writes.
func (d *decision) entries() ([]eventstream.Entry, error) {
	const added = 2 // by others: what remembers a request, and what the fence demands
	entries := make([]eventstream.Entry, len(d.writes), len(d.writes)+added)
	for i, w := range d.writes {
		entries[i] = eventstream.Entry{Stream: w.stream, Expect: w.expect}
		if len(w.events) == 0 {
			continue
		}
		data, err := domain.EncodeEvents(w.events)
		if err != nil {
			return nil, err
		}
		entries[i].Data = data
	}
	return entries, nil
}

// visible tells whether tokens name streams of the kind: those that say what the
// directory holds, not those that guard it.
func visible(stream eventstream.StreamID) bool {
	kind := stream.Kind()
	return kind != eventstream.ClaimKind && kind != eventstream.RequestKind
}

// listed turns an entity's events into the facts that its all-users or
// all-groups stream gets.
func (c *circumstances) listed(of uuid.UUID, seq uint64, events []domain.Event) []domain.Event {
	facts := make([]domain.Event, 0, 4)
	command := c.command.String()
	for _, event := range events {
		switch event.(type) {
		case domain.SetUsername, domain.SetEmail, domain.SetActive, domain.SetGroupName, domain.SetRemoved:
			facts = append(facts, domain.Listed{Of: of, Seq: seq, Command: command, Actor: c.actor, Fact: event})
		}
	}
	return facts
}
