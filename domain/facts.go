package domain

import (
	"maps"
	"slices"
)

// Facts are the events that make the user as it is of nothing, but for its id,
// its seq and its times: what a view may keep of it. They are in a fixed order.
func (u *User) Facts() []Event {
	events := make([]Event, 0, 10+len(u.Attributes))
	events = u.Root.facts(events)
	if !u.Username.IsZero() {
		events = append(events, SetUsername{u.Username})
	}
	if !u.Email.IsZero() {
		events = append(events, SetEmail{u.Email})
	}
	if !u.Name.IsZero() {
		events = append(events, SetName{u.Name})
	}
	if !u.GivenName.IsZero() {
		events = append(events, SetGivenName{u.GivenName})
	}
	if !u.FamilyName.IsZero() {
		events = append(events, SetFamilyName{u.FamilyName})
	}
	if u.Active {
		events = append(events, SetActive{u.Active})
	}
	if !u.ExternalID.IsZero() {
		events = append(events, SetExternalID{u.ExternalID})
	}
	return u.Attributes.facts(events)
}

// Facts are the events that make the group, as User.Facts do a user.
func (g *Group) Facts() []Event {
	events := g.Root.facts(make([]Event, 0, 5+len(g.Attributes)))
	if !g.Name.IsZero() {
		events = append(events, SetGroupName{g.Name})
	}
	if !g.Description.IsZero() {
		events = append(events, SetDescription{g.Description})
	}
	if !g.ExternalID.IsZero() {
		events = append(events, SetExternalID{g.ExternalID})
	}
	return g.Attributes.facts(events)
}

// Facts is the event that makes the key, as User.Facts do a user.
func (k *APIKey) Facts() []Event {
	return []Event{SetKey{Hash: k.Hash, Scopes: k.Scopes, Label: k.Label, Owner: k.Owner, Active: k.Active}}
}

func (r *Root) facts(events []Event) []Event {
	if r.Origin != "" {
		events = append(events, SetOrigin{r.Origin})
	}
	if r.Removed {
		events = append(events, SetRemoved{r.Removed})
	}
	return events
}

func (a Attributes) facts(events []Event) []Event {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		events = append(events, SetAttribute{name, a[name]})
	}
	return events
}
