package memview

import (
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// target is the row that a stream is folded into; of kind "" if there is none.
type target struct {
	kind eventstream.Kind
	id   uuid.UUID // of the entity; of a membership its group
	end  uuid.UUID // of a membership its member
}

// targetOf reads a stream's id. No entity has the nil UUID.
func targetOf(stream eventstream.StreamID) target {
	t := target{kind: stream.Kind()}
	ok := false
	if t.kind == eventstream.MemberKind {
		t.id, t.end, ok = stream.Edge()
		ok = ok && t.end != uuid.Nil
	} else {
		t.id, ok = stream.UUID()
	}
	if !ok || t.id == uuid.Nil {
		return target{}
	}
	return t
}
