package querysync

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Rederiving is what a View also implements of which single rows can be made anew.
type Rederiving interface {
	View
	// Rederive makes a stream's row what all of its commits say, whatever it said
	// before, in one step; without any commits, it takes the row away. What the row
	// remembers of being announced is forgotten. If somebody else moves the row
	// meanwhile nothing is changed, and the error is eventstream.ErrMoved.
	Rederive(ctx context.Context, stream eventstream.StreamID, commits []eventstream.Commit) error
	// Unmark forgets up to where a users/{n} or groups/{n} was handled.
	Unmark(ctx context.Context, stream eventstream.StreamID) error
}

// ErrNotRederived is why a row is not made anew in a view that can only be made
// anew as a whole.
var ErrNotRederived = errors.New("only the whole view can be made anew")

// Rederive makes rows of a view anew from their streams, whatever they say, and
// announces them. Of a users/{n} or groups/{n} it goes over everything named there
// once more. Readers see the row as it was or as it must be. It may be cut off
// anywhere and begun again.
func (s *Synchroniser) Rederive(ctx context.Context, view string, streams []eventstream.StreamID) error {
	f := s.named(view)
	if f == nil {
		return fmt.Errorf("make rows of %s anew: %w", view, ErrNotFollowed)
	}
	rederiving, can := f.view.(Rederiving)
	if !can {
		return fmt.Errorf("make rows of %s anew: %w", view, ErrNotRederived)
	}
	var made []eventstream.Position
	for _, stream := range streams {
		last, err := f.rederive(ctx, rederiving, stream)
		if err != nil {
			return fmt.Errorf("make a row of kind %s of %s anew: %w", stream.Kind(), view, err)
		}
		if last > 0 {
			made = append(made, eventstream.Position{Stream: stream, Seq: last})
		}
	}
	return s.Handle(ctx, made)
}

// rederive makes one row anew, and tells where its stream is.
func (f *follower) rederive(ctx context.Context, view Rederiving, stream eventstream.StreamID) (eventstream.Seq, error) {
	if isShard(stream) {
		if err := view.Unmark(ctx, stream); err != nil {
			return 0, err
		}
		last, err := f.s.streams.Last(ctx, stream)
		return last.Seq, err
	}
	if !f.view.Shows(stream) {
		return 0, nil
	}
	release, _, err := f.turns.take(ctx, stream)
	if err != nil {
		return 0, err
	}
	defer release()
	for attempt := 1; ; attempt++ {
		var commits []eventstream.Commit
		for commit, err := range f.s.streams.Read(ctx, stream, 0) {
			if err != nil {
				return 0, err
			}
			commits = append(commits, commit)
		}
		err := view.Rederive(ctx, stream, commits)
		if errors.Is(err, eventstream.ErrMoved) && pause(ctx, attempt) == nil {
			continue
		}
		if err != nil {
			return 0, err
		}
		return eventstream.Seq(len(commits)), nil
	}
}
