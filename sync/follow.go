package querysync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Follow has a view kept up to date from now on, as those given to New are; its
// name is none of theirs. A view that knows positions is left alone until CatchUp
// was called for it, which must follow; any other is handed whatever the feeds
// tell from now on, and lacks what came before until somebody brings it there.
func (s *Synchroniser) Follow(view View) error {
	_, positioned := view.(Positioned)
	if err := s.add(view, positioned); err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	return nil
}

// add puts a view on the list; one that is to catch up is left alone until it
// does.
func (s *Synchroniser) add(view View, catchingUp bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named(view.Name()) != nil {
		return fmt.Errorf("two views are named %s", view.Name())
	}
	f := newFollower(s, view, s.metrics)
	if f.announcing != nil && s.options.Changes == nil {
		return fmt.Errorf("view %s: %w", view.Name(), errNoChanges)
	}
	f.catchingUp.Store(catchingUp)
	next := append(slices.Clone(s.all()), f)
	s.followers.Store(&next)
	return nil
}

// Unfollow lets go of a view: nothing is handed to it any more once Unfollow has
// returned, its list of parked streams is forgotten, and so is what was measured.
// Readers who still wait for it are served as long as they hold it. A view that
// is not followed is no error.
func (s *Synchroniser) Unfollow(ctx context.Context, view View) error {
	f := s.take(view)
	if f == nil {
		return nil
	}
	f.left.Store(true)
	select {
	case f.feeding <- struct{}{}: // whoever was at it has ended
		<-f.feeding
	case <-ctx.Done():
		return ctx.Err()
	}
	s.metrics.forget(view.Name())
	if err := f.parked.forget(ctx); err != nil {
		return fmt.Errorf("forget what is parked in view %s: %w", view.Name(), err)
	}
	return nil
}

// Succeed calls do at a moment at which nothing is handed to either of two views
// that know positions, and the successor is where the other one is: whoever reads
// the one before do and the other after it does not go back. What is observed
// meanwhile waits, so do must be short.
func (s *Synchroniser) Succeed(ctx context.Context, view, successor View, do func() error) error {
	from, err := s.following(view)
	if err != nil {
		return err
	}
	to, err := s.following(successor)
	if err != nil {
		return err
	}
	held := []*follower{from, to}
	if from == to {
		held = held[:1]
	}
	for _, f := range held {
		select {
		case f.feeding <- struct{}{}:
			defer func() { <-f.feeding }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if position := from.positioned.Applied(); to.positioned.Applied() < position {
		if err := to.heal(ctx, position); err != nil {
			return fmt.Errorf("bring view %s to where view %s is: %w", successor.Name(), view.Name(), err)
		}
	}
	return do()
}

// take takes a view off the list.
func (s *Synchroniser) take(view View) *follower {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.following(view)
	if err != nil {
		return nil
	}
	next := slices.DeleteFunc(slices.Clone(s.all()), func(other *follower) bool { return other == f })
	s.followers.Store(&next)
	return f
}

// all are the followers now. The slice never changes.
func (s *Synchroniser) all() []*follower {
	if followers := s.followers.Load(); followers != nil {
		return *followers
	}
	return nil
}

// forget empties the list, and wherever it is kept.
func (p *parkedStreams) forget(ctx context.Context) error {
	p.saving.Lock()
	defer p.saving.Unlock()
	p.forgotten.Store(true)
	p.mu.Lock()
	streams := make([]eventstream.StreamID, 0, len(p.entries))
	for stream := range p.entries {
		streams = append(streams, stream)
	}
	clear(p.entries)
	clear(p.changed)
	p.count.Store(0)
	p.unsaved.Store(false)
	p.mu.Unlock()
	if p.store != nil {
		for _, stream := range streams {
			if err := p.store.Delete(ctx, p.view, stream); err != nil {
				return err
			}
		}
		return nil
	}
	if p.path == "" {
		return nil
	}
	if err := os.Remove(p.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
