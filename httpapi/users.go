package httpapi

import (
	"context"
	"net/http"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

var (
	entityHeaders = []header{etag, consistency}
	listHeaders   = []header{consistency, link}
	readHeaders   = []header{consistency, prefer}
)

var userRoutes = []route{
	{
		method: http.MethodPost, path: "/users", scope: domain.WriteScope, id: "createUser", tag: "users",
		summary: "Create a user", headers: []header{consistency, idempotencyKey},
		body: &bodySpec{schema: "NewUser", types: postTypes, example: newUserExample},
		answers: []answer{
			{status: http.StatusCreated, text: "Created.", schema: "User", headers: []header{location, etag, consistency}, example: userExample},
			{status: http.StatusOK, text: "The same id and body again: the first result.", schema: "User", headers: []header{location, etag, consistency}, example: userExample},
		},
		refusals: []int{http.StatusConflict}, serve: createUser,
	},
	{
		method: http.MethodGet, path: "/users", scope: domain.ReadScope, id: "findUsers", tag: "users",
		summary: "Look up, list or search users", query: userQuery, headers: readHeaders,
		description: "`username`, `email` and `externalId` are look-ups: always current, compared as the uniqueness rule does, each on its own. " +
			"Everything else is a search, or without any filter the list of all, by id.",
		answers:  []answer{{status: http.StatusOK, text: "A page of users.", schema: "UserList", headers: listHeaders, example: userListExample}},
		refusals: []int{http.StatusNotImplemented}, serve: findUsers,
	},
	{
		method: http.MethodGet, path: "/users/{id}", scope: domain.ReadScope, id: "getUser", tag: "users",
		summary: "Get a user, now or as it was", query: momentParameters, headers: []header{ifMatch, ifNoneMatch, consistency, prefer},
		answers: []answer{
			{status: http.StatusOK, text: "The user.", schema: "User", headers: entityHeaders, example: userExample},
			{status: http.StatusNotModified, text: "The client has it.", headers: entityHeaders},
		},
		refusals: []int{http.StatusPreconditionFailed}, serve: getUser,
	},
	{
		method: http.MethodPatch, path: "/users/{id}", scope: domain.WriteScope, id: "updateUser", tag: "users",
		summary: "Change a user", description: "A patch that changes nothing writes nothing.", headers: []header{ifMatch, consistency},
		body:     &bodySpec{schema: "UserPatch", types: patchTypes, example: userPatchExample},
		answers:  []answer{{status: http.StatusOK, text: "The user after it.", schema: "User", headers: entityHeaders, example: userExample}},
		refusals: []int{http.StatusConflict, http.StatusPreconditionFailed}, serve: updateUser,
	},
	{
		method: http.MethodDelete, path: "/users/{id}", scope: domain.WriteScope, id: "deleteUser", tag: "users",
		summary: "Remove a user", description: "The history stays, the id is never used again.", headers: []header{ifMatch, consistency},
		answers:  []answer{{status: http.StatusNoContent, text: "Removed.", headers: []header{consistency}}},
		refusals: []int{http.StatusPreconditionFailed}, serve: deleteUser,
	},
	{
		method: http.MethodGet, path: "/users/{id}/history", scope: domain.ReadScope, id: "getUserHistory", tag: "users",
		summary: "Every commit of a user, oldest first", query: []parameter{limitParameter, cursorParameter}, headers: readHeaders,
		answers: []answer{{status: http.StatusOK, text: "A page of commits.", schema: "ChangeList", headers: listHeaders, example: changeListExample}},
		serve:   getUserHistory,
	},
	{
		method: http.MethodGet, path: "/users/{id}/groups", scope: domain.ReadScope, id: "getUserGroups", tag: "members",
		summary: "The groups that a user is directly in", query: []parameter{limitParameter, cursorParameter}, headers: readHeaders,
		answers: []answer{{status: http.StatusOK, text: "A page of memberships.", schema: "MembershipList", headers: listHeaders, example: membershipListExample}},
		serve:   getUserGroups,
	},
}

func createUser(ctx context.Context, x *exchange) error {
	command, err := readUser(x)
	if err != nil {
		return err
	}
	result, err := x.do(ctx, command)
	if err != nil {
		return err
	}
	x.setHeader(string(location), "/users/"+result.User.ID.String())
	return x.sendUser(createdStatus(&result), &result)
}

func getUser(ctx context.Context, x *exchange) error {
	id, err := pathID[domain.User](x, "id")
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
	var found queries.Entity[domain.User]
	if past {
		found, err = x.api.config.Queries.UserAt(ctx, id, moment, fresh)
	} else {
		found, err = x.api.config.Queries.User(ctx, id, fresh)
	}
	if err != nil {
		return err
	}
	return answerEntity(x, &found, appendUser)
}

func updateUser(ctx context.Context, x *exchange) error {
	id, err := pathID[domain.User](x, "id")
	if err != nil {
		return err
	}
	command, err := readUserPatch(x)
	if err != nil {
		return err
	}
	command.ID, command.If = id, x.ifMatch()
	result, err := x.do(ctx, command)
	if err != nil {
		return err
	}
	return x.sendUser(http.StatusOK, &result)
}

func deleteUser(ctx context.Context, x *exchange) error {
	id, err := pathID[domain.User](x, "id")
	if err != nil {
		return err
	}
	result, err := x.do(ctx, commands.DeleteUser{ID: id, If: x.ifMatch()})
	if err != nil {
		return err
	}
	return x.sendNothing(&result)
}

func (x *exchange) sendUser(status int, result *commands.Result) error {
	if err := x.setWritten(result); err != nil {
		return err
	}
	x.out = appendUser(x.out[:0], result.User)
	x.send(status, jsonType)
	return nil
}

func findUsers(ctx context.Context, x *exchange) error {
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	q := x.api.config.Queries
	for i := range userLookUps {
		value, given := x.param(userLookUps[i].name)
		if !given {
			continue
		}
		if err := x.alone(userLookUps[i].name, "limit"); err != nil {
			return err
		}
		found, err := userLookUps[i].find(q, ctx, value, fresh)
		return answerOne(x, &found, err, appendUser)
	}
	page, err := q.Users(ctx, x.criteria(), x.listing(), fresh)
	if err != nil {
		return err
	}
	return answerPage(x, &page, appendUser)
}

// lookUp is a parameter whose value one entity has at most.
type lookUp[E any] struct {
	name string
	find func(*queries.Reader, context.Context, string, queries.Freshness) (queries.Entity[E], error)
}

var userLookUps = []lookUp[domain.User]{
	{"username", (*queries.Reader).UserByUsername},
	{"email", (*queries.Reader).UserByEmail},
	{"externalId", (*queries.Reader).UserByExternalID},
}

func getUserHistory(ctx context.Context, x *exchange) error {
	return answerHistory(ctx, x, x.api.config.Queries.UserHistory)
}

func getUserGroups(ctx context.Context, x *exchange) error {
	id, err := pathID[domain.User](x, "id")
	if err != nil {
		return err
	}
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	page, err := x.api.config.Queries.GroupsOfUser(ctx, id, x.listing(), fresh)
	if err != nil {
		return err
	}
	return answerPage(x, &page, appendMembership)
}
