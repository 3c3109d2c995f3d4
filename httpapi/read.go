package httpapi

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
)

// answerEntity answers with one entity, or that the client has it already.
func answerEntity[T any](x *exchange, found *queries.Entity[T], item func([]byte, *T) []byte) error {
	tag, err := x.setETag(found.Shows)
	if err != nil {
		return err
	}
	if lines := x.r.Header[string(ifMatch)]; lines != nil {
		if wanted := parseTags(lines); !wanted.matches(tag, false) {
			p := refusalProblem(domain.Stale, nil)
			p.current = found.Shows
			return p
		}
	}
	if lines := x.r.Header[string(ifNoneMatch)]; lines != nil {
		if known := parseTags(lines); known.matches(tag, true) {
			x.Header()["Cache-Control"] = revalidate
			x.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	x.out = item(x.out[:0], &found.Value)
	x.send(http.StatusOK, jsonType)
	return nil
}

// answerPage answers with a page, and where the next one is.
func answerPage[T any](x *exchange, page *queries.Page[T], item func([]byte, *T) []byte) error {
	if err := x.setConsistency(page.RestsOn); err != nil {
		return err
	}
	if page.Next != "" {
		target := x.r.URL.EscapedPath() + "?cursor=" + page.Next
		if limit, given := x.param("limit"); given {
			target += "&limit=" + limit
		}
		x.setHeader(string(link), "<"+target+`>; rel="next"`)
	}
	x.out = appendPage(x.out[:0], page.Items, page.Next, item)
	x.send(http.StatusOK, jsonType)
	return nil
}

// answerOne answers a look-up by a unique value: a list of one, or of none.
func answerOne[T any](x *exchange, found *queries.Entity[T], err error, item func([]byte, *T) []byte) error {
	page := queries.Page[T]{RestsOn: found.Shows}
	switch {
	case err == nil:
		page.Items = []T{found.Value}
	case !errors.Is(err, domain.NotFound):
		return err
	}
	return answerPage(x, &page, item)
}

// answerLine is answerOne for who wants lines: one, or none.
func answerLine[T any](x *exchange, found *queries.Entity[T], err error, item func([]byte, *T) []byte) error {
	if err != nil && !errors.Is(err, domain.NotFound) {
		return err
	}
	if err := x.setConsistency(found.Shows); err != nil {
		return err
	}
	x.out = x.out[:0]
	if err == nil {
		x.out = append(item(x.out, &found.Value), '\n')
	}
	x.send(http.StatusOK, ndjsonType)
	return nil
}

var limitParameter = parameter{
	name: "limit", description: "How many items at most.", schema: integerWithin(1, queries.MaxLimit, queries.DefaultLimit), example: 20,
}

var cursorParameter = parameter{
	name: "cursor", description: "The `next` of an earlier answer. It holds its own filters: those given beside it must be the same.", schema: text("", 0),
}

// listing is the page that the query asks for.
func (x *exchange) listing() queries.Listing {
	cursor, _ := x.param("cursor")
	listing := queries.Listing{Cursor: cursor, Limit: int(x.numberParam("limit"))}
	if after, given := x.param("after"); given {
		listing.After, _ = uuid.Parse(after) // it was checked
	}
	return listing
}

var afterParameter = parameter{
	name: "after", description: "Begin behind this id, in a list of all by id: where a stream of lines that was cut off goes on.", schema: idSchema(""), example: exampleUserID,
}

var momentParameters = []parameter{
	{name: "seq", description: "As it was after this commit.", schema: integer(1), example: 3},
	{name: "at", description: "As it was after the last commit at or before this time.", schema: &timeQuery, example: exampleTime},
}

var timeQuery = *timeSchema("")

// moment is the point in the past that the query asks for, if it does.
func (x *exchange) moment() (queries.Moment, bool, error) {
	at, isTime := x.param("at")
	if isTime {
		if err := x.alone("at"); err != nil {
			return queries.Moment{}, false, err
		}
		instant, err := parseTime(at)
		return queries.Moment{Time: instant}, true, err
	}
	text, isSeq := x.param("seq")
	if !isSeq {
		return queries.Moment{}, false, nil
	}
	seq, err := strconv.ParseUint(text, 10, 63)
	return queries.Moment{Seq: eventstream.Seq(seq)}, true, err
}
