package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
	"github.com/seed5b6a70b4/identity/internal/deadline"
	"github.com/seed5b6a70b4/identity/queries"
)

var eventsQuery = []parameter{
	{name: "after", description: "A place, as an earlier answer told it: what was given up to there is not given again. Without one, everything is given from the beginning.", schema: text("", eventstream.MaxMarkBytes)},
	{name: "limit", description: "How many transactions a page of JSON has at most. Lines have no pages, and so no limit.", schema: integerWithin(1, queries.MaxLimit, queries.DefaultLimit), example: 100},
	{name: "wait", description: "How long a page waits until there is something to give, in seconds, at most `60s`. With NDJSON: the answer does not end.", schema: text("", 0), example: "30s"},
}

// eventRoutes are there where the commits can be given.
func (a *api) eventRoutes() []route {
	if a.config.Events == nil {
		return nil
	}
	return []route{{
		method: http.MethodGet, path: "/events", scope: domain.AdminScope, id: "getEvents", tag: "events",
		summary: "Every commit, as it is stored, in an order in which a copy can be made", query: eventsQuery,
		description: "Each item is a transaction: the commits of one command, in all the streams that it wrote to, with their hashes. On the embedded store each comes once, behind all " +
			"that it continues; elsewhere it may come again, and before what it continues: whoever makes a copy keeps it until that has come. " +
			"A page without items is the end only if its `next` is the `after` that was asked with: else it is how far the looking has got.\n\n" +
			"With `Accept: application/x-ndjson` the answer is in the format of exported files: a header, a line for each transaction, and now and then, and at the end, a checkpoint that " +
			"tells the place and checks all before it; with `more`, it is on the way to what there is already. With `wait` it does not end, and checkpoints show that it goes on.",
		answers: []answer{{
			status: http.StatusOK, text: "Transactions.", schema: "TransactionPage", example: transactionPageExample,
			more: []content{{media: ndjsonType[0], schema: "Any"}},
		}},
		streams: true, serve: getEvents,
	}}
}

// giving is what a request for commits asks for.
type giving struct {
	after string
	place eventstream.Mark
	limit int
	wait  time.Duration
	by    *standing
}

func getEvents(ctx context.Context, x *exchange) (err error) {
	asked := &giving{limit: queries.DefaultLimit, by: x.by.standing()}
	if limit := x.numberParam("limit"); limit > 0 {
		asked.limit = int(limit)
	}
	if text, given := x.param("wait"); given {
		if asked.wait, err = parseSeconds(text); err != nil {
			return wrongParameter("wait", "must be seconds, as 30s, at most 60s")
		}
	}
	if asked.after, _ = x.param("after"); asked.after != "" {
		if asked.place, err = eventstream.DecodeMark(asked.after, x.api.config.Epoch); err != nil {
			return err
		}
	}
	if x.wantsLines() {
		return x.streamEvents(ctx, asked)
	}
	return x.answerEvents(ctx, asked)
}

// answerEvents answers with one page, after a wait if there is nothing to give yet.
func (x *exchange) answerEvents(ctx context.Context, asked *giving) error {
	waiting, cancel := context.WithTimeout(ctx, asked.wait)
	defer cancel()
	for {
		count, err := x.fillEvents(ctx, asked)
		if err != nil {
			return err
		}
		if count > 0 || waiting.Err() != nil || x.r.Method == http.MethodHead {
			break
		}
		if err := x.api.config.Events.Wait(waiting, asked.place); err != nil && waiting.Err() == nil {
			return err
		}
		if err := x.lasts(ctx, asked.by); err != nil {
			return err
		}
	}
	x.Header()["Cache-Control"] = noStore
	_ = http.NewResponseController(x.w).SetWriteDeadline(time.Now().Add(flushTime))
	x.send(http.StatusOK, jsonType)
	return nil
}

// fillEvents writes a page and goes to the place behind it.
func (x *exchange) fillEvents(ctx context.Context, asked *giving) (count int, err error) {
	ctx, cancel := deadline.After(context.WithoutCancel(ctx), x.api.config.Timeout/2)
	defer cancel()
	x.out = append(x.out[:0], `{"items":[`...)
	moved := false
	for step, err := range x.api.config.Events.After(ctx, asked.place) {
		if err != nil && moved && ctx.Err() != nil {
			break // what was reached in time is a page, also if there was nothing to give
		}
		if err != nil {
			return 0, err
		}
		asked.place, moved = step.Next, true
		if step.Transaction == nil {
			continue
		}
		if count > 0 {
			x.out = append(x.out, ',')
		}
		x.out = append(commitlines.AppendObject(x.out, step.Transaction, ""), '}')
		if count++; count == asked.limit || len(x.out) > maxEventPage {
			break
		}
	}
	x.out = append(x.out, `],"next":"`...)
	x.out, err = asked.place.AppendEncode(x.out, x.api.config.Epoch)
	x.out = append(x.out, `"}`...)
	return count, err
}

// maxEventPage is after how many bytes a page ends, however few transactions it has.
const maxEventPage = 4 << 20

// eventLines writes an answer in lines, which begins with what there is to give.
type eventLines struct {
	x      *exchange
	asked  *giving
	lines  *commitlines.Writer
	silent bool // HEAD
	// told is when a place was told last, or the answer begun; flushed when something
	// was sent last.
	told, flushed time.Time
}

// Write implements io.Writer for the lines.
func (l *eventLines) Write(line []byte) (int, error) {
	l.x.out = append(l.x.out, line...)
	if len(l.x.out) < eventFlush {
		return len(line), nil
	}
	l.flushed = time.Now()
	return len(line), l.x.flush()
}

// What is sent at once: so much, or what there is after so long. A store that is slow to
// read from would fill the first for minutes, and whoever follows would give it up for
// dead.
const (
	eventFlush      = 256 << 10
	eventFlushAfter = time.Second
)

// flushLate sends what has waited for long enough.
func (l *eventLines) flushLate() error {
	if len(l.x.out) == 0 || time.Since(l.flushed) < eventFlushAfter {
		return nil
	}
	l.flushed = time.Now()
	return l.x.flush()
}

func (x *exchange) streamEvents(ctx context.Context, asked *giving) error {
	l := &eventLines{x: x, asked: asked}
	for {
		err := l.giveAll(ctx)
		if err == nil {
			err = l.rest(ctx)
		}
		switch {
		case l.silent:
			return nil
		case err != nil && l.lines == nil:
			return err // nothing was begun
		case err != nil:
			x.abandon(err)
		case asked.wait == 0 || ctx.Err() != nil:
			return nil
		}
	}
}

// giveAll writes whatever there is.
func (l *eventLines) giveAll(ctx context.Context) error {
	for step, err := range l.x.api.config.Events.After(ctx, l.asked.place) {
		if err == nil {
			err = l.begin()
		}
		if err != nil || l.silent {
			return err
		}
		due := false
		if step.Transaction != nil {
			due, err = l.lines.Transaction(step.Transaction)
		}
		if err != nil {
			return err
		}
		l.asked.place = step.Next
		if err := l.flushLate(); err != nil {
			return err
		}
		// Late, if what is gone over has little to give.
		if late := time.Since(l.told) >= beatEvery; due || late {
			if err := l.tell(ctx, late); err != nil {
				return err
			}
		}
	}
	return l.begin()
}

// tell tells the place on the way, at once if asked to.
func (l *eventLines) tell(ctx context.Context, now bool) error {
	if err := l.mark(l.lines.Pass); err != nil {
		return err
	}
	if now {
		if err := l.x.flush(); err != nil {
			return err
		}
	}
	return l.x.lasts(ctx, l.asked.by)
}

// begin begins the answer, once.
func (l *eventLines) begin() (err error) {
	if l.lines != nil || l.silent {
		return nil
	}
	if l.silent = !l.x.startStream(ndjsonType); l.silent {
		return nil
	}
	l.x.out, l.told, l.flushed = l.x.out[:0], time.Now(), time.Now()
	l.lines, err = commitlines.NewWriter(l, &commitlines.Header{Epoch: l.x.api.config.Epoch.String(), After: l.asked.after, Ordered: l.x.api.config.Events.Ordered()})
	return err
}

// rest tells the place when all was given, and waits for more if the answer goes on.
func (l *eventLines) rest(ctx context.Context) error {
	if l.silent {
		return nil
	}
	endless := l.asked.wait > 0
	err := l.mark(func(place string) error { return l.lines.Checkpoint(place, !endless) })
	if err != nil {
		return err
	}
	if err := l.x.flush(); err != nil || !endless {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	if err := l.x.api.config.Events.Wait(waiting, l.asked.place); err != nil && !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return err
	}
	return l.x.lasts(ctx, l.asked.by)
}

// mark has a checkpoint tell the place.
func (l *eventLines) mark(checkpoint func(place string) error) error {
	place, err := l.asked.place.AppendEncode(nil, l.x.api.config.Epoch)
	if err != nil {
		return err
	}
	l.told = time.Now()
	return checkpoint(string(place))
}
