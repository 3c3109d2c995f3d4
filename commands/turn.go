package commands

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// lane lets commands of this process that would beat each other to a stream go
// one after another, in the order in which they came. It spares conflicts; that
// nothing gets lost is for the append to see to.
type lane chan struct{}

func newLane() lane { return make(lane, 1) }

// lanes are shared by the entities, each of which has one.
type lanes [512]lane

func newLanes() *lanes {
	var l lanes
	for i := range l {
		l[i] = newLane()
	}
	return &l
}

func (l *lanes) of(id uuid.UUID) lane { return l[eventstream.ShardOf(id, len(l))] }

// turn is the lanes that a command is alone in, and how often it was tried. To
// never wait in a circle, a command enters one entity's lane at most, and the
// nesting's after that.
type turn struct {
	in       []lane
	attempts int
}

// beaten tells whether another command was first already.
func (t *turn) beaten() bool { return t.attempts > 1 }

// enter waits until the lane is free and keeps it until the command ends.
func (t *turn) enter(ctx context.Context, l lane) error {
	if slices.Contains(t.in, l) {
		return nil
	}
	select {
	case l <- struct{}{}:
		t.in = append(t.in, l)
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w while waiting for other commands", context.Cause(ctx))
	}
}

// end frees the lanes.
func (t *turn) end() {
	for _, l := range t.in {
		<-l
	}
	t.in = nil
}
