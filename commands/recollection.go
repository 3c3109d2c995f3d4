package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// recollection is what is known of a request that was made before.
type recollection struct {
	// commit is the one that remembers the request; its siblings are what the
	// request wrote.
	commit eventstream.Commit
	shows  []eventstream.Position
	secret string
}

// result gives the first answer again.
func (past *recollection) result(ctx context.Context, h *Handler, command Command) (Result, error) {
	result, err := command.recall(ctx, h, past)
	if err != nil {
		return Result{}, err
	}
	result.Repeated, result.Secret = true, past.secret
	result.Entity = eventstream.NewToken(past.shows...)
	result.Wrote = result.Wrote.Merge(result.Entity).Merge(past.wrote())
	return result, nil
}

// wrote names what the request wrote, as far as tokens do.
func (past *recollection) wrote() eventstream.Token {
	return written(&past.commit)
}

// entity is the id of the one entity that the answer shows. A request that was
// of another kind is refused: its digest does not tell them apart.
func (past *recollection) entity(kind eventstream.Kind) (uuid.UUID, error) {
	if len(past.shows) != 1 || past.shows[0].Stream.Kind() != kind {
		return uuid.Nil, refuseReuse()
	}
	return past.shows[0].Stream.UUIDs()[0], nil
}

// user gives the user that the answer shows, as it was; creation tells that the
// request was one to create it.
func (past *recollection) user(ctx context.Context, h *Handler, creation bool) (Result, error) {
	id, err := past.entity(eventstream.UserKind)
	if err != nil {
		return Result{}, err
	}
	user, commit, err := foldTo(ctx, &h.reader, past.shows[0], domain.User{ID: domain.UserID{UUID: id}})
	return past.shown(Result{User: &user}, &commit, creation), err
}

// group gives the group that the answer shows, as user does.
func (past *recollection) group(ctx context.Context, h *Handler, creation bool) (Result, error) {
	id, err := past.entity(eventstream.GroupKind)
	if err != nil {
		return Result{}, err
	}
	group, commit, err := foldTo(ctx, &h.reader, past.shows[0], domain.Group{ID: domain.GroupID{UUID: id}})
	return past.shown(Result{Group: &group}, &commit, creation), err
}

// key gives the key that the answer shows, as it was.
func (past *recollection) key(ctx context.Context, h *Handler) (Result, error) {
	id, err := past.entity(eventstream.KeyKind)
	if err != nil {
		return Result{}, err
	}
	key, commit, err := foldTo(ctx, &h.reader, past.shows[0], domain.APIKey{ID: domain.KeyID{UUID: id}})
	return past.shown(Result{Key: &key}, &commit, true), err
}

// shown adds, for a request to create an entity, what else was written when it
// was created, and whether that request did it: an earlier one may have.
func (past *recollection) shown(result Result, commit *eventstream.Commit, creation bool) Result {
	if creation {
		result.Created = past.wrote().Seq(commit.Stream) == commit.Seq
		result.Wrote = written(commit)
	}
	return result
}

// memberships gives those that the answer shows, as they were.
func (past *recollection) memberships(ctx context.Context, h *Handler) (Result, error) {
	wrote := past.wrote()
	result := Result{Memberships: make([]domain.Membership, len(past.shows))}
	for i, position := range past.shows {
		ids := position.Stream.UUIDs()
		if len(ids) != 2 {
			return Result{}, refuseReuse()
		}
		commit, err := h.reader.streams.At(ctx, position)
		if err != nil {
			return Result{}, err
		}
		events, err := decode(&commit)
		if err != nil {
			return Result{}, err
		}
		edge := &result.Memberships[i]
		edge.Group, edge.Member = domain.GroupID{UUID: ids[0]}, ids[1]
		if err := applyLast(edge, &commit, events); err != nil {
			return Result{}, err
		}
		result.Created = result.Created || wrote.Seq(position.Stream) == position.Seq
	}
	return result, nil
}
