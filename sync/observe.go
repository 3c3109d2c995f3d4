package querysync

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Observe is an eventstream.Observer: it applies transactions to every view. A
// commit that is exactly the next one of its row is applied as it is in hand;
// otherwise the store is read from where the row stands. Transactions may be
// repeated, out of order or missing: where the log numbers them, what is missing
// before one is read from the log.
//
// A stream that cannot be applied is parked in that view. When the storage fails
// for a while the view's position stays, and Run, or a reader, goes on from
// there.
func (s *Synchroniser) Observe(transactions [][]eventstream.Commit) {
	for _, f := range s.all() {
		f.observe(context.Background(), transactions)
	}
}

func (f *follower) observe(ctx context.Context, transactions [][]eventstream.Commit) {
	if f.catchingUp.Load() {
		return
	}
	f.feeding <- struct{}{}
	defer func() { <-f.feeding }()
	if f.catchingUp.Load() || f.left.Load() {
		return
	}
	if f.positioned == nil {
		for _, transaction := range transactions {
			if _, err := f.hand(ctx, transaction); err != nil {
				f.stalled(err)
			}
		}
		return
	}
	if err := f.observeLog(ctx, transactions); err != nil {
		f.stalled(err)
	}
}

// observeLog hands over numbered transactions and moves the view's position over
// those that follow it without a gap.
func (f *follower) observeLog(ctx context.Context, transactions [][]eventstream.Commit) (failed error) {
	handed := f.positioned.Applied()
	for _, transaction := range transactions {
		if len(transaction) == 0 {
			continue
		}
		position := transaction[0].Log
		if position != 0 && position <= handed {
			continue
		}
		missing := position - 1
		if position != 0 && !isWhole(transaction) {
			missing = position
		}
		if position > 0 && missing > handed && failed == nil {
			if failed = f.fill(ctx, handed, missing); failed == nil {
				handed = missing
			}
		}
		if _, err := f.hand(ctx, transaction); err != nil {
			failed = err
		}
		if failed == nil && position == handed+1 {
			handed = position
			f.raiseShards(transaction)
		}
	}
	if handed > f.positioned.Applied() {
		return errors.Join(failed, f.move(handed))
	}
	return failed
}

// isWhole tells whether none of a transaction's commits was lost on the way.
func isWhole(transaction []eventstream.Commit) bool {
	return len(transaction) == len(transaction[0].Siblings)+1
}

var errStalled = errors.New("waiting for the storage to recover")

// fill heals a gap before a transaction in hand. While the storage fails, it
// tries only now and then.
func (f *follower) fill(ctx context.Context, handed, upTo uint64) error {
	if f.s.streams.Log() == nil || !f.stall.mayTry(f.s.options.Now()) {
		return errStalled
	}
	if handed > f.positioned.Applied() {
		if err := f.move(handed); err != nil {
			return err
		}
	}
	return f.heal(ctx, upTo)
}

// take applies one commit, and tells whether the view lacked it. It parks the
// stream if it cannot; an error is a passing one.
func (f *follower) take(ctx context.Context, commit []eventstream.Commit) (missing int, err error) {
	err = f.view.Apply(ctx, commit)
	if err == nil {
		f.metrics.applied.Inc()
		return 1, nil
	}
	if errors.Is(err, eventstream.ErrMoved) {
		return f.takeMoved(ctx, &commit[0])
	}
	if isPassing(err) {
		return 0, err
	}
	f.park(commit[0].Stream, commit[0].Seq, commit, err)
	return 1, nil
}

// takeMoved handles a commit that is not the next one of its row.
func (f *follower) takeMoved(ctx context.Context, commit *eventstream.Commit) (missing int, err error) {
	row, err := f.view.Seq(ctx, commit.Stream)
	if err != nil {
		return 0, err
	}
	switch {
	case row >= commit.Seq:
		return 0, nil
	case f.parked.holds(commit.Stream, row):
		f.parked.note(commit)
		return 0, nil
	}
	missing, err = f.bring(ctx, commit.Stream, commit.Seq, false)
	switch {
	case errors.Is(err, ErrParked):
		f.parked.note(commit)
		return missing, nil
	case errors.Is(err, ErrUnknownPosition):
		return missing, fmt.Errorf("%w: the store does not have what it told of", eventstream.ErrUnavailable)
	}
	return missing, err
}

// stall remembers that the storage failed a view, so that it is not asked for
// everything again with each batch.
type stall struct {
	mu    sync.Mutex
	tries int
	next  time.Time
}

// Pauses between attempts to go on after a stall.
const (
	firstStall   = 100 * time.Millisecond
	longestStall = 10 * time.Second
)

// began notes a failure and tells whether it is the first one.
func (s *stall) began(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tries > 0 && now.Before(s.next) {
		return false
	}
	s.next = now.Add(min(firstStall<<min(s.tries, 10), longestStall))
	s.tries++
	return s.tries == 1
}

func (s *stall) mayTry(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries == 0 || !now.Before(s.next)
}

// under tells whether the view is stalled.
func (s *stall) under() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries > 0
}

func (s *stall) over() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries = 0
}

func (f *follower) stalled(err error) {
	if f.stall.began(f.s.options.Now()) {
		f.s.options.Logger.Warn("view stalled", "view", f.view.Name(), "error", err)
	}
}
