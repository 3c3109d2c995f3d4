package transfer

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Log is the Source of a store that numbers its transactions: they come in the order
// of the log.
type Log struct {
	log eventstream.Log

	mu      sync.Mutex
	changed chan struct{} // closed by the next batch; nil while nobody waits
}

// NewLog makes the source of a log.
func NewLog(log eventstream.Log) *Log { return &Log{log: log} }

// Observe is an eventstream.Observer: it wakes those who wait.
func (l *Log) Observe([][]eventstream.Commit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// Ordered implements Source.
func (l *Log) Ordered() bool { return true }

// After implements Source.
func (l *Log) After(ctx context.Context, place eventstream.Mark) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		after, err := l.position(place)
		if err != nil {
			yield(Step{}, err)
			return
		}
		for transaction, err := range l.log.Tail(ctx, after) {
			if err != nil {
				yield(Step{}, fmt.Errorf("read the log: %w", err))
				return
			}
			if !yield(Step{transaction, LogPlace(transaction[0].Log)}, nil) {
				return
			}
		}
	}
}

// LogPlace is the place behind a transaction of a log.
func LogPlace(position uint64) eventstream.Mark {
	return eventstream.Mark{At: eventstream.Token{{Stream: eventstream.LogStream, Seq: eventstream.Seq(position)}}}
}

func (l *Log) position(place eventstream.Mark) (uint64, error) {
	after := uint64(place.At.Seq(eventstream.LogStream))
	if len(place.Rest) > 0 || len(place.At) > 1 || len(place.At) == 1 && after == 0 {
		return 0, fmt.Errorf("%w: a mark that is no place of a log", eventstream.ErrMalformedToken)
	}
	if after > l.log.End() {
		return 0, fmt.Errorf("%w: a place that the log does not have", eventstream.ErrUnknownPosition)
	}
	return after, nil
}

// Wait implements Source.
func (l *Log) Wait(ctx context.Context, place eventstream.Mark) error {
	after, err := l.position(place)
	if err != nil {
		return err
	}
	for {
		l.mu.Lock()
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if l.log.End() > after {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
