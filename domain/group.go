package domain

import (
	"fmt"
	"time"
)

// Group is a group as the commits of group/{id} make it. Its members are not
// part of it: each membership is a stream of its own.
type Group struct {
	Root
	ID          GroupID
	Name        GroupName
	Description Text
	ExternalID  ExternalID
	Attributes  Attributes
}

// Apply folds one commit in, as User.Apply does.
func (g *Group) Apply(seq uint64, at time.Time, events []Event) error {
	next := *g
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
	*g = next
	return nil
}

func (g *Group) set(event Event) error {
	switch e := event.(type) {
	case SetOrigin:
		g.Origin = e.Digest
	case SetGroupName:
		g.Name = e.Name
	case SetDescription:
		g.Description = e.Description
	case SetExternalID:
		g.ExternalID = e.ExternalID
	case SetAttribute:
		g.Attributes.set(e)
	case SetRemoved:
		g.Removed = e.Removed
	default:
		return fmt.Errorf("%w: a group has no %s", ErrUnknownEvent, TypeOf(event))
	}
	return nil
}
