package httpapi

import (
	"context"
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
		refusals: []int{http.StatusConflict}, serve: createGroup,
	},
	{
		method: http.MethodGet, path: "/groups", scope: domain.ReadScope, id: "findGroups", tag: "groups",
		summary: "Look up, list or search groups", query: groupQuery, headers: readHeaders,
		description: "`name` and `externalId` are look-ups: always current, compared as the uniqueness rule does, each on its own. " +
			"Everything else is a search, or without any filter the list of all, by id.",
		answers:  []answer{{status: http.StatusOK, text: "A page of groups.", schema: "GroupList", headers: listHeaders, example: groupListExample}},
		refusals: []int{http.StatusNotImplemented}, serve: findGroups,
	},
	{
		method: http.MethodGet, path: "/groups/{id}", scope: domain.ReadScope, id: "getGroup", tag: "groups",
		summary: "Get a group, now or as it was", query: momentParameters, headers: []header{ifMatch, ifNoneMatch, consistency, prefer},
		answers: []answer{
			{status: http.StatusOK, text: "The group.", schema: "Group", headers: entityHeaders, example: groupExample},
			{status: http.StatusNotModified, text: "The client has it.", headers: entityHeaders},
		},
		refusals: []int{http.StatusPreconditionFailed}, serve: getGroup,
	},
	{
		method: http.MethodPatch, path: "/groups/{id}", scope: domain.WriteScope, id: "updateGroup", tag: "groups",
		summary: "Change a group", description: "A patch that changes nothing writes nothing.", headers: []header{ifMatch, consistency},
		body:     &bodySpec{schema: "GroupPatch", types: patchTypes, example: groupPatchExample},
		answers:  []answer{{status: http.StatusOK, text: "The group after it.", schema: "Group", headers: entityHeaders, example: groupExample}},
		refusals: []int{http.StatusConflict, http.StatusPreconditionFailed}, serve: updateGroup,
	},
	{
		method: http.MethodDelete, path: "/groups/{id}", scope: domain.WriteScope, id: "deleteGroup", tag: "groups",
		summary: "Remove a group", description: "The history stays, the id is never used again.", headers: []header{ifMatch, consistency},
		answers:  []answer{{status: http.StatusNoContent, text: "Removed.", headers: []header{consistency}}},
		refusals: []int{http.StatusPreconditionFailed}, serve: deleteGroup,
	},
	{
		method: http.MethodGet, path: "/groups/{id}/history", scope: domain.ReadScope, id: "getGroupHistory", tag: "groups",
		summary: "Every commit of a group, oldest first", query: []parameter{limitParameter, cursorParameter}, headers: readHeaders,
		answers: []answer{{status: http.StatusOK, text: "A page of commits.", schema: "ChangeList", headers: listHeaders, example: changeListExample}},
		serve:   getGroupHistory,
	},
}

func createGroup(ctx context.Context, x *exchange) error {
	command, err := readGroup(x)
	if err != nil {
		return err
	}
	result, err := x.do(ctx, command)
	if err != nil {
		return err
	}
	x.setHeader(string(location), "/groups/"+result.Group.ID.String())
	return x.sendGroup(createdStatus(&result), &result)
}

func getGroup(ctx context.Context, x *exchange) error {
	id, err := pathID[domain.Group](x, "id")
	if err != nil {
		return err
	}
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	moment, past, err := x.moment()
	if err != nil {
		return err
	}
	var found queries.Entity[domain.Group]
	if past {
		found, err = x.api.config.Queries.GroupAt(ctx, id, moment, fresh)
	} else {
		found, err = x.api.config.Queries.Group(ctx, id, fresh)
	}
	if err != nil {
		return err
	}
	return answerEntity(x, &found, appendGroup)
}

func updateGroup(ctx context.Context, x *exchange) error {
	id, err := pathID[domain.Group](x, "id")
	if err != nil {
		return err
	}
	command, err := readGroupPatch(x)
	if err != nil {
		return err
	}
	command.ID, command.If = id, x.ifMatch()
	result, err := x.do(ctx, command)
	if err != nil {
		return err
	}
	return x.sendGroup(http.StatusOK, &result)
}

func deleteGroup(ctx context.Context, x *exchange) error {
	id, err := pathID[domain.Group](x, "id")
	if err != nil {
		return err
	}
	result, err := x.do(ctx, commands.DeleteGroup{ID: id, If: x.ifMatch()})
	if err != nil {
		return err
	}
	return x.sendNothing(&result)
}

func (x *exchange) sendGroup(status int, result *commands.Result) error {
	if err := x.setWritten(result); err != nil {
		return err
	}
	x.out = appendGroup(x.out[:0], result.Group)
	x.send(status, jsonType)
	return nil
}

func findGroups(ctx context.Context, x *exchange) error {
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	q := x.api.config.Queries
	for i := range groupLookUps {
		value, given := x.param(groupLookUps[i].name)
		if !given {
			continue
		}
		if err := x.alone(groupLookUps[i].name, "limit"); err != nil {
			return err
		}
		found, err := groupLookUps[i].find(q, ctx, value, fresh)
		return answerOne(x, &found, err, appendGroup)
	}
	page, err := q.Groups(ctx, x.criteria(), x.listing(), fresh)
	if err != nil {
		return err
	}
	return answerPage(x, &page, appendGroup)
}

var groupLookUps = []lookUp[domain.Group]{
	{"name", (*queries.Reader).GroupByName},
	{"externalId", (*queries.Reader).GroupByExternalID},
}

func getGroupHistory(ctx context.Context, x *exchange) error {
	return answerHistory(ctx, x, x.api.config.Queries.GroupHistory)
}
