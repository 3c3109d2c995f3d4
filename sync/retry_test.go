package querysync_test

import (
	"context"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// tornEnds is a torn store that also reads the newest commit of a stream from its items.
type tornEnds struct{ *torn }

func (s tornEnds) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	last, err := s.torn.Last(ctx, stream)
	if last.Position() == s.at {
		return eventstream.Commit{}, eventstream.ErrCorrupt
	}
	return last, err
}

// A stream whose newest commit cannot be read stays parked when it is tried again, and
// keeps no sweep from the others.
func TestAStreamWhoseEndCannotBeReadIsParked(t *testing.T) {
	d, kept := tornEnds{&torn{newDirectory(t), eventstream.Position{Stream: ada, Seq: 1}}}, &shelf{}
	d.write(ada)
	s, view := announcing(t, d, querysync.Options{Parked: kept})
	isErr(t, "handle", s.Handle(t.Context(), []eventstream.Position{{Stream: ada, Seq: 1}}), nil)
	for attempts := 2; attempts <= 3; attempts++ {
		isErr(t, "retry", s.Retry(t.Context(), "model", ada), querysync.ErrParked)
		if parked := s.Parked(); len(parked) != 1 || parked[0].Stream != ada || parked[0].Seq != 1 || parked[0].Reason != "corrupt" || parked[0].Attempts != attempts {
			t.Errorf("parked: %v", parked)
		}
	}
	d.write(bob)
	isErr(t, "sweep", s.Sweep(t.Context(), time.Time{}), nil)
	row(t, view, bob, 1)
	d.at = eventstream.Position{}
	isErr(t, "retry", s.Retry(t.Context(), "model", ada), nil)
	row(t, view, ada, 1)
	if parked := s.Parked(); len(parked) != 0 {
		t.Errorf("parked: %v", parked)
	}
}
