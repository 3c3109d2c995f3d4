package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Command is something that somebody asks for. The set is closed.
type Command interface {
	// attempt reads the state that the command rests on and decides.
	attempt(ctx context.Context, h *Handler, c *circumstances) (decision, error)
	// recall gives the answer of when the command was done, without what is the
	// same for all commands.
	recall(ctx context.Context, h *Handler, past *recollection) (Result, error)
}

// Change is what an update does to one field: nothing, unless Set; then the
// field becomes Value, and the zero Value takes it away.
type Change[T any] struct {
	Set   bool
	Value T
}

// To is the change to a value.
func To[T any](value T) Change[T] { return Change[T]{Set: true, Value: value} }

// Condition is what a client demands of the entity it writes to (If-Match, RFC
// 9110 section 13.1.1). The zero Condition demands nothing.
type Condition struct {
	// Given tells that there is a condition. Without Exists and Tags it can never
	// hold: the client sent only tags that are not ours.
	Given bool
	// Exists demands only that the entity exists (If-Match: *).
	Exists bool
	// Tags are entity tags, one of which must be the entity's.
	Tags []eventstream.Token
}

// Request is what surrounds a command.
type Request struct {
	// Actor and Correlation go into every commit.
	Actor, Correlation string
	// IdempotencyKey, if not empty, makes the command happen once: repeating it
	// with the same Digest answers as the first time did, with another Digest it
	// is domain.Mismatch. Only successes are remembered.
	IdempotencyKey string
	// Digest identifies what was asked, whatever it was; needed with a key.
	Digest string
}

// CreateUser adds a user. The zero ID lets the directory make one.
type CreateUser struct {
	ID                          domain.UserID
	Username                    domain.Username
	Email                       domain.Email
	Name, GivenName, FamilyName domain.Text
	Active                      bool
	ExternalID                  domain.ExternalID
	Attributes                  domain.Attributes
}

// UpdateUser changes some fields of a user. A value of Attributes that is zero
// takes the attribute away.
type UpdateUser struct {
	ID                          domain.UserID
	If                          Condition
	Username                    Change[domain.Username]
	Email                       Change[domain.Email]
	Name, GivenName, FamilyName Change[domain.Text]
	Active                      Change[bool]
	ExternalID                  Change[domain.ExternalID]
	// ClearAttributes takes all attributes away before Attributes are set.
	ClearAttributes bool
	Attributes      domain.Attributes
}

// DeleteUser ends a user and releases its unique values.
type DeleteUser struct {
	ID domain.UserID
	If Condition
}

// CreateGroup adds a group. The zero ID lets the directory make one.
type CreateGroup struct {
	ID          domain.GroupID
	Name        domain.GroupName
	Description domain.Text
	ExternalID  domain.ExternalID
	Attributes  domain.Attributes
}

// UpdateGroup changes some fields of a group, as UpdateUser does of a user.
type UpdateGroup struct {
	ID              domain.GroupID
	If              Condition
	Name            Change[domain.GroupName]
	Description     Change[domain.Text]
	ExternalID      Change[domain.ExternalID]
	ClearAttributes bool
	Attributes      domain.Attributes
}

// DeleteGroup ends a group and releases its unique values.
type DeleteGroup struct {
	ID domain.GroupID
	If Condition
}

// AddMember puts a user or a group into a group. The member's kind is found out.
type AddMember struct {
	Group  domain.GroupID
	Member uuid.UUID
	If     Condition
	// OnlyNew refuses with domain.Stale if the member is in already.
	OnlyNew bool
}

// MaxMembersAtOnce is how many members AddMembers takes.
const MaxMembersAtOnce = 25

// AddMembers puts 1 to MaxMembersAtOnce members into a group, all or none.
type AddMembers struct {
	Group   domain.GroupID
	Members []uuid.UUID
}

// RemoveMember takes a member out of a group; one that is not in is no error.
type RemoveMember struct {
	Group  domain.GroupID
	Member uuid.UUID
	If     Condition
}

// CreateKey makes an API key. The zero Owner makes it a service's.
type CreateKey struct {
	Label  domain.Text
	Scopes []domain.Scope
	Owner  domain.UserID
}

// RevokeKey makes an API key useless for ever.
type RevokeKey struct{ ID domain.KeyID }

// Result is what a command did.
type Result struct {
	// Changed tells that something was written now.
	Changed bool
	// Created tells that the entity came into being by this request, now or when
	// the request was first made with its idempotency key. An id that was there
	// when the client brought it is Repeated alone.
	Created bool
	// Repeated tells that the request was done before, and that the rest of the
	// result is the first one's.
	Repeated bool
	// Entity is the entity tag of what the result shows.
	Entity eventstream.Token
	// Wrote names what was written: the entity and its directory stream, or the
	// nesting. It covers Entity.
	Wrote eventstream.Token

	// One of these is set, except after a removal.
	User        *domain.User
	Group       *domain.Group
	Memberships []domain.Membership
	Key         *domain.APIKey
	// Secret is the API key itself, told only when it is made.
	Secret string
}

// StaleError is the refusal of a condition that does not hold.
type StaleError struct {
	// Current is the entity's tag now, nil if there is none.
	Current eventstream.Token
}

// Error says what did not hold.
func (e *StaleError) Error() string { return "the entity is not where the condition says" }

// Unwrap makes it a domain.Stale.
func (e *StaleError) Unwrap() error { return domain.Stale }
