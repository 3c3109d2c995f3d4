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

// earlier is what an id that the client brought stands for already. The zero
// earlier is nothing.
type earlier[E any] struct {
	// entity is the one of the id and kind as its first commit, created, made it;
	// wrote names all that was written with it.
	entity  E
	created eventstream.Position
	wrote   eventstream.Token
	removed bool
	// stranger tells that the id is an entity's of the other kind.
	stranger bool
}

// readEarlier reads what an id stands for: own is the stream of the entity to
// create, other the one that it would have as the other kind.
func readEarlier[E any, P foldable[E]](ctx context.Context, r *reader, own, other eventstream.StreamID, empty E) (earlier[E], error) {
	stranger, err := r.streams.Last(ctx, other)
	if err != nil || stranger.Seq > 0 {
		return earlier[E]{stranger: true}, err
	}
	last, err := r.streams.Last(ctx, own)
	if err != nil || last.Seq == 0 {
		return earlier[E]{}, err
	}
	removed, err := removes(&last)
	if err != nil {
		return earlier[E]{}, err
	}
	created := eventstream.Position{Stream: own, Seq: 1}
	entity, first, err := foldTo[E, P](ctx, r, created, empty)
	return earlier[E]{entity: entity, created: created, wrote: written(&first), removed: removed}, err
}

// exists tells whether the id stands for anything.
func (e *earlier[E]) exists() bool { return e.stranger || e.created.Seq > 0 }

// answers tells whether what the id stands for was created by the same request
// and is still there; origin is the digest of the request that did, none for a
// stranger.
func (e *earlier[E]) answers(origin, digest string) bool {
	return !e.removed && origin == digest
}

// written names the commit and its siblings, as far as tokens do.
func written(commit *eventstream.Commit) eventstream.Token {
	return eventstream.NewToken(appendWritten(make([]eventstream.Position, 0, 4), commit)...)
}

func appendWritten(to []eventstream.Position, commit *eventstream.Commit) []eventstream.Position {
	if visible(commit.Stream) {
		to = append(to, commit.Position())
	}
	for _, position := range commit.Siblings {
		if visible(position.Stream) {
			to = append(to, position)
		}
	}
	return to
}

// refuseID is the refusal of an id that stands for something else already.
func refuseID() error {
	return &domain.Error{
		Kind: domain.Taken, Code: "id_taken", Detail: "the id is in use, or was, for something else",
		Fields: []domain.Field{{Pointer: "/id", Detail: "is in use, or was, for something else"}},
	}
}

func refuseUser() error  { return domain.Refuse(domain.NotFound, "", "no user has this id") }
func refuseGroup() error { return domain.Refuse(domain.NotFound, "", "no group has this id") }

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
