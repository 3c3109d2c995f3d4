package commands

import (
	"github.com/seed5b6a70b4/identity/domain"
)

// userValues are the unique values of a user, in the order in which a conflict
// is reported.
func userValues(u *domain.User) []uniqueValue {
	return []uniqueValue{
		{domain.UsernameClaim, "/username", keyOf(u.Username)},
		{domain.EmailClaim, "/email", keyOf(u.Email)},
		{domain.ExternalIDClaim, "/externalId", keyOf(u.ExternalID)},
	}
}

// compared is a value that is unique by its compared form.
type compared interface {
	IsZero() bool
	Key() string
}

func keyOf(value compared) string {
	if value.IsZero() {
		return ""
	}
	return value.Key()
}

// userEvents are the facts that turn one state of a user into another. A user
// that comes into being has its state of activity set whatever it is.
func userEvents(before, after *domain.User) []domain.Event {
	events := make([]domain.Event, 0, 7+len(after.Attributes))
	if before.Username != after.Username {
		events = append(events, domain.SetUsername{Username: after.Username})
	}
	if before.Email != after.Email {
		events = append(events, domain.SetEmail{Email: after.Email})
	}
	if before.Name != after.Name {
		events = append(events, domain.SetName{Name: after.Name})
	}
	if before.GivenName != after.GivenName {
		events = append(events, domain.SetGivenName{GivenName: after.GivenName})
	}
	if before.FamilyName != after.FamilyName {
		events = append(events, domain.SetFamilyName{FamilyName: after.FamilyName})
	}
	if before.Active != after.Active || before.Seq == 0 {
		events = append(events, domain.SetActive{Active: after.Active})
	}
	if before.ExternalID != after.ExternalID {
		events = append(events, domain.SetExternalID{ExternalID: after.ExternalID})
	}
	return append(events, attributeEvents(before.Attributes, after.Attributes)...)
}
