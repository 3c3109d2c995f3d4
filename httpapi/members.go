package httpapi

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
)

const maxMembers = commands.MaxMembersAtOnce

var memberRoutes = []route{
	{
		method: http.MethodGet, path: "/groups/{id}/members", scope: domain.ReadScope, id: "getMembers", tag: "members",
		summary: "The members of a group, by id, now or as they were", query: []parameter{limitParameter, cursorParameter, effectiveParameter, instantParameter}, headers: readHeaders,
		description: "The direct ones; with `effective=true` also those who are in through groups in the group, each once, with `via`. " + instantText,
		answers:     []answer{{status: http.StatusOK, text: "A page of memberships.", schema: "MembershipList", headers: listHeaders, example: membershipListExample}},
		serve:       getMembers,
	},
	{
		method: http.MethodPost, path: "/groups/{id}/members", scope: domain.WriteScope, id: "addMembers", tag: "members",
		summary: "Put up to 25 users or groups into a group, all or none", headers: []header{consistency, idempotencyKey},
		description: "Those already in are no error. A refusal names every id that is unknown.",
		body:        &bodySpec{schema: "NewMembers", types: postTypes, example: newMembersExample},
		answers:     []answer{{status: http.StatusOK, text: "The memberships.", schema: "Members", headers: []header{consistency}, example: membersExample}},
		refusals:    []int{http.StatusConflict}, serve: addMembers,
	},
	{
		method: http.MethodGet, path: "/groups/{id}/members/{memberId}", scope: domain.ReadScope, id: "getMember", tag: "members",
		summary: "Whether a user or group is in a group", query: []parameter{effectiveParameter}, headers: []header{ifMatch, ifNoneMatch, consistency, prefer},
		description: "Directly; with `effective=true` also through groups in the group, and `via` tells one shortest way.",
		answers: []answer{
			{status: http.StatusOK, text: "It is.", schema: "Membership", headers: entityHeaders, example: membershipExample},
			{status: http.StatusNotModified, text: "The client has it.", headers: entityHeaders},
		},
		refusals: []int{http.StatusPreconditionFailed}, serve: getMember,
	},
	{
		method: http.MethodPut, path: "/groups/{id}/members/{memberId}", scope: domain.WriteScope, id: "addMember", tag: "members",
		summary: "Put a user or a group into a group", description: "Repeating it writes nothing.", headers: []header{ifMatch, ifNoneMatch, consistency},
		answers: []answer{
			{status: http.StatusCreated, text: "It came in.", schema: "Membership", headers: entityHeaders, example: membershipExample},
			{status: http.StatusNoContent, text: "It was in already.", headers: entityHeaders},
		},
		refusals: []int{http.StatusConflict, http.StatusPreconditionFailed}, readsNothing: true, serve: addMember,
	},
	{
		method: http.MethodDelete, path: "/groups/{id}/members/{memberId}", scope: domain.WriteScope, id: "removeMember", tag: "members",
		summary: "Take a user or a group out of a group", headers: []header{ifMatch, consistency},
		answers:  []answer{{status: http.StatusNoContent, text: "It is out, or was never in.", headers: []header{consistency}}},
		refusals: []int{http.StatusPreconditionFailed}, serve: removeMember,
	},
}

func getMembers(ctx context.Context, x *exchange) error {
	id, err := pathID[domain.Group](x, "id")
	if err != nil {
		return err
	}
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	at, past, err := x.instant(domain.GroupMember, id.UUID)
	if err != nil {
		return err
	}
	if past {
		page, err := x.api.config.Queries.MembersAt(ctx, id, at, x.listing(), fresh)
		if err != nil {
			return err
		}
		return answerPage(x, &page, appendMembership)
	}
	if x.effective(id.UUID) {
		page, err := x.api.config.Queries.EffectiveMembers(ctx, id, x.listing(), fresh)
		if err != nil {
			return err
		}
		return answerPage(x, &page, appendEffective)
	}
	page, err := x.api.config.Queries.Members(ctx, id, x.listing(), fresh)
	if err != nil {
		return err
	}
	return answerPage(x, &page, appendMembership)
}

// memberPath reads the two ids of an edge's path.
func (x *exchange) memberPath() (domain.GroupID, uuid.UUID, error) {
	group, err := pathID[domain.Group](x, "id")
	if err != nil {
		return group, uuid.Nil, err
	}
	member, err := x.pathUUID("memberId")
	return group, member, err
}

func getMember(ctx context.Context, x *exchange) error {
	group, member, err := x.memberPath()
	if err != nil {
		return err
	}
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	if x.boolParam("effective") {
		return getEffectiveMember(ctx, x, group, member, fresh)
	}
	found, err := x.api.config.Queries.Membership(ctx, group, member, fresh)
	if err != nil {
		return err
	}
	return answerEntity(x, &found, appendMembership)
}

func addMember(ctx context.Context, x *exchange) error {
	group, member, err := x.memberPath()
	if err != nil {
		return err
	}
	if err := x.readNothing(); err != nil {
		return err
	}
	unless := parseTags(x.r.Header[string(ifNoneMatch)])
	result, err := x.do(ctx, commands.AddMember{Group: group, Member: member, If: x.ifMatch(), OnlyNew: unless.any})
	if err != nil {
		return err
	}
	if err := x.setWritten(&result); err != nil {
		return err
	}
	if result.Changed {
		x.out = appendMembership(x.out[:0], &result.Memberships[0])
		x.send(http.StatusCreated, jsonType)
		return nil
	}
	// Nothing was written, so a tag that the client ruled out can be looked for now.
	if tag, err := result.Entity.Encode(x.api.config.Epoch); err == nil && unless.matches(tag, true) {
		p := refusalProblem(domain.Stale, nil)
		p.current = result.Entity
		return p
	}
	x.WriteHeader(http.StatusNoContent)
	return nil
}

func removeMember(ctx context.Context, x *exchange) error {
	group, member, err := x.memberPath()
	if err != nil {
		return err
	}
	result, err := x.do(ctx, commands.RemoveMember{Group: group, Member: member, If: x.ifMatch()})
	if err != nil {
		return err
	}
	return x.sendNothing(&result)
}

func addMembers(ctx context.Context, x *exchange) error {
	group, err := pathID[domain.Group](x, "id")
	if err != nil {
		return err
	}
	members, err := readMembers(x)
	if err != nil {
		return err
	}
	result, err := x.do(ctx, commands.AddMembers{Group: group, Members: members})
	if err != nil {
		return err
	}
	if err := x.setConsistency(result.Wrote); err != nil {
		return err
	}
	x.out = append(appendItems(x.out[:0], result.Memberships, appendMembership), '}')
	x.send(http.StatusOK, jsonType)
	return nil
}

// readMembers reads {"members":[id…]}.
func readMembers(x *exchange) ([]uuid.UUID, error) {
	const pointer = "/members"
	var members []uuid.UUID
	given := false
	err := x.readObject(postTypes, func(b *body, name string, value jsontext.Value) {
		if name != "members" {
			b.unknown("", name)
			return
		}
		given = true
		_ = b.elements(pointer, value, func(i int, element jsontext.Value) {
			id := readElement(b, pointer, i, element, domain.ParseID[domain.User])
			members = append(members, id.Value.UUID)
		})
	}, func(b *body) {
		switch {
		case !given:
			b.wrong(pointer, isRequired)
		case len(members) > maxMembers || len(members) == 0 && len(b.errors) == 0:
			b.wrong(pointer, fmt.Sprintf("must name 1 to %d users or groups", maxMembers))
		}
	})
	return members, err
}
