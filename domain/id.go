package domain

import (
	"fmt"

	"github.com/google/uuid"
)

// ID identifies an entity of one kind, so that a group's id cannot be passed
// where a user's is meant. The zero ID names nothing.
type ID[E any] struct{ uuid.UUID }

// The ids of the directory.
type (
	// UserID identifies a user.
	UserID = ID[User]
	// GroupID identifies a group.
	GroupID = ID[Group]
	// KeyID identifies an API key; it is no secret.
	KeyID = ID[APIKey]
)

// EntityID names a user or a group where either may be meant.
type EntityID struct {
	Kind MemberKind
	ID   uuid.UUID
}

// NewID makes a time-ordered id (UUID version 7, RFC 9562 section 5.7).
func NewID[E any]() ID[E] { return ID[E]{uuid.Must(uuid.NewV7())} }

// ParseID reads an id in the 36-character form of RFC 9562, in either case. Any
// version is accepted, because clients may bring ids of their own; the nil UUID
// is not.
func ParseID[E any](text string) (ID[E], error) {
	if len(text) != 36 {
		return ID[E]{}, fmt.Errorf("%w: an id is a UUID of 36 characters", Invalid)
	}
	parsed, err := uuid.Parse(text)
	if err != nil || parsed == uuid.Nil {
		return ID[E]{}, fmt.Errorf("%w: an id is a UUID, and not the nil one", Invalid)
	}
	return ID[E]{parsed}, nil
}

// IsZero tells whether the id names nothing.
func (id ID[E]) IsZero() bool { return id.UUID == uuid.Nil }
