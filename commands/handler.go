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
	d := doing{handler: h, request: request, command: command}
	defer d.turn.end()
	d.begin(ctx)
	return d.end()
}

// doing is a command from its beginning to its end.
type doing struct {
	handler *Handler
	request Request
	command Command

	ctx     context.Context
	watched func(*Result, error)
	turn    turn
	// decided is what the last attempt came to, or past what the request did when it
	// was made before.
	decided  decision
	past     *recollection
	underway eventstream.Underway
	refused  error // that it was not even begun
}

// begin decides what the command writes, without waiting until it is written if the
// store is an eventstream.Queue. It must be ended.
func (d *doing) begin(ctx context.Context) {
	h := d.handler
	d.ctx, d.watched = h.watch(ctx, d.command)
	if h.follower {
		d.refused = ErrFollower
		return
	}
	d.underway = h.reader.streams.Begin(d.ctx, eventstream.Attribution{Actor: d.request.Actor, Correlation: d.request.Correlation}, d.decide)
}

// await waits until what was decided is written, and tells whether that is all that
// has to be waited for: if not, ending the command decides it again.
func (d *doing) await() bool { return d.refused != nil || d.underway.Await(d.ctx) }

// end gives what came of the command. Whoever waits for its turn can go on.
func (d *doing) end() (Result, error) {
	result, err := d.result()
	d.turn.end()
	result.detach()
	d.watched(&result, err)
	return result, err
}

func (d *doing) result() (Result, error) {
	if d.refused != nil {
		return Result{}, d.refused
	}
	commits, err := d.underway.End(d.ctx)
	if err == nil && len(commits) > 0 {
		err = d.handler.fence.acknowledge(d.ctx)
	}
	switch {
	case err != nil:
		return Result{}, err
	case d.past != nil:
		return d.past.result(d.ctx, d.handler, d.command)
	default:
		return d.decided.result(commits)
	}
}

// decide is one attempt. It implements eventstream.Decide.
func (d *doing) decide(ctx context.Context, id uuid.UUID) (entries []eventstream.Entry, err error) {
	h := d.handler
	d.turn.attempts++
	if err := h.fence.pass(ctx); err != nil {
		return nil, err
	}
	if d.past, err = h.recollect(ctx, &d.request); err != nil || d.past != nil {
		return nil, err
	}
	c := circumstances{
		now: h.now().UTC(), command: id, actor: d.request.Actor,
		quarantine: h.quarantine, directory: &h.reader.directory, turn: &d.turn,
	}
	if d.decided, err = d.command.attempt(ctx, h, &c); err != nil {
		// What is in the way may be the doing of a request with the key, done since.
		var asking error
		if d.past, asking = h.recollect(ctx, &d.request); d.past != nil || errors.Is(asking, domain.Mismatch) {
			return nil, asking
		}
		return nil, err
	}
	if entries, err = d.decided.entries(); err != nil {
		return nil, err
	}
	entries, err = h.remember(&d.request, &d.decided, entries)
	return h.fence.hold(entries), err
}

// result completes a decision's answer with its tokens.
func (d *decision) result(commits []eventstream.Commit) (Result, error) {
	result, err := d.answer(commits)
	if err != nil {
		return Result{}, err
	}
	result.Entity = eventstream.NewToken(d.shows...)
	wrote := append(append(make([]eventstream.Position, 0, 8), result.Wrote...), result.Entity...)
	if result.Changed {
		wrote = appendWritten(wrote, &commits[0])
	}
	if result.Wrote = nil; len(wrote) > 0 {
		result.Wrote = eventstream.NewToken(wrote...)
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
