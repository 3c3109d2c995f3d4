package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

var effectiveParameter = parameter{
	name: "effective", description: "Whether to follow groups that are in groups.", schema: boolean(), example: true,
}

// maxQuestions is the most questions of one check.
const maxQuestions = 100

var checkRoutes = []route{{
	method: http.MethodPost, path: "/groups:check", scope: domain.ReadScope, id: "checkMembers", tag: "members",
	summary:     "Whether users are in groups, directly or through other groups: up to 100 questions",
	description: "The answers come in the order of the questions. Whoever does not exist is in no group, and nobody is in a group that does not exist.",
	headers:     readHeaders,
	body:        &bodySpec{schema: "Questions", types: postTypes, example: questionsExample},
	answers:     []answer{{status: http.StatusOK, text: "The answers.", schema: "Answers", headers: []header{consistency}, example: answersExample}},
	serve:       checkMembers,
}}

// effective tells whether a list of memberships follows nesting: the query says
// so, or the cursor is of such a list.
func (x *exchange) effective(end uuid.UUID) bool {
	cursor, _ := x.param("cursor")
	return x.boolParam("effective") || x.api.config.Queries.IsEffective(end, cursor)
}

// boolParam gives a parameter that is true or false, false if it was not given.
func (x *exchange) boolParam(name string) bool {
	text, _ := x.param(name)
	return text == "true"
}

func getEffectiveMember(ctx context.Context, x *exchange, group domain.GroupID, member uuid.UUID, fresh queries.Freshness) error {
	found, err := x.api.config.Queries.EffectiveMembership(ctx, group, member, fresh)
	if err != nil {
		return err
	}
	return answerEntity(x, &found, appendEffective)
}

func checkMembers(ctx context.Context, x *exchange) error {
	questions, err := readQuestions(x)
	if err != nil {
		return err
	}
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	answers, err := x.api.config.Queries.Check(ctx, questions, fresh)
	if err != nil {
		return err
	}
	if err := x.setConsistency(answers.RestsOn); err != nil {
		return err
	}
	x.out = append(appendItems(x.out[:0], answers.Ways, appendVerdict), '}')
	x.send(http.StatusOK, jsonType)
	return nil
}

// readQuestions reads {"items":[{"groupId","userId"}…]}.
func readQuestions(x *exchange) ([]queries.Question, error) {
	const pointer = "/items"
	var questions []queries.Question
	asked := 0
	err := x.readObject(postTypes, func(b *body, name string, value jsontext.Value) {
		if name != "items" {
			b.unknown("", name)
			return
		}
		_ = b.elements(pointer, value, func(i int, element jsontext.Value) {
			if asked++; asked <= maxQuestions {
				questions = append(questions, readQuestion(b, pointer+"/"+strconv.Itoa(i), element))
			}
		})
	}, func(b *body) {
		if asked > maxQuestions || asked == 0 && len(b.errors) == 0 {
			b.wrong(pointer, fmt.Sprintf("must hold 1 to %d questions", maxQuestions))
		}
	})
	return questions, err
}

func readQuestion(b *body, pointer string, value jsontext.Value) (q queries.Question) {
	var group, member bool
	_ = b.members(pointer, value, func(name string, value jsontext.Value) {
		at := pointer + "/" + pointerName(name)
		switch name {
		case "groupId":
			group = true
			q.Group = readValue(b, at, value, false, domain.ParseID[domain.Group]).Value
		case "userId":
			member = true
			q.Member = readValue(b, at, value, false, domain.ParseID[domain.User]).Value.UUID
		default:
			b.unknown(pointer, name)
		}
	})
	if value.Kind() == '{' && !group {
		b.wrong(pointer+"/groupId", isRequired)
	}
	if value.Kind() == '{' && !member {
		b.wrong(pointer+"/userId", isRequired)
	}
	return q
}

// appendEffective writes a membership with its way, and since when it is only if
// it is a direct one.
func appendEffective(dst []byte, m *queries.EffectiveMembership) []byte {
	dst = appendIDMember(dst, `{"groupId":"`, m.Group.UUID)
	dst = appendIDMember(dst, `,"memberId":"`, m.Member)
	dst = append(dst, `,"kind":`...)
	dst = appendString(dst, string(m.Kind))
	if m.Seq > 0 {
		dst = append(dst, `,"since":`...)
		dst = appendTime(dst, m.Since)
	}
	return append(appendVia(dst, m.Via), '}')
}

func appendVerdict(dst []byte, way *[]domain.GroupID) []byte {
	if len(*way) == 0 {
		return append(dst, `{"member":false}`...)
	}
	return append(appendVia(append(dst, `{"member":true`...), *way), '}')
}

func appendVia(dst []byte, way []domain.GroupID) []byte {
	for i, group := range way {
		begin := `,"`
		if i == 0 {
			begin = `,"via":["`
		}
		dst = appendIDMember(dst, begin, group.UUID)
	}
	return append(dst, ']')
}
