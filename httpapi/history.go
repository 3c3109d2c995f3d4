package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

var historyParameters = []parameter{limitParameter, cursorParameter, {
	name: "diff", description: "Whether each commit also tells what it changed, field by field.", schema: boolean(), example: true,
}}

const historyText = "With `diff=true` each commit has `changes` too: what the entity's body shows before and after it, field by field. " +
	"A field that was not there has no `before`, one that is gone no `after`; with a removal all are gone."

var memberHistoryRoutes = []route{
	{
		method: http.MethodGet, path: "/groups/{id}/members/history", scope: domain.ReadScope, id: "getMembersHistory", tag: "members",
		summary: "Every commit of the memberships that there ever were in a group, by time", query: historyParameters, headers: readHeaders,
		description: "By time, then by the member's id, then by number; each with its `groupId` and `memberId`. A page may have fewer items than it could, or none, while many memberships are " +
			"read: `next` goes on. " + historyText,
		answers: []answer{{status: http.StatusOK, text: "A page of commits.", schema: "CommitList", headers: listHeaders, example: memberCommitListExample}},
		serve:   getMembersHistory,
	},
	{
		method: http.MethodGet, path: "/groups/{id}/members/{memberId}/history", scope: domain.ReadScope, id: "getMemberHistory", tag: "members",
		summary: "Every commit of a membership, oldest first", query: historyParameters, headers: readHeaders, description: historyText,
		answers: []answer{{status: http.StatusOK, text: "A page of commits.", schema: "CommitList", headers: listHeaders, example: memberCommitListExample}},
		serve:   getMemberHistory,
	},
}

func getMembersHistory(ctx context.Context, x *exchange) error {
	group, err := pathID[domain.Group](x, "id")
	if err != nil {
		return err
	}
	return answerHistory(x, func(recall queries.Recall, fresh queries.Freshness) (queries.Page[queries.Commit], error) {
		return x.api.config.Queries.MembersHistory(ctx, group, recall, fresh)
	})
}

func getMemberHistory(ctx context.Context, x *exchange) error {
	group, member, err := x.memberPath()
	if err != nil {
		return err
	}
	return answerHistory(x, func(recall queries.Recall, fresh queries.Freshness) (queries.Page[queries.Commit], error) {
		return x.api.config.Queries.MembershipHistory(ctx, group, member, recall, fresh)
	})
}

// answerHistory answers with a page of commits.
func answerHistory(x *exchange, read func(queries.Recall, queries.Freshness) (queries.Page[queries.Commit], error)) error {
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	diff, _ := x.param("diff")
	page, err := read(queries.Recall{Listing: x.listing(), Diff: diff == "true"}, fresh)
	if err != nil {
		return err
	}
	return answerPage(x, &page, appendCommit)
}

func appendCommit(dst []byte, c *queries.Commit) []byte {
	dst = append(dst, '{')
	if group, member, is := c.Stream.Edge(); is {
		dst = appendIDMember(dst, `"groupId":"`, group)
		dst = append(appendIDMember(dst, `,"memberId":"`, member), ',')
	}
	dst = append(dst, `"seq":`...)
	dst = strconv.AppendUint(dst, uint64(c.Seq), 10)
	dst = append(dst, `,"time":`...)
	dst = appendTime(dst, c.Time)
	dst = append(dst, `,"actor":`...)
	dst = appendString(dst, c.Actor)
	dst = appendIDMember(dst, `,"commandId":"`, c.Command)
	dst = append(dst, `,"events":[`...)
	for i := range c.Events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"type":`...)
		dst = appendString(dst, c.Events[i].Type)
		dst = append(dst, `,"data":`...)
		dst = append(dst, c.Events[i].Data...)
		dst = append(dst, '}')
	}
	dst = append(dst, ']')
	if c.Diff {
		dst = append(dst, `,"changes":`...)
		dst = appendDifferences(dst, bodyOf(&c.Before), bodyOf(&c.After))
	}
	return append(dst, '}')
}
