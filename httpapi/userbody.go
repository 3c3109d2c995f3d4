package httpapi

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
)

// userFields is what a body says of a user.
type userFields struct {
	id         commands.Change[domain.UserID]
	username   commands.Change[domain.Username]
	email      commands.Change[domain.Email]
	name       commands.Change[domain.Text]
	givenName  commands.Change[domain.Text]
	familyName commands.Change[domain.Text]
	active     commands.Change[bool]
	externalID commands.Change[domain.ExternalID]
	attributes attributeChanges
	// named tells that a username was given, good or not.
	named bool
}

// read takes one member of a user in; creating tells that the user is made.
func (u *userFields) read(b *body, name string, value jsontext.Value, creating bool) {
	pointer := "/" + name
	switch name {
	case "id":
		readID(b, pointer, value, creating, &u.id)
	case "username":
		u.username = readValue(b, pointer, value, false, domain.ParseUsername)
	case "email":
		u.email = readValue(b, pointer, value, true, domain.ParseEmail)
	case "name":
		u.name = readValue(b, pointer, value, true, parseLine)
	case "givenName":
		u.givenName = readValue(b, pointer, value, true, parseLine)
	case "familyName":
		u.familyName = readValue(b, pointer, value, true, parseLine)
	case "active":
		u.active = readBool(b, pointer, value)
	case "externalId":
		u.externalID = readValue(b, pointer, value, true, domain.ParseExternalID)
	case "attributes":
		u.attributes = readAttributes(b, value)
	case "createdAt", "updatedAt":
		b.wrong(pointer, isReadOnly)
	default:
		b.unknown("", name)
	}
}

// readID takes an id that the client brings; nothing can change one later.
func readID[E any](b *body, pointer string, value jsontext.Value, creating bool, id *commands.Change[domain.ID[E]]) {
	if !creating {
		b.wrong(pointer, isReadOnly)
		return
	}
	*id = readValue(b, pointer, value, true, domain.ParseID[E])
}

func readUser(x *exchange) (commands.CreateUser, error) {
	u := newUser()
	err := x.readObject(postTypes, u.readNew, u.finishNew)
	return u.creation(), err
}

func readUserPatch(x *exchange) (commands.UpdateUser, error) {
	var u userFields
	err := x.readObject(patchTypes, u.readChange, nil)
	return u.update(), err
}

// newUser is a user of whom nothing was said yet.
func newUser() userFields { return userFields{active: commands.To(true)} }

// readNew takes in one member of a user that is made.
func (u *userFields) readNew(b *body, name string, value jsontext.Value) {
	u.named = u.named || name == "username"
	u.read(b, name, value, true)
}

// readChange takes in one member of a patch.
func (u *userFields) readChange(b *body, name string, value jsontext.Value) {
	u.read(b, name, value, false)
}

// finishNew reports what a new user lacks.
func (u *userFields) finishNew(b *body) {
	if !u.named {
		b.wrong("/username", isRequired)
	}
}

func (u *userFields) creation() commands.CreateUser {
	return commands.CreateUser{
		ID: u.id.Value, Username: u.username.Value, Email: u.email.Value,
		Name: u.name.Value, GivenName: u.givenName.Value, FamilyName: u.familyName.Value,
		Active: u.active.Value, ExternalID: u.externalID.Value, Attributes: withoutNulls(u.attributes.values),
	}
}

func (u *userFields) update() commands.UpdateUser {
	return commands.UpdateUser{
		Username: u.username, Email: u.email, Name: u.name, GivenName: u.givenName, FamilyName: u.familyName,
		Active: u.active, ExternalID: u.externalID, ClearAttributes: u.attributes.clear, Attributes: u.attributes.values,
	}
}
