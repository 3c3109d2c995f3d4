package commands

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// earlier is what an id that the client brought stands for already.
type earlier[E any] struct {
	// entity is the one of the id and kind as it was created; seq tells whether
	// there is one, wrote is all that its creation wrote.
	entity  E
	seq     eventstream.Seq
	wrote   []eventstream.Position
	removed bool
	// otherKind tells that the id is an entity's of the other kind.
	otherKind bool
}

// readEarlier reads what an id stands for: own is the stream of the entity to
// create, other the one that it would have as the other kind.
func readEarlier[E any, P foldable[E]](ctx context.Context, r *reader, own, other eventstream.StreamID, empty E) (earlier[E], error) {
	found := earlier[E]{entity: empty}
	stranger, err := r.streams.Last(ctx, other)
	if err != nil {
		return found, err
	}
	found.otherKind = stranger.Seq > 0
	last, events, err := r.last(ctx, own)
	if err != nil || last.Seq == 0 {
		return found, err
	}
	found.seq, found.removed = last.Seq, slices.Contains(events, domain.Event(domain.SetRemoved{Removed: true}))
	entity, first, err := foldTo[E, P](ctx, r, eventstream.Position{Stream: own, Seq: 1}, empty)
	if err != nil {
		return found, err
	}
	found.entity, found.wrote = entity, visiblePositions(&first)
	return found, nil
}

// visiblePositions are the commit's position and those of its siblings, of the
// streams that tokens name.
func visiblePositions(commit *eventstream.Commit) []eventstream.Position {
	positions := []eventstream.Position{commit.Position()}
	for _, sibling := range commit.Siblings {
		if visible(sibling.Stream) {
			positions = append(positions, sibling)
		}
	}
	return positions
}

// refuseID is the refusal of an id that stands for something else already.
func refuseID() error {
	return &domain.Error{
		Kind: domain.Taken, Code: "id_taken", Detail: "the id is in use, or was, for something else",
		Fields: []domain.Field{{Pointer: "/id", Detail: "is in use, or was, for something else"}},
	}
}

// digest identifies what a request wants to create: SHA-256 over its values in a
// fixed order, each preceded by its length.
func digest(values []string, attributes domain.Attributes) string {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		values = append(values, name, attributes[name].JSON())
	}
	var canonical []byte
	for _, value := range values {
		canonical = append(binary.AppendUvarint(canonical, uint64(len(value))), value...)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}
