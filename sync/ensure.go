package querysync

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Ensure returns once the view shows the stream at the number or later. It is
// bounded by ctx, and fails with an error that is ErrBehind when that ended
// first, ErrUnknownPosition when the store has no such commit, or ErrParked when
// the stream is parked in the view.
//
// eventstream.LogStream stands for everything that the log holds up to the
// position: applied, or parked. users/{n} and groups/{n} stand for every entity
// that they name up to the number, parked ones included. Other streams that the
// view does not show are satisfied.
func (s *Synchroniser) Ensure(ctx context.Context, view View, stream eventstream.StreamID, minSeq eventstream.Seq) error {
	f, err := s.following(view)
	if err != nil {
		return err
	}
	return f.ensure(ctx, stream, minSeq)
}

func (f *follower) ensure(ctx context.Context, stream eventstream.StreamID, minSeq eventstream.Seq) error {
	if f.view.Shows(stream) {
		seq, err := f.view.Seq(ctx, stream)
		if err == nil && seq >= minSeq {
			f.metrics.waits.already.Inc()
			return nil
		}
		if err != nil || f.positioned != nil {
			seq = unread // where rows are in memory, looking again is cheaper than the store
		}
		return f.forced(func() error { return f.forceFrom(ctx, eventstream.Position{Stream: stream, Seq: seq}, minSeq) })
	}
	switch {
	case stream == eventstream.LogStream:
		if f.positioned != nil && f.positioned.Applied() >= uint64(minSeq) {
			f.metrics.waits.already.Inc()
			return nil
		}
		return f.forced(func() error { return f.reach(ctx, uint64(minSeq)) })
	case isShard(stream):
		if f.shards.seq(stream) >= minSeq && !f.parked.any() {
			f.metrics.waits.already.Inc()
			return nil
		}
		return f.forced(func() error { return f.ensureShard(ctx, stream, minSeq) })
	}
	return nil
}

// forced counts a wait and its outcome.
func (f *follower) forced(wait func() error) error {
	began := time.Now()
	err := wait()
	f.metrics.waits.count(err, time.Since(began))
	return err
}

// force is Ensure for one stream that the view shows.
func (f *follower) force(ctx context.Context, stream eventstream.StreamID, minSeq eventstream.Seq) error {
	return f.forceFrom(ctx, eventstream.Position{Stream: stream, Seq: unread}, minSeq)
}

// forceFrom is force for a row that was last seen at a number.
func (f *follower) forceFrom(ctx context.Context, seen eventstream.Position, minSeq eventstream.Seq) error {
	stream := seen.Stream
	for attempt := 1; ; attempt++ {
		_, err := f.bringFrom(ctx, seen, minSeq, false)
		seen.Seq = unread
		switch {
		case err == nil || errors.Is(err, ErrUnknownPosition):
			return err
		case errors.Is(err, ErrParked):
			return f.unknownOr(ctx, stream, minSeq, err)
		case !isPassing(err):
			return err
		}
		if pauseErr := pause(ctx, attempt); pauseErr != nil {
			return fmt.Errorf("%w: %w", ErrBehind, err)
		}
	}
}

// unknownOr tells a position that does not exist from one that is held up.
func (f *follower) unknownOr(ctx context.Context, stream eventstream.StreamID, minSeq eventstream.Seq, err error) error {
	if last, lastErr := f.s.streams.Last(ctx, stream); lastErr == nil && last.Seq < minSeq {
		return ErrUnknownPosition
	}
	return err
}

// pause waits a little, at random, before a further attempt; longer for a later
// one. It fails when ctx ends first.
func pause(ctx context.Context, attempt int) error {
	timer := time.NewTimer(rand.N(time.Millisecond << min(attempt, 7)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// isPassing tells whether an error says nothing about what is stored, only about
// when it was asked for.
func isPassing(err error) bool {
	return errors.Is(err, eventstream.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// within makes an error that came when ctx had ended a passing one, whatever it
// says: the cause of that may be anything.
func within(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || isPassing(err) || errors.Is(err, eventstream.ErrMoved) {
		return err
	}
	return fmt.Errorf("%w: %s", ctx.Err(), err.Error())
}

// bring moves a row to the number or beyond, reading the store from where the
// row stands, and tells how many commits it applied. It parks the stream at a
// commit that cannot be applied, and answers ErrParked for it from then on,
// unless it is a retry.
func (f *follower) bring(ctx context.Context, stream eventstream.StreamID, minSeq eventstream.Seq, retry bool) (applied int, err error) {
	return f.bringFrom(ctx, eventstream.Position{Stream: stream, Seq: unread}, minSeq, retry)
}

// unread is where a row is that was not looked at.
const unread eventstream.Seq = math.MaxUint64

// bringFrom is bring for a row that was last seen at a number.
func (f *follower) bringFrom(ctx context.Context, seen eventstream.Position, minSeq eventstream.Seq, retry bool) (applied int, err error) {
	stream, row := seen.Stream, seen.Seq
	release, waited, err := f.turns.take(ctx, stream)
	if err != nil {
		return 0, err
	}
	defer release()
	if waited {
		row = unread // whoever was first has moved it
	}
	for {
		if err := ctx.Err(); err != nil {
			return applied, err
		}
		if row == unread {
			if row, err = f.view.Seq(ctx, stream); err != nil {
				return applied, fmt.Errorf("read where the row is: %w", err)
			}
		}
		switch {
		case row >= minSeq:
			return applied, nil
		case f.parked.holds(stream, row) && !retry:
			return applied, ErrParked
		}
		n, err := f.step(ctx, stream, row)
		applied += n
		switch {
		case errors.Is(err, eventstream.ErrMoved):
			row = unread
		case err != nil:
			return applied, err
		case n == 0:
			return applied, ErrUnknownPosition
		default:
			row += eventstream.Seq(n)
		}
	}
}

// stepSize bounds how many commits are folded in one step.
const stepSize = 256

// step applies what the store has after a row, some of it if it is much, and
// tells how much that was.
func (f *follower) step(ctx context.Context, stream eventstream.StreamID, row eventstream.Seq) (int, error) {
	var commits []eventstream.Commit
	for commit, err := range f.s.streams.Read(ctx, stream, row) {
		if err = within(ctx, err); isPassing(err) {
			return 0, fmt.Errorf("read a stream of kind %s: %w", stream.Kind(), err)
		}
		if err != nil {
			return 0, f.refuse(stream, row+1, nil, fmt.Errorf("read it: %w", err))
		}
		if commit.Seq != row+1+eventstream.Seq(len(commits)) {
			return 0, f.refuse(stream, row+1, nil, fmt.Errorf("%w: commit %d where %d should be", eventstream.ErrCorrupt, commit.Seq, row+1))
		}
		if commits = append(commits, commit); len(commits) == stepSize {
			break
		}
	}
	if len(commits) == 0 {
		return 0, nil
	}
	err := within(ctx, f.view.Apply(ctx, commits))
	switch {
	case err == nil:
		f.metrics.applied.Add(float64(len(commits)))
		return len(commits), nil
	case errors.Is(err, eventstream.ErrMoved) || isPassing(err):
		return 0, err
	}
	return f.stepSingly(ctx, commits)
}

// stepSingly applies commits that could not be applied together, up to the one
// that is to blame.
func (f *follower) stepSingly(ctx context.Context, commits []eventstream.Commit) (int, error) {
	for i := range commits {
		err := within(ctx, f.view.Apply(ctx, commits[i:i+1]))
		switch {
		case err == nil:
			f.metrics.applied.Inc()
		case errors.Is(err, eventstream.ErrMoved) || isPassing(err):
			return i, err
		default:
			return i, f.refuse(commits[i].Stream, commits[i].Seq, commits[i:], err)
		}
	}
	return len(commits), nil
}
