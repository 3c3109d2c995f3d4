package domain

import (
	"fmt"
	"time"
)

// Root is what every folded entity has: where its stream has got to, and when.
type Root struct {
	// Seq is the last commit that was folded in; 0 before the first.
	Seq uint64
	// CreatedAt and UpdatedAt are the times of the first and the last commit.
	CreatedAt, UpdatedAt time.Time
	// Origin is the digest of the request that created the entity, if its id was
	// brought by the client.
	Origin string
	// Removed tells that the entity is gone; nothing can change it any more.
	Removed bool
}

// Exists tells whether the entity was created and not removed.
func (r *Root) Exists() bool { return r.Seq > 0 && !r.Removed }

// step moves the root to a commit, as follows says.
func (r *Root) step(seq uint64, at time.Time) (bool, error) {
	fresh, err := follows(r.Seq, seq)
	if err != nil || !fresh {
		return false, err
	}
	if r.Seq == 0 {
		r.CreatedAt = at
	}
	r.Seq, r.UpdatedAt = seq, at
	return true, nil
}

// follows answers false for a commit that was folded in before, and an error for
// one that is not the next.
func follows(last, seq uint64) (bool, error) {
	switch {
	case seq <= last:
		return false, nil
	case seq != last+1:
		return false, fmt.Errorf("commit %d does not follow %d", seq, last)
	}
	return true, nil
}

// User is a user as the commits of user/{id} make it.
type User struct {
	Root
	ID         UserID
	Username   Username
	Email      Email
	Name       Text
	GivenName  Text
	FamilyName Text
	Active     bool
	ExternalID ExternalID
	Attributes Attributes
}

// Apply folds one commit in. A commit that was folded in before changes nothing;
// one beyond the next is an error, and so is an event that users do not have. An
// error changes nothing either. Copies of a user may share its attributes: they
// are replaced, not changed.
func (u *User) Apply(seq uint64, at time.Time, events []Event) error {
	next := *u
	fresh, err := next.step(seq, at)
	if err != nil || !fresh {
		return err
	}
	next.Attributes = next.Attributes.cloneFor(events)
	for _, event := range events {
		if err := next.set(event); err != nil {
			return err
		}
	}
	*u = next
	return nil
}

func (u *User) set(event Event) error {
	switch e := event.(type) {
	case SetOrigin:
		u.Origin = e.Digest
	case SetUsername:
		u.Username = e.Username
	case SetEmail:
		u.Email = e.Email
	case SetName:
		u.Name = e.Name
	case SetGivenName:
		u.GivenName = e.GivenName
	case SetFamilyName:
		u.FamilyName = e.FamilyName
	case SetActive:
		u.Active = e.Active
	case SetExternalID:
		u.ExternalID = e.ExternalID
	case SetAttribute:
		u.Attributes.set(e)
	case SetRemoved:
		u.Removed = e.Removed
	default:
		return fmt.Errorf("%w: a user has no %s", ErrUnknownEvent, TypeOf(event))
	}
	return nil
}
