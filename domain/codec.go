package domain

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// ErrUnknownEvent is what decoding answers for an event whose type or version
// this build does not know. Whoever folds the stream must stop there: what it
// cannot read it must not pass over.
var ErrUnknownEvent = errors.New("unknown event")

// Envelope is an event as it stands in a commit. Data holds every field that was
// written, also those that this build does not know.
type Envelope struct {
	Type    string         `json:"type"`
	Version int            `json:"v"`
	Of      uuid.UUID      `json:"of,omitzero"`
	Seq     uint64         `json:"seq,omitzero"`
	Command string         `json:"command,omitzero"`
	Actor   string         `json:"actor,omitzero"`
	Data    jsontext.Value `json:"data"`
}

// members are those of the envelope before its data.
func (e *Envelope) members(m *members) {
	m.eventType("type", &e.Type)
	m.count("v", &e.Version)
	m.idIfAny("of", &e.Of)
	m.numberIfAny("seq", &e.Seq)
	m.textIfAny("command", &e.Command)
	m.textIfAny("actor", &e.Actor)
}

// An upcast turns the data of one version of an event into the next version's.
type upcast func(jsontext.Value) (jsontext.Value, error)

// schema says how the events of one type are read and written: the current
// version is one more than there are upcasts, upcasts[0] leading from version 1
// to 2.
type schema struct {
	name    string
	upcasts []upcast
	read    func(*reader) Event
	write   func(*members, Event)
}

func (s *schema) version() int { return len(s.upcasts) + 1 }

// fact is a pointer to an event that has members.
type fact[E Event] interface {
	*E
	members(*members)
}

func of[E Event, P fact[E]](upcasts ...upcast) *schema {
	var none E
	return &schema{
		name:    none.eventType(),
		upcasts: upcasts,
		read: func(r *reader) Event {
			var event E
			r.object(P(&event))
			return event
		},
		write: func(m *members, event Event) {
			known := event.(E)
			P(&known).members(m)
		},
	}
}

// EncodeEvents writes the events of one commit as a JSON array of envelopes, the
// same bytes for the same events.
func EncodeEvents(events []Event) ([]byte, error) {
	m := members{out: make([]byte, 0, 64+96*len(events))}
	m.out = append(m.out, '[')
	for i, event := range events {
		if i > 0 {
			m.out = append(m.out, ',')
		}
		var envelope Envelope
		if listed, ok := event.(Listed); ok {
			envelope = Envelope{Of: listed.Of, Seq: listed.Seq, Command: listed.Command, Actor: listed.Actor}
			event = listed.Fact
		}
		envelope.Type = TypeOf(event)
		known := schemas[envelope.Type]
		envelope.Version = known.version()
		m.out = append(m.out, '{')
		envelope.members(&m)
		m.begin("data")
		m.out = append(m.out, '{')
		known.write(&m, event)
		m.out = append(m.out, '}', '}')
		if m.err != nil {
			return nil, fmt.Errorf("encode %s: %w", envelope.Type, m.err)
		}
	}
	return append(m.out, ']'), nil
}
