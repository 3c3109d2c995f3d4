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

// targetOf reads a stream's id. Only the form in which the directory writes ids
// counts: any other names another stream.
func targetOf(stream eventstream.StreamID) target {
	const length = 36
	kind := stream.Kind()
	rest := string(stream[min(len(kind)+1, len(stream)):])
	t := target{kind: kind}
	var ok bool
	switch kind {
	case eventstream.UserKind, eventstream.GroupKind, eventstream.KeyKind:
		t.id, ok = parseID(rest)
	case eventstream.MemberKind:
		if len(rest) == 2*length+1 && rest[length] == '/' {
			if t.id, ok = parseID(rest[:length]); ok {
				t.end, ok = parseID(rest[length+1:])
			}
		}
	}
	if !ok {
		return target{}
	}
	return t
}

func parseID(text string) (uuid.UUID, bool) {
	if len(text) != 36 {
		return uuid.Nil, false
	}
	for i := range len(text) {
		if 'A' <= text[i] && text[i] <= 'F' {
			return uuid.Nil, false
		}
	}
	id, err := uuid.Parse(text)
	return id, err == nil && id != uuid.Nil
}
