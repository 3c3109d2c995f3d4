package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
)

const (
	// maxItems is how many items one batch has at most.
	maxItems = 1000
	// batchWidth is how many items of one batch are done at a time, so that many
	// share a sync, or a transaction of their shard.
	batchWidth = 128
	// maxBatches is how many batches are held in memory at a time.
	maxBatches = 32
)

// gate lets so many in at a time.
type gate chan struct{}

// enter waits for its turn; leave must follow if there is no error.
func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return tooBusy()
	}
}

// tryEnter is enter without waiting.
func (g gate) tryEnter() error {
	select {
	case g <- struct{}{}:
		return nil
	default:
		return tooBusy()
	}
}

func (g gate) leave() { <-g }

func tooBusy() error {
	p := refuse(http.StatusServiceUnavailable, "unavailable", "as many requests of this kind as are taken at a time are under way")
	p.retryAfter = 1
	return p
}

// changeUsers does a batch, or a stream of items. Each item is a command of its own: it is done or
// refused whole, whatever becomes of the others.
func changeUsers(ctx context.Context, x *exchange) error {
	if err := x.refuseOnceKey(); err != nil {
		return err
	}
	if err := x.checkMediaType(batchTypes); err != nil {
		return err
	}
	if err := x.validateTokens(ctx); err != nil {
		return err
	}
	if x.sendsLines() {
		return streamUsers(ctx, x)
	}
	if err := x.api.batches.enter(ctx); err != nil {
		return err
	}
	defer x.api.batches.leave()
	items, err := x.beginBatch(ctx)
	if err != nil {
		return err
	}
	var faults faultLog
	x.out = append(x.out[:0], `{"items":[`...)
	for i := range items {
		if i > 0 {
			x.out = append(x.out, ',')
		}
		x.out = x.appendItem(x.out, &items[i], &faults)
	}
	x.out = append(x.out, `]}`...)
	x.send(http.StatusOK, jsonType)
	return nil
}

// refuseOnceKey refuses an idempotency key: it would be one for many commands.
func (x *exchange) refuseOnceKey() error {
	if x.r.Header[string(idempotencyKey)] == nil {
		return nil
	}
	return invalid(fieldError{pointer: "/" + string(idempotencyKey), in: "header", detail: "is not understood here; a user that brings its id is created once"})
}

// beginBatch reads the batch and does its items. All of them are done when it
// returns: the envelope is read whole before the first is begun, so a batch that
// is refused did nothing.
func (x *exchange) beginBatch(ctx context.Context) ([]batchItem, error) {
	b := bodies.Get().(*body)
	defer b.release()
	if err := b.readUpTo(x, x.api.config.MaxBatch); err != nil {
		return nil, err
	}
	texts, err := b.parseBatch()
	if err != nil {
		return nil, err
	}
	series := x.api.config.Commands.NewSeries(batchWidth, x.api.config.Timeout)
	defer series.Close()
	request := commands.Request{Actor: x.by.actor, Correlation: x.correlation(ctx)}
	items := make([]batchItem, len(texts))
	for i, text := range texts {
		items[i] = x.beginItem(ctx, series, request, text)
	}
	return items, nil
}

// beginItem reads an item and begins it.
func (x *exchange) beginItem(ctx context.Context, series *commands.Series, request commands.Request, text jsontext.Value) batchItem {
	command, err := x.api.readItem(text)
	if err != nil {
		return batchItem{err: err}
	}
	_, created := command.(commands.CreateUser)
	return batchItem{created: created, underway: series.Add(ctx, request, command)}
}

// parseBatch gives the texts of the items, which are parts of the body.
func (b *body) parseBatch() ([]jsontext.Value, error) {
	var texts []jsontext.Value
	given := false
	err := b.parse(func(b *body, name string, value jsontext.Value) {
		if name != "items" {
			b.unknown("", name)
			return
		}
		given = true
		_ = b.elements("/items", value, func(_ int, text jsontext.Value) {
			if len(texts) <= maxItems {
				texts = append(texts, text)
			}
		})
	}, func(b *body) {
		switch {
		case !given:
			b.wrong("/items", isRequired)
		case len(texts) > maxItems:
			b.wrong("/items", fmt.Sprintf("must have at most %d items", maxItems))
		}
	})
	return texts, err
}

// withinUser moves the pointers of a refusal into an item: commands name the
// fields of the user.
func withinUser(err error) error {
	p := asProblem(err)
	for i := range p.errors {
		if p.errors[i].in == "" {
			p.errors[i].pointer = userPointer + p.errors[i].pointer
		}
	}
	return p
}

// appendItem writes the problem as an item's result, of which the beginning is
// there.
func (p *problem) appendItem(dst []byte, epoch eventstream.Epoch) []byte {
	dst = append(dst, `"status":`...)
	dst = strconv.AppendInt(dst, int64(p.status), 10)
	dst = append(dst, `,"code":`...)
	dst = appendString(dst, p.code)
	dst = append(dst, `,"detail":`...)
	dst = appendString(dst, p.detail)
	if p.current != nil {
		if text, err := p.current.Encode(epoch); err == nil {
			dst = append(dst, `,"etag":"\"`...)
			dst = append(dst, text...)
			dst = append(dst, `\""`...)
		}
	}
	if p.retryAfter > 0 {
		dst = append(dst, `,"retryAfter":`...)
		dst = strconv.AppendInt(dst, int64(p.retryAfter), 10)
	}
	dst = p.appendExtras(dst)
	return append(dst, '}')
}
