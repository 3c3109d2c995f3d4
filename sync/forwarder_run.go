package querysync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Pauses of Run after a push that failed.
const (
	firstPushPause   = 20 * time.Millisecond
	longestPushPause = 5 * time.Second
)

// Run pushes what changes, in the order in which it was first told, until ctx
// ends. What could not be pushed is pushed again, after a pause, until it can.
func (f *Forwarder[E]) Run(ctx context.Context) error {
	f.setRunning(true)
	defer f.setRunning(false)
	for {
		work := f.work.next()
		batch := f.take()
		if len(batch) == 0 {
			select {
			case <-work:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		if err := f.pushAll(ctx, batch); err != nil {
			f.putBack(batch)
			return nil
		}
		f.finish(len(batch))
	}
}

func (f *Forwarder[E]) setRunning(running bool) {
	f.mu.Lock()
	f.running = running
	f.mu.Unlock()
	f.room.fire()
}

// take gives what is to be pushed next. What changes from now on is queued anew.
func (f *Forwarder[E]) take() []E {
	position := f.view.Applied()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.queue.len() == 0 {
		return nil
	}
	if f.caught {
		f.marks = append(f.marks, mark{position, f.issued})
	}
	return f.queue.pop(f.options.Batch)
}

// putBack undoes take.
func (f *Forwarder[E]) putBack(batch []E) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue.unpop(batch)
}

// pushAll pushes a batch until that works; it fails only when ctx ends.
func (f *Forwarder[E]) pushAll(ctx context.Context, batch []E) error {
	for attempt := 0; ; attempt++ {
		err := f.options.Push(ctx, batch)
		if err == nil {
			f.setFailing(nil)
			f.metrics.pushed.Add(float64(len(batch)))
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.metrics.failures.Inc()
		f.setFailing(err)
		timer := time.NewTimer(rand.N(min(firstPushPause<<min(attempt, 10), longestPushPause)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

func (f *Forwarder[E]) setFailing(err error) {
	f.mu.Lock()
	changed := f.failing != (err != nil)
	f.failing = err != nil
	f.mu.Unlock()
	switch {
	case !changed:
	case err != nil:
		f.room.fire()
		f.options.Logger.Warn("pushing fails", "to", f.options.Name, "error", err)
	default:
		f.options.Logger.Info("pushing works again", "to", f.options.Name)
	}
}

// finish counts what was pushed and tells who waited for it.
func (f *Forwarder[E]) finish(pushed int) {
	f.mu.Lock()
	f.done += uint64(pushed)
	f.settle()
	room := f.queue.len() <= f.options.Limit
	f.mu.Unlock()
	if room {
		f.room.fire()
	}
}

// settle moves the position and wakes those who wait, as far as things are done.
// The caller holds mu.
func (f *Forwarder[E]) settle() {
	reached := 0
	for reached < len(f.marks) && f.marks[reached].ticket <= f.done {
		f.passed = max(f.passed, f.marks[reached].position)
		reached++
	}
	f.marks = slices.Delete(f.marks, 0, reached)
	f.waiters = slices.DeleteFunc(f.waiters, func(w waiter) bool {
		if w.ticket > f.done {
			return false
		}
		close(w.ready)
		return true
	})
}

// CatchUp queues what the follower may lack, that has its own state up to a
// position of the log: whatever the log's later transactions touch, as the view
// shows it. The view must be at the end of the log, and tell of its changes, when
// CatchUp is called. Until it was called, Applied is 0 and readers wait.
func (f *Forwarder[E]) CatchUp(ctx context.Context, log eventstream.Log, after uint64, progress func(queued, end uint64)) error {
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	end := log.End()
	if after < end {
		if err := f.queueAfter(ctx, log, after, end, progress); err != nil {
			return fmt.Errorf("catch up %s: %w", f.options.Name, err)
		}
	}
	progress(end, end)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.caught = true
	f.passed = max(f.passed, after)
	for i := range f.waiters {
		if f.waiters[i].ticket == afterCatchUp {
			f.waiters[i].ticket = f.issued
		}
	}
	f.settle()
	return nil
}

// progressEvery is how many transactions CatchUp walks between telling.
const progressEvery = 4096

func (f *Forwarder[E]) queueAfter(ctx context.Context, log eventstream.Log, after, end uint64, progress func(queued, end uint64)) error {
	for transaction, err := range log.Tail(ctx, after) {
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		if len(transaction) == 0 {
			continue
		}
		for i := range transaction {
			if !f.view.Shows(transaction[i].Stream) {
				continue
			}
			entities, err := f.options.Touches(ctx, transaction[i].Stream)
			if err != nil {
				return fmt.Errorf("find what a stream of kind %s touches: %w", transaction[i].Stream.Kind(), err)
			}
			f.Changed(entities)
		}
		if at := transaction[0].Log; at%progressEvery == 0 {
			progress(at, end)
		}
	}
	return nil
}
