package domain

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// DecodeEnvelopes reads a commit's events as they were written, known or not.
func DecodeEnvelopes(data []byte) ([]Envelope, error) {
	var envelopes []Envelope
	if err := json.Unmarshal(data, &envelopes); err != nil {
		return nil, fmt.Errorf("decode events: %w", withoutText(err))
	}
	return envelopes, nil
}

// DecodeEvents reads a commit's events, older versions upcast to the current
// one. It answers ErrUnknownEvent for a type or version it does not know. What it
// gives holds nothing of data.
func DecodeEvents(data []byte) ([]Event, error) { return decodeEvents(data, schemas) }

// Event reads the envelope's data, upcast to the current version.
func (e *Envelope) Event() (Event, error) { return e.event(schemas) }

func decodeEvents(data []byte, table map[string]*schema) ([]Event, error) {
	r := reader{scanner: scanner{data: data}, table: table}
	events, err := r.events()
	if err != nil {
		return nil, fmt.Errorf("decode events: %w", err)
	}
	return events, nil
}

func (e *Envelope) event(table map[string]*schema) (Event, error) {
	known, err := e.schema(table)
	if err != nil {
		return nil, err
	}
	data := e.Data
	for i, up := range known.upcasts[e.Version-1:] {
		if data, err = up(data); err != nil {
			return nil, fmt.Errorf("upcast %s version %d: %w", e.Type, e.Version+i, withoutText(err))
		}
	}
	r := reader{scanner: scanner{data: data}, table: table}
	event := known.read(&r)
	if r.end(); r.err != nil {
		return nil, fmt.Errorf("decode %s: %w", e.Type, r.err)
	}
	return e.address(event), nil
}

// schema is the one that the envelope's event is read by.
func (e *Envelope) schema(table map[string]*schema) (*schema, error) {
	known := table[e.Type]
	switch {
	case known == nil:
		return nil, fmt.Errorf("%w of a type that this build does not have: %s", ErrUnknownEvent, printable(e.Type))
	case e.Version < 1 || e.Version > known.version():
		return nil, fmt.Errorf("%w: %s version %d", ErrUnknownEvent, e.Type, e.Version)
	}
	return known, nil
}

// printable is a name if it looks like one: anything else in its place might be
// personal data.
func printable(name string) string {
	for i := range len(name) {
		if c := name[i] | 0x20; i > 40 || (c < 'a' || c > 'z') && (i == 0 || name[i] < '0' || name[i] > '9') {
			return "(not a name)"
		}
	}
	return name
}

// address makes the event of an envelope that says whose it is a Listed one.
func (e *Envelope) address(event Event) Event {
	if e.Of == uuid.Nil {
		return event
	}
	return Listed{Of: e.Of, Seq: e.Seq, Command: e.Command, Actor: e.Actor, Fact: event}
}

// reader decodes in one pass, without reflection.
type reader struct {
	scanner
	table map[string]*schema
	m     members
	// envelope is the one at hand, here because it would else be made anew for
	// each event.
	envelope Envelope
}

// usualEvent is about how long an event is as it is stored.
const usualEvent = 64

func (r *reader) events() ([]Event, error) {
	events := make([]Event, 0, 1+len(r.data)/usualEvent)
	r.expect('[')
	for first := true; r.more(first, ']'); first = false {
		event, err := r.event()
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	r.end()
	return events, r.err
}

// event reads one envelope and the event in it: at once, if the data comes last
// and in the current version, as it is written; else afterwards.
func (r *reader) event() (event Event, err error) {
	r.envelope = Envelope{}
	envelope := &r.envelope
	known := r.opening()
	if known != nil {
		envelope.Type, envelope.Version = known.name, known.version()
		event = known.read(r)
	} else {
		r.expect('{')
	}
	for first := known == nil; r.more(first, '}'); first = false {
		if name := r.name(); string(name) != "data" {
			r.member(name, envelope)
		} else if known := r.table[envelope.Type]; known != nil && known.version() == envelope.Version {
			event = known.read(r)
		} else {
			envelope.Data = r.value()
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	if event == nil {
		return envelope.event(r.table)
	}
	return envelope.address(event), nil
}

// opening passes over what stands before the data of an event in its current
// version, if that is as EncodeEvents writes it for an event that is not Listed.
// Nearly every event begins so, and byte for byte this takes half of the time.
func (r *reader) opening() *schema {
	rest, found := bytes.CutPrefix(r.data[r.at:], []byte(`{"type":"`))
	if !found {
		return nil
	}
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return nil
	}
	known := r.table[string(rest[:end])]
	if known == nil || known.version() > 9 {
		return nil
	}
	rest, found = bytes.CutPrefix(rest[end:], []byte(`","v":`))
	if !found || len(rest) == 0 || rest[0] != '0'+byte(known.version()) {
		return nil
	}
	if rest, found = bytes.CutPrefix(rest[1:], []byte(`,"data":`)); !found {
		return nil
	}
	r.at = len(r.data) - len(rest)
	return known
}

// membered is what readers fill.
type membered interface{ members(*members) }

// object reads an object. Members that are not among those of its type are
// passed over.
func (r *reader) object(into membered) {
	r.expect('{')
	for first := true; r.more(first, '}'); first = false {
		r.member(r.name(), into)
	}
}

func (r *reader) member(name []byte, into membered) {
	r.m.reading, r.m.name, r.m.value, r.m.known = true, name, r.value(), false
	if r.err != nil {
		return
	}
	into.members(&r.m)
	if r.m.err != nil {
		r.err = fmt.Errorf("before byte %d: %w", r.at, r.m.err)
	}
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
