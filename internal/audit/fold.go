package audit

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// newest asks for the fold of all that the store has.
const newest = math.MaxUint64

func (a *audit) foldUser(ctx context.Context, id uuid.UUID, upTo uint64) (domain.User, error) {
	user := domain.User{ID: domain.UserID{UUID: id}}
	err := a.fold(ctx, eventstream.UserStream(id), upTo, user.Apply)
	return user, err
}

func (a *audit) foldGroup(ctx context.Context, id uuid.UUID, upTo uint64) (domain.Group, error) {
	group := domain.Group{ID: domain.GroupID{UUID: id}}
	err := a.fold(ctx, eventstream.GroupStream(id), upTo, group.Apply)
	return group, err
}

func (a *audit) foldKey(ctx context.Context, id uuid.UUID, upTo uint64) (domain.APIKey, error) {
	key := domain.APIKey{ID: domain.KeyID{UUID: id}}
	err := a.fold(ctx, eventstream.KeyStream(id), upTo, key.Apply)
	return key, err
}

// foldMembership folds an edge up to a commit as a view must show it: one of a
// removed end is not present.
func (a *audit) foldMembership(ctx context.Context, id edgeKey, upTo uint64) (domain.Membership, error) {
	edge := domain.Membership{Group: domain.GroupID{UUID: id.group()}, Member: id.member()}
	if err := a.fold(ctx, id.stream(), upTo, edge.Apply); err != nil || !edge.Present {
		return edge, err
	}
	group, err := a.foldGroup(ctx, id.group(), newest)
	if err != nil {
		return edge, err
	}
	removed := group.Removed
	if edge.Kind == domain.GroupMember {
		member, err := a.foldGroup(ctx, id.member(), newest)
		edge.Present = !removed && !member.Removed
		return edge, err
	}
	member, err := a.foldUser(ctx, id.member(), newest)
	edge.Present = !removed && !member.Removed
	return edge, err
}

// fold reads a stream and applies its commits up to one.
func (a *audit) fold(ctx context.Context, stream eventstream.StreamID, upTo uint64, apply func(uint64, time.Time, []domain.Event) error) error {
	for commit, err := range a.subject.Store.Read(ctx, stream, 0) {
		if err != nil {
			return &readError{err}
		}
		if uint64(commit.Seq) > upTo {
			return nil
		}
		events, err := domain.DecodeEvents(commit.Data)
		if err != nil {
			return err
		}
		if err := apply(uint64(commit.Seq), commit.Time, events); err != nil {
			return err
		}
	}
	return nil
}

// readError is a failure of the store, not of what is in it.
type readError struct{ cause error }

func (e *readError) Error() string { return "read a stream: " + e.cause.Error() }
func (e *readError) Unwrap() error { return e.cause }

// fatal tells whether the audit cannot go on. What the store finds corrupt is a
// finding; that it cannot be asked is not.
func fatal(err error) bool {
	var failed *readError
	return errors.As(err, &failed) && !errors.Is(err, eventstream.ErrCorrupt)
}
