package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/internal/deadline"
	"github.com/seed5b6a70b4/identity/queries"
)

// maxPollWait is the longest that an answer of /changes waits for something to tell.
const maxPollWait = 60 * time.Second

var changesQuery = []parameter{
	{name: "after", description: "A position: what was told up to there is not told again. Without one, everything that exists is told first. It holds its own filters: those given beside it must be the same.", schema: text("", 0)},
	{name: "kind", description: "What to hear of: `user`, `group` and `member`, separated by commas. All of them if absent.", schema: text("", 0), example: "user,group"},
	{name: "group", description: "Only this group and its direct memberships.", schema: idSchema("")},
	{name: "limit", description: "How many items a page of JSON has at most. Lines and events have no pages, and so no limit.", schema: integerWithin(1, queries.MaxLimit, queries.DefaultLimit), example: 100},
	{name: "wait", description: "How long a page waits until there is something to tell, in seconds, at most `60s`. With NDJSON: the answer does not end, as events never do.", schema: text("", 0), example: "30s"},
}

var changeRoutes = []route{{
	method: http.MethodGet, path: "/changes", scope: domain.ReadScope, id: "getChanges", tag: "changes",
	summary: "Follow the directory: everything that exists, and then everything that changes", query: changesQuery,
	description: "Each item is the current state of a user, group or membership, or says that it was removed: put in what is there, take out what is removed, " +
		"in the order in which it comes, and you have what the directory has. Positions never expire. The memberships of what is removed are told as removed.\n\n" +
		"With `Accept: text/event-stream` the answer is a stream of events that does not end: `change`, with the position as its id, so that `Last-Event-ID` resumes. " +
		"With `Accept: application/x-ndjson` it is one item a line, all that there is; with `wait` it does not end, and empty lines show that it goes on.",
	headers: []header{lastEventID, consistency, prefer},
	answers: []answer{{
		status: http.StatusOK, text: "What is to be told.", schema: "ChangePage", headers: []header{consistency}, example: changePageExample,
		more: []content{{media: eventStreamType[0], schema: "Text"}, {media: ndjsonType[0], schema: "Change", example: changeExample}},
	}},
	problems: map[int]refusal{http.StatusNotImplemented: {"changes_off", "This service does not tell what has changed: `changes_off`."}},
	streams:  true, serve: getChanges,
}}

var (
	ndjsonType      = []string{linesMedia}
	eventStreamType = []string{"text/event-stream"}
)

// following is what a request for changes asks for.
type following struct {
	follower *queries.Follower
	form     form
	limit    int
	wait     time.Duration // 0 answers with what there is
	by       *standing
}

func getChanges(ctx context.Context, x *exchange) error {
	asked, err := x.following()
	if err != nil {
		return err
	}
	fresh, err := x.freshness()
	if err != nil {
		return err
	}
	if err := asked.follower.Ensure(ctx, fresh); err != nil {
		return err
	}
	if asked.form == nil {
		return x.answerChanges(ctx, asked)
	}
	return x.streamChanges(ctx, asked)
}

// following reads the request.
func (x *exchange) following() (*following, error) {
	asked := &following{limit: queries.DefaultLimit, by: x.by.standing()}
	filter, err := x.changeFilter()
	if err != nil {
		return nil, err
	}
	if limit := x.numberParam("limit"); limit > 0 {
		asked.limit = int(limit)
	}
	if text, given := x.param("wait"); given {
		if asked.wait, err = parseSeconds(text); err != nil {
			return nil, wrongParameter("wait", "must be seconds, as 30s, at most 60s")
		}
	}
	asked.form = x.form()
	after, _ := x.param("after")
	if resumed := x.r.Header.Get(string(lastEventID)); resumed != "" {
		after = resumed // the address is as it was at first
	}
	asked.follower, err = x.api.config.Queries.Follow(after, filter, x.api.config.Epoch)
	return asked, err
}

func wrongParameter(name, detail string) error {
	return invalid(fieldError{pointer: "/" + name, in: "query", detail: detail})
}

// parseSeconds reads a number of seconds, with or without an s behind it.
func parseSeconds(text string) (time.Duration, error) {
	seconds, err := strconv.ParseUint(strings.TrimSuffix(text, "s"), 10, 8)
	if wait := time.Duration(seconds) * time.Second; err == nil && wait <= maxPollWait {
		return wait, nil
	}
	return 0, errWait
}

var errWait = errors.New("not a number of seconds within bounds")

var changeKinds = map[string]queries.ChangeKind{"user": queries.UserChange, "group": queries.GroupChange, "member": queries.MemberChange}

func (x *exchange) changeFilter() (filter queries.ChangeFilter, err error) {
	if text, given := x.param("kind"); given {
		for name := range strings.SplitSeq(text, ",") {
			kind, known := changeKinds[name]
			if !known {
				return filter, wrongParameter("kind", "must be user, group or member, or several of them with commas between")
			}
			filter.Kinds |= kind
		}
	}
	if text, given := x.param("group"); given {
		if filter.Group, err = domain.ParseID[domain.Group](text); err != nil {
			return filter, wrongParameter("group", "must be a UUID")
		}
	}
	return filter, nil
}

// read fills a page, in the time that work on a request may take.
func (a *following) read(ctx context.Context, x *exchange, page []queries.Change, limit int) ([]queries.Change, error) {
	ctx, cancel := deadline.After(ctx, x.api.config.Timeout)
	defer cancel()
	return a.follower.Next(ctx, page, limit)
}

// goOn is read for who was answered, or has waited, already: only whose key is
// still good is told more.
func (a *following) goOn(ctx context.Context, x *exchange, page []queries.Change, limit int) ([]queries.Change, error) {
	if err := x.lasts(ctx, a.by); err != nil {
		return page, err
	}
	return a.read(ctx, x, page, limit)
}

// answerChanges answers with one page, after a wait if there is nothing to tell yet.
func (x *exchange) answerChanges(ctx context.Context, asked *following) error {
	page, err := asked.read(ctx, x, nil, asked.limit)
	if err != nil {
		return err
	}
	if len(page) > 0 || !asked.follower.Told() || asked.wait == 0 || x.r.Method == http.MethodHead {
		return x.sendChanges(asked, page)
	}
	until := time.Now().Add(asked.wait)
	poll := func(ctx context.Context) {
		if err := x.poll(ctx, asked, until); err != nil {
			x.fail(err)
		}
	}
	if !x.detach(poll) {
		poll(ctx)
	}
	return nil
}

// poll answers as soon as there is something to tell, at the latest at an instant.
func (x *exchange) poll(ctx context.Context, asked *following, until time.Time) error {
	defer x.api.metrics.follow(pollAnswer)()
	waiting, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	for {
		_ = asked.follower.Wait(waiting)
		if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errEnded) {
			return nil // the client has gone
		}
		page, err := asked.goOn(context.WithoutCancel(ctx), x, nil, asked.limit)
		if err != nil {
			return err
		}
		if len(page) > 0 || waiting.Err() != nil {
			return x.sendChanges(asked, page)
		}
	}
}

// sendChanges answers with a page.
func (x *exchange) sendChanges(asked *following, page []queries.Change) (err error) {
	if err := x.setConsistency(asked.follower.RestsOn()); err != nil {
		return err
	}
	x.Header()["Cache-Control"] = noStore
	out := append(x.out[:0], `{"items":[`...)
	for i := range page {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = appendChange(out, asked.follower, &page[i]); err != nil {
			return err
		}
	}
	next, err := asked.follower.Position()
	if err != nil {
		return err
	}
	out = append(out, `],"next":`...)
	x.out = append(appendString(out, next), '}')
	_ = http.NewResponseController(x.w).SetWriteDeadline(time.Now().Add(flushTime))
	x.send(http.StatusOK, jsonType)
	x.api.metrics.told(len(page))
	return nil
}

func appendChange(dst []byte, f *queries.Follower, change *queries.Change) ([]byte, error) {
	dst = append(dst, `{"position":"`...)
	dst, err := f.AppendPosition(dst, change)
	if err != nil {
		return dst, err
	}
	return append(appendState(append(dst, '"'), change), '}'), nil
}

func appendState(dst []byte, change *queries.Change) []byte {
	switch change.Kind {
	case queries.UserChange:
		dst = appendChangeHead(appendIDMember(dst, `,"kind":"user","id":"`, change.User.ID.UUID), change)
		if !change.Removed {
			dst = appendUser(append(dst, `,"user":`...), &change.User)
		}
	case queries.GroupChange:
		dst = appendChangeHead(appendIDMember(dst, `,"kind":"group","id":"`, change.Group.ID.UUID), change)
		if !change.Removed {
			dst = appendGroup(append(dst, `,"group":`...), &change.Group)
		}
	case queries.MemberChange:
		dst = appendUUID(append(dst, `,"kind":"member","id":"`...), change.Membership.Group.UUID)
		dst = appendChangeHead(appendIDMember(dst, `/`, change.Membership.Member), change)
		if !change.Removed {
			dst = appendMembership(append(dst, `,"member":`...), &change.Membership)
		}
	}
	return dst
}

func appendChangeHead(dst []byte, change *queries.Change) []byte {
	dst = strconv.AppendUint(append(dst, `,"seq":`...), uint64(change.Seq), 10)
	return strconv.AppendBool(append(dst, `,"removed":`...), change.Removed)
}
