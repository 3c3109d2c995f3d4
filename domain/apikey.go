package domain

import (
	"fmt"
	"slices"
	"time"
)

// Scope is something an API key allows.
type Scope string

// The scopes. Each allows what it says and nothing else, except that admin
// allows everything.
const (
	ReadScope  Scope = "read"
	WriteScope Scope = "write"
	AdminScope Scope = "admin"
)

// ParseScope reads a scope.
func ParseScope(text string) (Scope, error) {
	scope := Scope(text)
	if !slices.Contains([]Scope{ReadScope, WriteScope, AdminScope}, scope) {
		return "", fmt.Errorf("%w: a scope is read, write or admin", Invalid)
	}
	return scope, nil
}

// APIKey is a key as the commits of key/{id} make it. It holds the secret's hash
// only. A key without an owner is a service's.
type APIKey struct {
	Root
	ID     KeyID
	Hash   string // KeySecret.Hash of the secret
	Scopes []Scope
	Label  Text
	Owner  UserID
	Active bool
}

// Allows tells whether the key is good for what needs the scope.
func (k *APIKey) Allows(scope Scope) bool {
	return k.Active && (slices.Contains(k.Scopes, scope) || slices.Contains(k.Scopes, AdminScope))
}

// Apply folds one commit in, as User.Apply does.
func (k *APIKey) Apply(seq uint64, at time.Time, events []Event) error {
	next := *k
	fresh, err := next.step(seq, at)
	if err != nil || !fresh {
		return err
	}
	for _, event := range events {
		set, ok := event.(SetKey)
		if !ok {
			return fmt.Errorf("%w: a key has no %s", ErrUnknownEvent, TypeOf(event))
		}
		next.Hash, next.Scopes, next.Label, next.Owner, next.Active = set.Hash, set.Scopes, set.Label, set.Owner, set.Active
	}
	*k = next
	return nil
}
