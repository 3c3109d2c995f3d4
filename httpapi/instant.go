package httpapi

import (
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

var instantParameter = parameter{
	name: "at", description: "As it was after the last commits at or before this time.", schema: &timeQuery, example: exampleTime,
}

const instantText = "With `at`, those who were in at that time, with `since` as it was then: members and groups that were removed later among them. " +
	"A page may then be shorter than its limit; only an empty `next` says that it is the last."

// instant is the time that a list of memberships around a user or group is asked
// for as it was; the zero time if the cursor tells it. Past is false if the list
// as it is now is meant.
func (x *exchange) instant(kind domain.MemberKind, end uuid.UUID) (at time.Time, past bool, err error) {
	cursor, _ := x.param("cursor")
	text, given := x.param("at")
	if !given {
		return time.Time{}, x.api.config.Queries.IsPast(domain.EntityID{Kind: kind, ID: end}, cursor), nil
	}
	if err := x.alone("at", "limit", "cursor"); err != nil {
		return time.Time{}, false, err
	}
	at, err = parseTime(text)
	return at, true, err
}
