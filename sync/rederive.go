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
// announces them, also if they were announced before: those who follow have read what
// the rows said. Rows of the views that announce with it are made anew before, so that
// none is left that says it was announced, if this is cut off in between. Of a users/{n} or groups/{n} it goes over everything named there
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
	beside := f.beside()
	var made []eventstream.Position
	for _, stream := range streams {
		last, err := f.rederiveAll(ctx, beside, rederiving, stream)
		if err != nil {
			return fmt.Errorf("make a row of kind %s of %s anew: %w", stream.Kind(), view, err)
		}
		if last > 0 {
			made = append(made, eventstream.Position{Stream: stream, Seq: last})
		}
	}
	return s.whole(ctx, func(bands []*band) error {
		for _, b := range bands {
			b.anew = true
			if _, err := b.handle(ctx, made, named); err != nil {
				return fmt.Errorf("announce rows that were made anew: %w", err)
			}
		}
		return nil
	})
}

// beside are the views that announce with this one and can make rows anew.
func (f *follower) beside() (others []*follower) {
	for _, member := range f.band().members {
		if _, can := member.view.(Rederiving); can && member != f {
			others = append(others, member)
		}
	}
	return others
}

// rederiveAll makes one row anew in the views beside this one, and then in this one.
func (f *follower) rederiveAll(ctx context.Context, beside []*follower, view Rederiving, stream eventstream.StreamID) (eventstream.Seq, error) {
	if !isShard(stream) {
		for _, other := range beside {
			if _, err := other.rederive(ctx, other.view.(Rederiving), stream); err != nil {
				return 0, err
			}
		}
	}
	return f.rederive(ctx, view, stream)
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
