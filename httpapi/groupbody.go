package httpapi

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
)

// groupFields is what a body says of a group.
type groupFields struct {
	id          commands.Change[domain.GroupID]
	name        commands.Change[domain.GroupName]
	description commands.Change[domain.Text]
	externalID  commands.Change[domain.ExternalID]
	attributes  attributeChanges
}

// read takes one member of a group in; creating tells that the group is made.
func (g *groupFields) read(b *body, name string, value jsontext.Value, creating bool) {
	pointer := "/" + name
	switch name {
	case "id":
		readID(b, pointer, value, creating, &g.id)
	case "name":
		g.name = readValue(b, pointer, value, false, domain.ParseGroupName)
	case "description":
		g.description = readValue(b, pointer, value, true, parseDescription)
	case "externalId":
		g.externalID = readValue(b, pointer, value, true, domain.ParseExternalID)
	case "attributes":
		g.attributes = readAttributes(b, value)
	case "createdAt", "updatedAt":
		b.wrong(pointer, isReadOnly)
	default:
		b.unknown("", name)
	}
}

func readGroup(x *exchange) (commands.CreateGroup, error) {
	var g groupFields
	var named bool
	err := x.readObject(postTypes, func(b *body, name string, value jsontext.Value) {
		named = named || name == "name"
		g.read(b, name, value, true)
	}, func(b *body) {
		if !named {
			b.wrong("/name", isRequired)
		}
	})
	return commands.CreateGroup{
		ID: g.id.Value, Name: g.name.Value, Description: g.description.Value,
		ExternalID: g.externalID.Value, Attributes: withoutNulls(g.attributes.values),
	}, err
}

func readGroupPatch(x *exchange) (commands.UpdateGroup, error) {
	var g groupFields
	err := x.readObject(patchTypes, func(b *body, name string, value jsontext.Value) {
		g.read(b, name, value, false)
	}, nil)
	return commands.UpdateGroup{
		Name: g.name, Description: g.description, ExternalID: g.externalID,
		ClearAttributes: g.attributes.clear, Attributes: g.attributes.values,
	}, err
}
