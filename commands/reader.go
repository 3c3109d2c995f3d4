package commands

import (
	"context"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// reader reads the state that commands decide on from the streams.
type reader struct {
	streams   *eventstream.Streams
	directory Directory
	// folded keeps entities as they were, to save replaying them from the start.
	// It need not be current: what came after is always read from the store.
	folded *lru.Cache[eventstream.StreamID, folded]
}

// folded is an entity by value, up to a commit. It is never changed.
type folded struct {
	seq    eventstream.Seq
	entity any
}

// last reads the newest commit of a stream and what it says.
func (r *reader) last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, []domain.Event, error) {
	commit, err := r.streams.Last(ctx, stream)
	if err != nil || commit.Seq == 0 {
		return eventstream.Commit{}, nil, err
	}
	events, err := decode(&commit)
	return commit, events, err
}

func decode(commit *eventstream.Commit) ([]domain.Event, error) {
	events, err := domain.DecodeEvents(commit.Data)
	if err != nil {
		return nil, fmt.Errorf("commit %d of a stream of kind %s: %w", commit.Seq, commit.Stream.Kind(), err)
	}
	return events, nil
}

// user and group fold an entity as it is now; with Seq 0 there is none.
func (r *reader) user(ctx context.Context, id domain.UserID) (domain.User, error) {
	return fold(ctx, r, eventstream.UserStream(id.UUID), domain.User{ID: id})
}

func (r *reader) group(ctx context.Context, id domain.GroupID) (domain.Group, error) {
	return fold(ctx, r, eventstream.GroupStream(id.UUID), domain.Group{ID: id})
}

// foldable is an entity that commits make.
type foldable[E any] interface {
	*E
	Apply(seq uint64, at time.Time, events []domain.Event) error
}

// fold gives the entity of a stream as it is now. The entity that it begins with
// is the empty one, with its id.
func fold[E any, P foldable[E]](ctx context.Context, r *reader, stream eventstream.StreamID, empty E) (E, error) {
	state := folded{entity: empty}
	if kept, found := r.folded.Get(stream); found {
		state = kept
	}
	entity, behind := state.entity.(E), state.seq
	for commit, err := range r.streams.Read(ctx, stream, state.seq) {
		if err != nil {
			return empty, err
		}
		if err := apply[E, P](&entity, &commit); err != nil {
			return empty, err
		}
		state.seq = commit.Seq
	}
	if state.seq > behind {
		r.folded.Add(stream, folded{state.seq, entity})
	}
	return entity, nil
}

// foldTo gives the entity of a stream as it was at a commit, and that commit.
func foldTo[E any, P foldable[E]](ctx context.Context, r *reader, at eventstream.Position, empty E) (E, eventstream.Commit, error) {
	entity := empty
	for commit, err := range r.streams.Read(ctx, at.Stream, 0) {
		if err != nil {
			return empty, eventstream.Commit{}, err
		}
		if err := apply[E, P](&entity, &commit); err != nil {
			return empty, eventstream.Commit{}, err
		}
		if commit.Seq == at.Seq {
			return entity, commit, nil
		}
	}
	return empty, eventstream.Commit{}, fmt.Errorf("%w: a stream of kind %s has no commit %d", eventstream.ErrCorrupt, at.Stream.Kind(), at.Seq)
}

func apply[E any, P foldable[E]](entity P, commit *eventstream.Commit) error {
	events, err := decode(commit)
	if err != nil {
		return err
	}
	if err := entity.Apply(uint64(commit.Seq), commit.Time, events); err != nil {
		return fmt.Errorf("fold a stream of kind %s: %w", commit.Stream.Kind(), err)
	}
	return nil
}
