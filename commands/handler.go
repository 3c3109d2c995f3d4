package commands

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Options adjust a Handler. The zero value is good.
type Options struct {
	// Quarantine is how long a released unique value is kept from everybody but
	// its last owner; DefaultQuarantine if nil.
	Quarantine *time.Duration
	// Now is the clock that quarantines are judged by; time.Now if nil.
	Now func() time.Time
	// Random is where the secrets of API keys come from; crypto/rand if nil.
	Random io.Reader
	// Kept is how many users and groups are kept folded, so that changing one does
	// not replay its history; 4096 if zero.
	Kept int
	// Tracer makes a span of every command; the global provider if nil.
	Tracer trace.TracerProvider
	// OnCommand is told of every command: its name, what came of it (an Outcome)
	// and how long it took. Nil tells nobody.
	OnCommand func(name string, outcome Outcome, took time.Duration)
	// Follower refuses every command with ErrFollower: the store follows another.
	Follower bool
}

// DefaultQuarantine is how long a released unique value is kept from others,
// unless told otherwise.
const DefaultQuarantine = 30 * 24 * time.Hour

// Handler does commands. It may be used concurrently.
type Handler struct {
	reader     reader
	nesting    nesting
	entities   *lanes
	fence      fence
	follower   bool
	quarantine time.Duration
	now        func() time.Time
	random     io.Reader
	tracer     trace.Tracer
	onCommand  func(string, Outcome, time.Duration)
}

// New makes a Handler for a directory over its streams. Nil options are the zero
// Options.
func New(streams *eventstream.Streams, directory Directory, options *Options) *Handler {
	var o Options
	if options != nil {
		o = *options
	}
	h := &Handler{quarantine: DefaultQuarantine, now: o.Now, random: o.Random, onCommand: o.OnCommand, follower: o.Follower}
	if o.Quarantine != nil {
		h.quarantine = *o.Quarantine
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.random == nil {
		h.random = rand.Reader
	}
	if o.Tracer == nil {
		o.Tracer = otel.GetTracerProvider()
	}
	h.tracer = o.Tracer.Tracer("github.com/seed5b6a70b4/identity/commands")
	if o.Kept <= 0 {
		o.Kept = 4096
	}
	kept, _ := lru.New[eventstream.StreamID, folded](o.Kept) // fails for a size below 1 only
	h.reader = reader{streams: streams, directory: directory, folded: kept}
	h.nesting.streams, h.nesting.lane, h.entities = streams, newLane(), newLanes()
	h.fence.streams, h.fence.epoch = streams, directory.Epoch
	return h
}

// Do decides what a command writes and writes it, whole and durable, or refuses
// it with an error that is a domain.Kind; a condition that does not hold is a
// *StaleError. Where another store takes the commands it is ErrFollower or
// ErrStoreClosed. If another command was first, it is decided again on the new
// state. Other errors are faults: eventstream.ErrConflict if others were first
// too often, and those of the store; with eventstream.ErrUnknownOutcome the
// command may have been done.
func (h *Handler) Do(ctx context.Context, request Request, command Command) (Result, error) {
	ctx, done := h.watch(ctx, command)
	result, err := h.do(ctx, request, command)
	result.detach()
	done(&result, err)
	return result, err
}

func (h *Handler) do(ctx context.Context, request Request, command Command) (Result, error) {
	if h.follower {
		return Result{}, ErrFollower
	}
	var decided decision
	var past *recollection
	var turn turn
	defer turn.end()
	by := eventstream.Attribution{Actor: request.Actor, Correlation: request.Correlation}
	decide := func(ctx context.Context, id uuid.UUID) (entries []eventstream.Entry, err error) {
		turn.attempts++
		if err := h.fence.pass(ctx); err != nil {
			return nil, err
		}
		if past, err = h.recollect(ctx, &request); err != nil || past != nil {
			return nil, err
		}
		c := circumstances{
			now: h.now().UTC(), command: id, actor: request.Actor,
			quarantine: h.quarantine, directory: &h.reader.directory, turn: &turn,
		}
		if decided, err = command.attempt(ctx, h, &c); err != nil {
			// What is in the way may be the doing of a request with the key, done since.
			var asking error
			if past, asking = h.recollect(ctx, &request); past != nil || errors.Is(asking, domain.Mismatch) {
				return nil, asking
			}
			return nil, err
		}
		if entries, err = decided.entries(); err != nil {
			return nil, err
		}
		entries, err = h.remember(&request, &decided, entries)
		return h.fence.hold(entries), err
	}
	commits, err := h.reader.streams.Transact(ctx, by, decide)
	if err == nil && len(commits) > 0 {
		err = h.fence.acknowledge(ctx)
	}
	switch {
	case err != nil:
		return Result{}, err
	case past != nil:
		return past.result(ctx, h, command)
	default:
		return decided.result(commits)
	}
}

// result completes a decision's answer with its tokens.
func (d *decision) result(commits []eventstream.Commit) (Result, error) {
	result, err := d.answer(commits)
	if err != nil {
		return Result{}, err
	}
	result.Entity = eventstream.NewToken(d.shows...)
	result.Wrote = result.Wrote.Merge(result.Entity)
	if result.Changed {
		result.Wrote = result.Wrote.Merge(written(&commits[0]))
	}
	return result, nil
}

// detach gives the caller maps of its own: entities that are kept share theirs.
func (r *Result) detach() {
	if r.User != nil {
		r.User.Attributes = maps.Clone(r.User.Attributes)
	}
	if r.Group != nil {
		r.Group.Attributes = maps.Clone(r.Group.Attributes)
	}
}
