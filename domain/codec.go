package domain

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json"
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

// An upcast turns the data of one version of an event into the next version's.
type upcast func(jsontext.Value) (jsontext.Value, error)

// schema says how the events of one type are read: the current version is one
// more than there are upcasts, upcasts[0] leading from version 1 to 2.
type schema struct {
	decode  func(jsontext.Value) (Event, error)
	upcasts []upcast
}

func (s schema) version() int { return len(s.upcasts) + 1 }

// schemas is the file format: a type may be added, and an upcast appended; no
// entry is ever changed or taken away.
var schemas = map[string]schema{
	"SetOrigin":      of[SetOrigin](),
	"SetUsername":    of[SetUsername](),
	"SetEmail":       of[SetEmail](),
	"SetName":        of[SetName](),
	"SetGivenName":   of[SetGivenName](),
	"SetFamilyName":  of[SetFamilyName](),
	"SetActive":      of[SetActive](),
	"SetExternalID":  of[SetExternalID](),
	"SetAttribute":   of[SetAttribute](),
	"SetGroupName":   of[SetGroupName](),
	"SetDescription": of[SetDescription](),
	"SetRemoved":     of[SetRemoved](),
	"SetMember":      of[SetMember](),
	"SetNesting":     of[SetNesting](),
	"SetNode":        of[SetNode](),
	"SetOwner":       of[SetOwner](),
	"SetKey":         of[SetKey](),
	"SetOutcome":     of[SetOutcome](),
	"SetEpoch":       of[SetEpoch](),
	"SetShards":      of[SetShards](),
	"SetClaimKeyID":  of[SetClaimKeyID](),
	"SetClosed":      of[SetClosed](),
}

func of[E Event](upcasts ...upcast) schema {
	return schema{
		upcasts: upcasts,
		decode: func(data jsontext.Value) (Event, error) {
			var event E
			err := json.Unmarshal(data, &event)
			return event, err
		},
	}
}

// TypeOf is the stable name of an event; of a Listed fact, the fact's.
func TypeOf(event Event) string {
	if listed, ok := event.(Listed); ok {
		event = listed.Fact
	}
	return reflect.TypeOf(event).Name()
}

// EncodeEvents writes the events of one commit as a JSON array of envelopes, the
// same bytes for the same events.
func EncodeEvents(events []Event) ([]byte, error) {
	envelopes := make([]Envelope, len(events))
	for i, event := range events {
		envelope := &envelopes[i]
		if listed, ok := event.(Listed); ok {
			envelope.Of, envelope.Seq, envelope.Command, envelope.Actor = listed.Of, listed.Seq, listed.Command, listed.Actor
			event = listed.Fact
		}
		envelope.Type = TypeOf(event)
		envelope.Version = schemas[envelope.Type].version()
		data, err := json.Marshal(event)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", envelope.Type, err)
		}
		envelope.Data = data
	}
	return json.Marshal(envelopes)
}

// DecodeEnvelopes reads a commit's events as they were written, known or not.
func DecodeEnvelopes(data []byte) ([]Envelope, error) {
	var envelopes []Envelope
	if err := json.Unmarshal(data, &envelopes); err != nil {
		return nil, fmt.Errorf("decode events: %w", withoutText(err))
	}
	return envelopes, nil
}

// DecodeEvents reads a commit's events, older versions upcast to the current
// one. It answers ErrUnknownEvent for a type or version it does not know.
func DecodeEvents(data []byte) ([]Event, error) {
	envelopes, err := DecodeEnvelopes(data)
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(envelopes))
	for i := range envelopes {
		if events[i], err = envelopes[i].Event(); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// Event reads the envelope's data, upcast to the current version.
func (e *Envelope) Event() (Event, error) { return e.eventBy(schemas) }

func (e *Envelope) eventBy(table map[string]schema) (Event, error) {
	known, ok := table[e.Type]
	if !ok || e.Version < 1 || e.Version > known.version() {
		return nil, fmt.Errorf("%w: %q version %d", ErrUnknownEvent, e.Type, e.Version)
	}
	data := e.Data
	for _, up := range known.upcasts[e.Version-1:] {
		var err error
		if data, err = up(data); err != nil {
			return nil, fmt.Errorf("upcast %s version %d: %w", e.Type, e.Version, err)
		}
	}
	event, err := known.decode(data)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", e.Type, withoutText(err))
	}
	if e.Of != uuid.Nil {
		return Listed{Of: e.Of, Seq: e.Seq, Command: e.Command, Actor: e.Actor, Fact: event}, nil
	}
	return event, nil
}

// withoutText keeps where decoding failed and drops what stood there, which may
// be personal data.
func withoutText(err error) error {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return fmt.Errorf("malformed JSON at byte %d", syntactic.ByteOffset)
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		return fmt.Errorf("unexpected JSON at byte %d", semantic.ByteOffset)
	}
	return errors.New("malformed events")
}
