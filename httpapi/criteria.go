package httpapi

import (
	"strings"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

const attributePrefix = "attr."

var attributeParameter = parameter{
	name: attributePrefix, prefix: true, schema: anyText(queries.MaxText), example: map[string]string{"attr.department": "sector 7G"},
	description: "`attr.<name>=value`: an attribute, or one of the values in its array, is this text.",
}

func textParameter(name, description, example string) parameter {
	return parameter{name: name, description: description, schema: text("", queries.MaxText), example: example}
}

var userQuery = []parameter{
	textParameter("username", "The user of this name, none or one.", "homer"),
	textParameter("email", "The user with this mail address, none or one.", "homer@example.org"),
	textParameter("externalId", "The user that another system calls this, none or one.", "hr-4711"),
	{name: "q", description: "What was typed: every word must match a word of name, username or e-mail, as a prefix or with one typo. Empty is absent.", schema: anyText(queries.MaxText), example: "hom simp"},
	{name: "active", description: "Only those who are, or are not.", schema: boolean(), example: true},
	{name: "group", description: "Only direct members of this group.", schema: idSchema(""), example: exampleUserID},
	attributeParameter,
	{
		name: "sort", description: "The order, reversed by a `-` in front. By relevance if something is searched for, else by id.",
		schema: enum("relevance", "-relevance", "name", "-name", "username", "-username", "created", "-created"), example: "name",
	},
	limitParameter, cursorParameter, afterParameter,
}

var groupQuery = []parameter{
	textParameter("name", "The group of this name, none or one.", "Operators"),
	textParameter("externalId", "The group that another system calls this, none or one.", "hr-12"),
	{name: "q", description: "What was typed: every word must match a word of the name, as a prefix or with one typo. Empty is absent.", schema: anyText(queries.MaxText), example: "oper"},
	{name: "group", description: "Only direct members of this group.", schema: idSchema(""), example: exampleUserID},
	attributeParameter,
	{
		name: "sort", description: "The order, reversed by a `-` in front. By relevance if something is searched for, else by id.",
		schema: enum("relevance", "-relevance", "name", "-name", "created", "-created"), example: "name",
	},
	limitParameter, cursorParameter, afterParameter,
}

// criteria are what the query asks for; its parameters were checked.
func (x *exchange) criteria() queries.Criteria {
	var c queries.Criteria
	for i := range x.query {
		value := x.query[i].text
		switch name := x.query[i].name; name {
		case "q":
			c.Text = value
		case "active":
			active := value == "true"
			c.Active = &active
		case "group":
			c.Group, _ = domain.ParseID[domain.Group](value)
		case "sort":
			order, descending := strings.CutPrefix(value, "-")
			c.Sort, c.Descending = queries.Sort(order), descending
		case "limit", "cursor", "after":
		default:
			if c.Attributes == nil {
				c.Attributes = map[string]string{}
			}
			c.Attributes[strings.TrimPrefix(name, attributePrefix)] = value
		}
	}
	return c
}
