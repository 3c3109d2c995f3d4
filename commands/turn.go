package commands

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// lane lets commands of this process that would beat each other to a stream go
// one after another, in the order in which they came. It spares conflicts; that
// nothing gets lost is for the append to see to.
type lane chan struct{}

func newLane() lane { return make(lane, 1) }

// lanes are those of entities. An entity has one while a command is in it or waits
// for it.
type lanes struct {
	mu sync.Mutex
	of map[uuid.UUID]*sharedLane
}

// sharedLane counts the commands that are in a lane or wait for it.
type sharedLane struct {
	lane
	commands int
}

func newLanes() *lanes { return &lanes{of: map[uuid.UUID]*sharedLane{}} }

// join gives an entity's lane, which has to be left again.
func (l *lanes) join(id uuid.UUID) lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	shared := l.of[id]
	if shared == nil {
		shared = &sharedLane{lane: newLane()}
		l.of[id] = shared
	}
	shared.commands++
	return shared.lane
}

func (l *lanes) leave(id uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if shared := l.of[id]; shared.commands > 1 {
		shared.commands--
	} else {
		delete(l.of, id)
	}
}

// turn is the lanes that a command is alone in, and how often it was tried. To
// never wait in a circle, a command enters one entity's lane at most, and the
// nesting's after that.
type turn struct {
	in       []lane
	leave    func() // the entity's lane; nil if the command is in none
	attempts int
}

// beaten tells whether another command was first already.
func (t *turn) beaten() bool { return t.attempts > 1 }

// enterEntity is enter for the lane of an entity.
func (t *turn) enterEntity(ctx context.Context, lanes *lanes, id uuid.UUID) error {
	if t.leave != nil {
		return nil
	}
	if err := t.enter(ctx, lanes.join(id)); err != nil {
		lanes.leave(id)
		return err
	}
	t.leave = func() { lanes.leave(id) }
	return nil
}

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
	if t.leave != nil {
		t.leave()
	}
	t.in, t.leave = nil, nil
}
