package commands

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
)

// Commands of one entity are alone in its lane, those of another do not wait for
// them, and nothing is left of lanes that nobody is in.
func TestLanesOfEntities(t *testing.T) {
	lanes, ids := newLanes(), []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	inside := make([]int, len(ids)) // the race detector sees two at once
	var busy sync.WaitGroup
	for i := range 300 {
		busy.Go(func() {
			ctx, end := context.WithCancel(t.Context())
			defer end()
			var turn turn
			defer turn.end()
			if i%7 == 0 {
				end() // whether it is free is chance
			}
			for range 2 { // the second time it is in it already
				if err := turn.enterEntity(ctx, lanes, ids[i%len(ids)]); err != nil {
					if !errors.Is(err, context.Canceled) || ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
			}
			inside[i%len(ids)]++
		})
	}
	busy.Wait()
	if len(lanes.of) > 0 {
		t.Errorf("%d lanes are left", len(lanes.of))
	}
	var holder, other turn
	defer holder.end()
	defer other.end()
	for i, turn := range []*turn{&holder, &other} {
		if err := turn.enterEntity(t.Context(), lanes, ids[i]); err != nil {
			t.Error(err)
		}
	}
}
