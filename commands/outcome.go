package commands

import (
	"context"
	"errors"
	"reflect"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Outcome says what came of a command, in one of few words, so that it can be a
// label of a metric. Of a refusal it is the domain.Kind's.
type Outcome string

// The outcomes that are no refusal.
const (
	Written     Outcome = "written"
	Unchanged   Outcome = "unchanged"
	Repeated    Outcome = "repeated"
	Conflict    Outcome = "conflict"    // others were first too often
	Canceled    Outcome = "canceled"    // the caller went away, or its time was up
	Unavailable Outcome = "unavailable" // the store cannot serve
	Failed      Outcome = "failed"      // a fault that should not be
)

func outcomeOf(result *Result, err error) Outcome {
	var kind domain.Kind
	switch {
	case errors.As(err, &kind):
		return Outcome(kind)
	case errors.Is(err, eventstream.ErrConflict):
		return Conflict
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Canceled
	case errors.Is(err, eventstream.ErrUnavailable):
		return Unavailable
	case err != nil:
		return Failed
	case result.Repeated:
		return Repeated
	case result.Changed:
		return Written
	default:
		return Unchanged
	}
}

// watch begins the span of a command; done ends it and tells OnCommand.
func (h *Handler) watch(ctx context.Context, command Command) (_ context.Context, done func(*Result, error)) {
	name := reflect.TypeOf(command).Name()
	began := time.Now()
	ctx, span := h.tracer.Start(ctx, "commands."+name)
	return ctx, func(result *Result, err error) {
		outcome := outcomeOf(result, err)
		if span.IsRecording() {
			span.SetAttributes(attribute.String("identity.outcome", string(outcome)))
			if outcome == Failed || outcome == Unavailable {
				span.SetStatus(codes.Error, string(outcome))
			}
		}
		span.End()
		if h.onCommand != nil {
			h.onCommand(name, outcome, time.Since(began))
		}
	}
}
