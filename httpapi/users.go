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
		refusals: []int{http.StatusConflict}, serve: users.create,
	},
	{
		method: http.MethodGet, path: "/users", scope: domain.ReadScope, id: "findUsers", tag: "users",
		summary: "Look up, list or search users", query: userQuery, headers: readHeaders,
		description: "`username`, `email` and `externalId` are look-ups: always current, compared as the uniqueness rule does, each on its own. " +
			"Everything else is a search, or without any filter the list of all, by id. " + linesText,
		answers: []answer{
			{status: http.StatusOK, text: "A page of users, or all of them.", schema: "UserList", headers: listHeaders, example: userListExample, more: []content{{media: linesMedia, schema: "User", example: userExample}}},
		},
		refusals: []int{http.StatusNotImplemented}, serve: users.find, streamsIf: (*exchange).wantsLines,
	},
	{
		method: http.MethodGet, path: "/users/{id}", scope: domain.ReadScope, id: "getUser", tag: "users",
		summary: "Get a user, now or as it was", query: momentParameters, headers: []header{ifMatch, ifNoneMatch, consistency, prefer},
		answers: []answer{
			{status: http.StatusOK, text: "The user.", schema: "User", headers: entityHeaders, example: userExample},
			{status: http.StatusNotModified, text: "The client has it.", headers: entityHeaders},
		},
		refusals: []int{http.StatusPreconditionFailed}, serve: users.get,
	},
	{
		method: http.MethodPatch, path: "/users/{id}", scope: domain.WriteScope, id: "updateUser", tag: "users",
		summary: "Change a user", description: "A patch that changes nothing writes nothing.", headers: []header{ifMatch, consistency},
		body:     &bodySpec{schema: "UserPatch", types: patchTypes, example: userPatchExample},
		answers:  []answer{{status: http.StatusOK, text: "The user after it.", schema: "User", headers: entityHeaders, example: userExample}},
		refusals: []int{http.StatusConflict, http.StatusPreconditionFailed}, serve: users.update,
	},
	{
		method: http.MethodDelete, path: "/users/{id}", scope: domain.WriteScope, id: "deleteUser", tag: "users",
		summary: "Remove a user", description: "The history stays, the id is never used again.", headers: []header{ifMatch, consistency},
		answers:  []answer{{status: http.StatusNoContent, text: "Removed.", headers: []header{consistency}}},
		refusals: []int{http.StatusPreconditionFailed}, serve: users.remove,
	},
	{
		method: http.MethodGet, path: "/users/{id}/history", scope: domain.ReadScope, id: "getUserHistory", tag: "users",
		summary: "Every commit of a user, oldest first", query: historyParameters, headers: readHeaders, description: historyText,
		answers: []answer{{status: http.StatusOK, text: "A page of commits.", schema: "CommitList", headers: listHeaders, example: commitListExample}},
		serve:   users.getHistory,
	},
	{
		method: http.MethodGet, path: "/users/{id}/groups", scope: domain.ReadScope, id: "getUserGroups", tag: "members",
		summary: "The groups that a user is in, by id, now or as they were", query: []parameter{limitParameter, cursorParameter, effectiveParameter, instantParameter}, headers: readHeaders,
		description: "Directly; with `effective=true` also through groups that are in groups, with `via`. " + instantText,
		answers:     []answer{{status: http.StatusOK, text: "A page of memberships.", schema: "MembershipList", headers: listHeaders, example: membershipListExample}},
		serve:       getUserGroups,
	},
}

var users = &resource[domain.User]{
	collection: "/users", item: appendUser,
	id: func(user *domain.User) domain.UserID { return user.ID },
	of: func(result *commands.Result) *domain.User { return result.User },
	readNew: func(x *exchange) (commands.Command, error) {
		command, err := readUser(x)
		return command, err
	},
	readPatch: func(x *exchange, id domain.UserID) (commands.Command, error) {
		command, err := readUserPatch(x)
		command.ID, command.If = id, x.ifMatch()
		return command, err
	},
	removal: func(x *exchange, id domain.UserID) commands.Command {
		return commands.DeleteUser{ID: id, If: x.ifMatch()}
	},
	now: (*queries.Reader).User, then: (*queries.Reader).UserAt, history: (*queries.Reader).UserHistory, search: (*queries.Reader).Users,
	lookUps: []lookUp[domain.User]{
		{"username", (*queries.Reader).UserByUsername},
		{"email", (*queries.Reader).UserByEmail},
		{"externalId", (*queries.Reader).UserByExternalID},
	},
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
	at, past, err := x.instant(domain.UserMember, id.UUID)
	if err != nil {
		return err
	}
	if past {
		page, err := x.api.config.Queries.GroupsOfUserAt(ctx, id, at, x.listing(), fresh)
		if err != nil {
			return err
		}
		return answerPage(x, &page, appendMembership)
	}
	if x.effective(id.UUID) {
		page, err := x.api.config.Queries.EffectiveGroups(ctx, id, x.listing(), fresh)
		if err != nil {
			return err
		}
		return answerPage(x, &page, appendEffective)
	}
	page, err := x.api.config.Queries.GroupsOfUser(ctx, id, x.listing(), fresh)
	if err != nil {
		return err
	}
	return answerPage(x, &page, appendMembership)
}
