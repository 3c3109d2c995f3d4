package httpapi

import (
	"net/http"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

var groupRoutes = []route{
	{
		method: http.MethodPost, path: "/groups", scope: domain.WriteScope, id: "createGroup", tag: "groups",
		summary: "Create a group", headers: []header{consistency, idempotencyKey},
		body: &bodySpec{schema: "NewGroup", types: postTypes, example: newGroupExample},
		answers: []answer{
			{status: http.StatusCreated, text: "Created.", schema: "Group", headers: []header{location, etag, consistency}, example: groupExample},
			{status: http.StatusOK, text: "The same id and body again: the first result.", schema: "Group", headers: []header{location, etag, consistency}, example: groupExample},
		},
		refusals: []int{http.StatusConflict}, serve: groups.create,
	},
	{
		method: http.MethodGet, path: "/groups", scope: domain.ReadScope, id: "findGroups", tag: "groups",
		summary: "Look up, list or search groups", query: groupQuery, headers: readHeaders,
		description: "`name` and `externalId` are look-ups: always current, compared as the uniqueness rule does, each on its own. " +
			"Everything else is a search, or without any filter the list of all, by id. " + linesText,
		answers: []answer{
			{status: http.StatusOK, text: "A page of groups, or all of them.", schema: "GroupList", headers: listHeaders, example: groupListExample, more: []content{{media: linesMedia, schema: "Group", example: groupExample}}},
		},
		refusals: []int{http.StatusNotImplemented}, serve: groups.find, streamsIf: (*exchange).wantsLines,
	},
	{
		method: http.MethodGet, path: "/groups/{id}", scope: domain.ReadScope, id: "getGroup", tag: "groups",
		summary: "Get a group, now or as it was", query: momentParameters, headers: []header{ifMatch, ifNoneMatch, consistency, prefer},
		answers: []answer{
			{status: http.StatusOK, text: "The group.", schema: "Group", headers: entityHeaders, example: groupExample},
			{status: http.StatusNotModified, text: "The client has it.", headers: entityHeaders},
		},
		refusals: []int{http.StatusPreconditionFailed}, serve: groups.get,
	},
	{
		method: http.MethodPatch, path: "/groups/{id}", scope: domain.WriteScope, id: "updateGroup", tag: "groups",
		summary: "Change a group", description: "A patch that changes nothing writes nothing.", headers: []header{ifMatch, consistency},
		body:     &bodySpec{schema: "GroupPatch", types: patchTypes, example: groupPatchExample},
		answers:  []answer{{status: http.StatusOK, text: "The group after it.", schema: "Group", headers: entityHeaders, example: groupExample}},
		refusals: []int{http.StatusConflict, http.StatusPreconditionFailed}, serve: groups.update,
	},
	{
		method: http.MethodDelete, path: "/groups/{id}", scope: domain.WriteScope, id: "deleteGroup", tag: "groups",
		summary: "Remove a group", description: "The history stays, the id is never used again.", headers: []header{ifMatch, consistency},
		answers:  []answer{{status: http.StatusNoContent, text: "Removed.", headers: []header{consistency}}},
		refusals: []int{http.StatusPreconditionFailed}, serve: groups.remove,
	},
	{
		method: http.MethodGet, path: "/groups/{id}/history", scope: domain.ReadScope, id: "getGroupHistory", tag: "groups",
		summary: "Every commit of a group, oldest first", query: historyParameters, headers: readHeaders, description: historyText,
		answers: []answer{{status: http.StatusOK, text: "A page of commits.", schema: "CommitList", headers: listHeaders, example: commitListExample}},
		serve:   groups.getHistory,
	},
}

var groups = &resource[domain.Group]{
	collection: "/groups", item: appendGroup,
	id: func(group *domain.Group) domain.GroupID { return group.ID },
	of: func(result *commands.Result) *domain.Group { return result.Group },
	readNew: func(x *exchange) (commands.Command, error) {
		command, err := readGroup(x)
		return command, err
	},
	readPatch: func(x *exchange, id domain.GroupID) (commands.Command, error) {
		command, err := readGroupPatch(x)
		command.ID, command.If = id, x.ifMatch()
		return command, err
	},
	removal: func(x *exchange, id domain.GroupID) commands.Command {
		return commands.DeleteGroup{ID: id, If: x.ifMatch()}
	},
	now: (*queries.Reader).Group, then: (*queries.Reader).GroupAt, history: (*queries.Reader).GroupHistory, search: (*queries.Reader).Groups,
	lookUps: []lookUp[domain.Group]{
		{"name", (*queries.Reader).GroupByName},
		{"externalId", (*queries.Reader).GroupByExternalID},
	},
}
