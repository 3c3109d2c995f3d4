package querysync

import (
	"context"
	"fmt"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// reach returns once the view has applied or parked all that the log holds up to
// a position; it hands over what is missing itself.
func (f *follower) reach(ctx context.Context, position uint64) error {
	log := f.s.streams.Log()
	if f.positioned == nil || log == nil || log.End() < position {
		return ErrUnknownPosition
	}
	for f.catchingUp.Load() {
		moved := f.progress.next()
		if f.positioned.Applied() >= position {
			return nil
		}
		if !f.catchingUp.Load() {
			break
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrBehind, ctx.Err())
		}
	}
	select {
	case f.feeding <- struct{}{}:
		defer func() { <-f.feeding }()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrBehind, ctx.Err())
	}
	if f.positioned.Applied() >= position {
		return nil
	}
	if err := f.heal(ctx, position); err != nil {
		return behind(ctx, err)
	}
	return nil
}

// healedAtOnce is how many transactions are healed before the position is moved.
const healedAtOnce = 1024

// heal hands over what the log holds after the view's position, up to another
// one. The caller holds feeding. A passing failure ends it there.
func (f *follower) heal(ctx context.Context, upTo uint64) error {
	missing := 0
	handed := f.positioned.Applied()
	for transaction, err := range f.s.streams.Log().Tail(ctx, handed) {
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		if len(transaction) == 0 {
			continue
		}
		if transaction[0].Log > upTo {
			break
		}
		n, err := f.hand(ctx, transaction)
		missing += n
		if err != nil {
			return err
		}
		if handed = transaction[0].Log; handed%healedAtOnce == 0 {
			if err := f.move(handed); err != nil {
				return err
			}
		}
	}
	if err := f.move(upTo); err != nil {
		return err
	}
	if missing > 0 {
		f.metrics.healed.Add(float64(missing))
		f.s.options.Logger.Info("view healed from the log", "view", f.view.Name(), "commits", missing, "position", upTo)
	}
	f.stall.over()
	return nil
}

// move sets the view's position, once what is parked before it is on record.
func (f *follower) move(position uint64) error {
	if err := f.parked.save(); err != nil {
		return fmt.Errorf("%w: record what is parked: %w", eventstream.ErrUnavailable, err)
	}
	f.positioned.SetApplied(position)
	return nil
}

// hand applies the commits of one transaction that the view shows, and tells how
// many it had not; what cannot be applied is parked. An error is a passing one;
// the other commits of the transaction are applied all the same.
func (f *follower) hand(ctx context.Context, transaction []eventstream.Commit) (missing int, failed error) {
	for i := range transaction {
		if !f.view.Shows(transaction[i].Stream) {
			continue
		}
		n, err := f.take(ctx, transaction[i:i+1])
		missing += n
		if err != nil {
			failed = err
		}
	}
	return missing, failed
}

// raiseShards notes which shards a transaction, handed over in its turn, moved.
func (f *follower) raiseShards(transaction []eventstream.Commit) {
	for i := range transaction {
		if isShard(transaction[i].Stream) {
			f.shards.raise(transaction[i].Stream, transaction[i].Seq)
		}
	}
}
