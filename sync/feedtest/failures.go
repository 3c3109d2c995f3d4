package feedtest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

func (p *play) sinces() []time.Time {
	return []time.Time{{}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)}
}

// fragile is a view that lasts for some more steps and then fails, after which
// nothing works but to start anew.
type fragile struct {
	querysync.PositionedView
	left *atomic.Int64 // negative: for ever
}

var errBroken = fmt.Errorf("broken by the test: %w", eventstream.ErrUnavailable)

func (f fragile) step() error {
	for {
		left := f.left.Load()
		switch {
		case left < 0:
			return nil
		case left == 0:
			return errBroken
		case f.left.CompareAndSwap(left, left-1):
			return nil
		}
	}
}

// Seq fails once the view is broken.
func (f fragile) Seq(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	if err := f.step(); err != nil {
		return 0, err
	}
	return f.PositionedView.Seq(ctx, stream)
}

// Apply fails once the view is broken.
func (f fragile) Apply(ctx context.Context, commits []eventstream.Commit) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.PositionedView.Apply(ctx, commits)
}

// SetApplied is lost once the view is broken.
func (f fragile) SetApplied(position uint64) {
	if f.step() == nil {
		f.PositionedView.SetApplied(position)
	}
}

// testFailures breaks the view between any two steps; after a restart it stands
// wherever it had got to.
func testFailures(t *testing.T, h Harness) {
	rapid.Check(t, func(rt *rapid.T) {
		var left atomic.Int64
		left.Store(-1)
		p := newPlay(t, rt, h, func(view querysync.PositionedView) querysync.PositionedView {
			return fragile{view, &left}
		})
		steps := p.steps()
		steps["break"] = func(rt *rapid.T) { left.Store(rapid.Int64Range(0, 6).Draw(rt, "steps left")) }
		steps["restart"] = func(rt *rapid.T) {
			left.Store(-1)
			p.restart(rt)
		}
		doorbell := steps["doorbell"]
		steps["doorbell"] = func(rt *rapid.T) {
			if left.Load() >= 0 {
				rt.Skip("a reader would wait for the view to recover")
			}
			doorbell(rt)
		}
		rt.Repeat(steps)
		left.Store(-1)
		p.end(rt)
	})
}
