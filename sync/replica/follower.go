package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/commitlines"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
)

// Source is the store that is followed.
type Source interface {
	// Events opens what there is behind a place, in lines; empty is the beginning.
	// Endless lines end when the source does or ctx; others when all was given that
	// there was when the call began. ErrRefused is an answer that stays until somebody
	// mends what is refused.
	Events(ctx context.Context, after string, endless bool) (io.ReadCloser, error)
	// Close has the source acknowledge nothing any more; when it returns, Events gives
	// everything that it ever acknowledged. Closing again does the same. It is asked for
	// only where Events gave what there is, and Notes met it.
	Close(ctx context.Context) error
}

// Notes remember how far a copy has got. Losing them costs time only.
type Notes interface {
	// Meet is told, at each connection, of which life of which store its events are,
	// and whether they come in order. An error that is ErrRefused says that this is not
	// the one that was followed before.
	Meet(ctx context.Context, epoch string, ordered bool) error
	// Place is the last that was noted, empty if none was.
	Place(ctx context.Context) (string, error)
	Note(ctx context.Context, place string) error
}

// ErrRefused tells that the source does not give its events to this copy until somebody
// mends what it refuses, here or there: a key, or that it lives another life.
var ErrRefused = errors.New("the followed store refuses")

// ErrOver tells that the copy is none any more: nothing is to be followed.
var ErrOver = errors.New("the copy has a life of its own")

// Follower brings what a source has into a store. Its methods may be called
// concurrently, but for Begin, Run and Finish, of which one may run at a time.
type Follower struct {
	source  Source
	streams *eventstream.Streams
	notes   Notes
	log     *slog.Logger

	place    string
	noted    time.Time
	ordered  bool
	arranger *transfer.Arranger
	// held is what the last connection that gave something, and ended, had not whole.
	held []eventstream.Position
	// passed are places, in order, before which something came that is still held.
	passed  []passed
	batch   [][]eventstream.Commit
	batched int // bytes
	// imported is when that was done last.
	imported time.Time

	// told is why following fails as it was logged last, at toldAt; empty while it works.
	told   string
	toldAt time.Time

	mu    sync.Mutex
	state State
}

// State is how a follower does.
type State struct {
	// Place is up to where the source's events were given.
	Place string
	// Transactions counts those that were given, Waiting those of them that came
	// before what they continue.
	Transactions uint64
	Waiting      int
	// Newest is the time of the newest commit that is here, if what came before is here
	// too: zero unless the source gives its events in order.
	Newest time.Time
	// Caught is the last instant up to which everything is here that the source had told
	// of by then; zero if there was none.
	Caught time.Time
	// Behind tells that something came since Caught.
	Behind bool
	// Err is why following fails, nil while it works.
	Err error
}

// New makes a follower that brings what a source has into a store that can import.
func New(source Source, streams *eventstream.Streams, notes Notes, log *slog.Logger) (*Follower, error) {
	if streams.Importer() == nil {
		return nil, errors.New("the store does not take commits of another one")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Follower{source: source, streams: streams, notes: notes, log: log}, nil
}

// State tells how the follower does.
func (f *Follower) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

func (f *Follower) update(change func(*State)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
}

// Pauses after a connection that failed.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
	// longestRefused is for a source that refuses: it may do so for days.
	longestRefused = time.Minute
)

// tellAgain is how often it is logged again that following fails.
const tellAgain = 5 * time.Minute

// Run follows until ctx ends. A source that is away is waited for, and one that refuses
// is asked again; Run fails when going on cannot help: what comes contradicts what is
// here, or the copy is none any more.
func (f *Follower) Run(ctx context.Context) error {
	return f.follow(ctx, nil)
}

// Begin follows until enough is here, such as what the copy needs to be opened as the
// directory that it is a copy of. It asks before the first connection, and whenever
// nothing that came waits to be imported. It fails when the source refuses.
func (f *Follower) Begin(ctx context.Context, enough func(context.Context) (bool, error)) error {
	err := f.follow(ctx, enough)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

// follow reads one connection after the other, until enough is there or ctx ends.
func (f *Follower) follow(ctx context.Context, enough func(context.Context) (bool, error)) error {
	for failures := 0; ; failures++ {
		came, err := f.connect(ctx, enough != nil, enough)
		if came {
			failures = 0
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errEnough):
			return nil
		case final(err), enough != nil && errors.Is(err, ErrRefused):
			f.update(func(s *State) { s.Err = err })
			return fmt.Errorf("follow another store: %w", err)
		}
		f.failing(err)
		longest := longestPause
		if errors.Is(err, ErrRefused) {
			longest = longestRefused
		}
		if pause(ctx, failures, longest) != nil {
			return nil
		}
	}
}

// pause waits after so many failures before, longer each time, and ends with ctx.
func pause(ctx context.Context, failures int, longest time.Duration) error {
	longest = min(firstPause<<min(failures, 10), longest)
	timer := time.NewTimer(longest/2 + rand.N(longest/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// failing notes why a connection ended; one that was ended in order is no failure. It
// is logged when the reason is another one, and again now and then.
func (f *Follower) failing(err error) {
	f.update(func(s *State) { s.Err = err })
	reason := ""
	switch {
	case errors.Is(err, ErrRefused):
		reason = err.Error()
	case err != nil:
		reason = "away" // its words may be others each time
	}
	switch {
	case reason != "" && (reason != f.told || time.Since(f.toldAt) >= tellAgain):
		f.log.Warn("following fails; it is tried again", "error", err)
		f.toldAt = time.Now()
	case reason == "" && f.told != "":
		f.log.Info("following works again")
	}
	f.told = reason
}

// final tells errors that stay, whatever is mended at the source.
func final(err error) bool { return contradicts(err) || errors.Is(err, ErrOver) }

var errEnough = errors.New("enough is here")

// connect reads what one connection gives, and tells whether anything came.
func (f *Follower) connect(ctx context.Context, ends bool, enough func(context.Context) (bool, error)) (came bool, err error) {
	if err := f.resume(ctx); err != nil {
		return false, err
	}
	if enough != nil {
		if is, err := enough(ctx); err != nil || is {
			return false, orEnough(err)
		}
	}
	body, err := f.source.Events(ctx, f.place, !ends)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	lines := commitlines.NewReader(body)
	for {
		line, err := lines.Next()
		if err != nil {
			if flushed := f.flush(ctx); flushed != nil || errors.Is(err, io.EOF) {
				return came, flushed
			}
			return came, fmt.Errorf("read what the followed store gives: %w", err)
		}
		if err := f.take(ctx, &line, lines.Due); err != nil {
			return came, err
		}
		if line.Header == nil && !came { // a header may be refused, or all there is
			came = true
			f.failing(nil)
		}
		if enough == nil || line.Checkpoint == nil {
			continue
		}
		if is, err := enough(ctx); err != nil || is {
			return came, orEnough(err)
		}
	}
}

func orEnough(err error) error {
	if err != nil {
		return err
	}
	return errEnough
}

// resume finds out where to go on. What was held is given again, but perhaps never what
// came whole and was not imported: who was told to stop could not.
func (f *Follower) resume(ctx context.Context) error {
	if err := f.flush(ctx); err != nil && !contradicts(err) {
		return err
	}
	if f.arranger != nil && f.arranger.Added() > 0 {
		f.held = f.arranger.Held()
	}
	f.arranger, f.passed = transfer.NewArranger(f.streams.Head), nil
	f.batch, f.batched, f.imported = nil, 0, time.Now()
	place, err := f.notes.Place(ctx)
	if err != nil {
		return fmt.Errorf("read how far the copy has got: %w", err)
	}
	f.place, f.noted = place, time.Time{}
	f.update(func(s *State) { s.Place, s.Waiting = place, 0 })
	return nil
}
