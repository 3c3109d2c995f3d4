package httpapi_test

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
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
	handler := d.handler(t, func(c *httpapi.Config) { c.Events, c.Timeout = slowEvents{d.events}, 2*time.Second })
	answer := ask(handler, http.MethodGet, "/events", "")
	var page struct {
		Items []json.RawMessage
		Next  string
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &page); err != nil || answer.Code != http.StatusOK || len(page.Items) != 1 || page.Next == "" {
		t.Fatalf("status %d: %s: %v", answer.Code, answer.Body, err)
	}
}
