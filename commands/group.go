package commands

import "github.com/seed5b6a70b4/identity/domain"

// groupValues are the unique values of a group, in the order in which a conflict
// is reported.
func groupValues(g *domain.Group) []uniqueValue {
	return []uniqueValue{
		{domain.GroupNameClaim, "/name", keyOf(g.Name)},
		{domain.ExternalIDClaim, "/externalId", keyOf(g.ExternalID)},
	}
}

// groupEvents are the facts that turn one state of a group into another.
func groupEvents(before, after *domain.Group) []domain.Event {
	events := make([]domain.Event, 0, 3+len(after.Attributes))
	if before.Name != after.Name {
		events = append(events, domain.SetGroupName{Name: after.Name})
	}
	if before.Description != after.Description {
		events = append(events, domain.SetDescription{Description: after.Description})
	}
	if before.ExternalID != after.ExternalID {
		events = append(events, domain.SetExternalID{ExternalID: after.ExternalID})
	}
	return append(events, attributeEvents(before.Attributes, after.Attributes)...)
}
