package httpapi_test

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
	"github.com/seed5b6a70b4/identity/httpapi"
)

// slowEvents gives one transaction, and then nothing for as long as it may take.
type slowEvents struct{ transfer.Source }

func (s slowEvents) After(ctx context.Context, place eventstream.Mark) iter.Seq2[transfer.Step, error] {
	return func(yield func(transfer.Step, error) bool) {
		for step, err := range s.Source.After(ctx, place) {
			if !yield(step, err) {
				return
			}
			break
		}
		<-ctx.Done()
		yield(transfer.Step{}, eventstream.ErrUnavailable)
	}
}

// A page of commits that takes too long is what was reached in time, with the place to
// go on from.
func TestPageOfEventsIsWhatWasReached(t *testing.T) {
	d := newDirectory(t, wiring{noSearch: true})
	handler := d.handler(t, func(c *httpapi.Config) { c.Events, c.Timeout = slowEvents{d.events}, 10*time.Second })
	answer := ask(handler, http.MethodGet, "/events", "")
	var page struct {
		Items []json.RawMessage
		Next  string
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &page); err != nil || answer.Code != http.StatusOK || len(page.Items) != 1 || page.Next == "" {
		t.Fatalf("status %d: %s: %v", answer.Code, answer.Body, err)
	}
}

// emptyEvents goes on, without anything to give, for as long as it may, and some steps
// at a time.
type emptyEvents struct {
	transfer.Source
	steps int
}

func (e *emptyEvents) After(ctx context.Context, place eventstream.Mark) iter.Seq2[transfer.Step, error] {
	return func(yield func(transfer.Step, error) bool) {
		from := place.At.Seq(eventstream.LogStream)
		for i := range e.steps {
			at := eventstream.NewToken(eventstream.Position{Stream: eventstream.LogStream, Seq: from + eventstream.Seq(i) + 1})
			if !yield(transfer.Step{Next: eventstream.Mark{At: at}}, nil) {
				return
			}
		}
		<-ctx.Done()
		yield(transfer.Step{}, ctx.Err())
	}
}

// A page of commits that finds nothing to give in time tells how far it looked, so that
// whoever asks again gets on; one that does not get on fails.
func TestPageOfEventsGetsOn(t *testing.T) {
	d := newDirectory(t, wiring{noSearch: true})
	events := &emptyEvents{Source: d.events, steps: 3}
	handler := d.handler(t, func(c *httpapi.Config) { c.Events, c.Timeout = events, 2*time.Second })
	for after, page := "", 1; page <= 2; page++ {
		path := "/events"
		if after != "" {
			path += "?after=" + after
		}
		answer := ask(handler, http.MethodGet, path, "")
		var given struct {
			Items []json.RawMessage
			Next  string
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &given); err != nil || answer.Code != http.StatusOK || given.Items == nil || len(given.Items) > 0 {
			t.Fatalf("status %d: %s: %v", answer.Code, answer.Body, err)
		}
		place, err := eventstream.DecodeMark(given.Next, d.of.Epoch)
		if err != nil || place.At.Seq(eventstream.LogStream) != eventstream.Seq(3*page) {
			t.Fatalf("it has got to %v, %v", place, err)
		}
		after = given.Next
	}
	events.steps = 0
	if answer := ask(handler, http.MethodGet, "/events", ""); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("a page that does not get on is answered %d: %s", answer.Code, answer.Body)
	}
}

// barren gives nothing for a long time, but gets on.
type barren struct{ transfer.Source }

func (barren) After(_ context.Context, place eventstream.Mark) iter.Seq2[transfer.Step, error] {
	return func(yield func(transfer.Step, error) bool) {
		from := place.At.Seq(eventstream.LogStream)
		for i := range eventstream.Seq(10) {
			time.Sleep(beat / 3)
			at := eventstream.NewToken(eventstream.Position{Stream: eventstream.LogStream, Seq: from + i + 1})
			if !yield(transfer.Step{Next: eventstream.Mark{At: at}}, nil) {
				return
			}
		}
	}
}

// beat is how often an answer in lines shows that it goes on.
const beat = 15 * time.Second

// An answer in lines tells how far it has got though it finds nothing to give, so that
// whoever reads it does not take it for dead, and gets on when it breaks.
func TestLinesOfEventsGetOn(t *testing.T) {
	d := newDirectory(t, wiring{noSearch: true})
	synctest.Test(t, func(t *testing.T) {
		handler := d.handler(t, func(c *httpapi.Config) { c.Events = barren{d.events} })
		answer := ask(handler, http.MethodGet, "/events", "", "Accept", "application/x-ndjson")
		lines, told := commitlines.NewReader(answer.Body), 0
		for last := eventstream.Seq(0); ; {
			line, err := lines.Next()
			if err != nil {
				t.Fatalf("line %d: %v", lines.Lines(), err)
			}
			if line.Checkpoint == nil {
				continue
			}
			place, err := eventstream.DecodeMark(line.Checkpoint.After, d.of.Epoch)
			at := place.At.Seq(eventstream.LogStream)
			if err != nil || at < last {
				t.Fatalf("at %d behind %d, %v", at, last, err)
			}
			last = at
			if at != 10 && !lines.Due { // it would be taken for all that there is
				t.Errorf("at %d there seems to be no more", at)
			}
			if line.Checkpoint.End {
				break
			}
			told++
		}
		if told != 3 {
			t.Errorf("it told its place %d times", told)
		}
	})
}
