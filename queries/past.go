package queries

import (
	"context"
	"fmt"
	"time"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Moment is a point in an entity's past: a commit's number if it is not 0, else
// an instant, which stands for the last commit at or before it.
type Moment struct {
	Seq  eventstream.Seq
	Time time.Time
}

// isBefore tells whether the moment is before the commit.
func (m *Moment) isBefore(commit *eventstream.Commit) bool {
	if m.Seq > 0 {
		return commit.Seq > m.Seq
	}
	return commit.Time.After(m.Time)
}

// UserAt gives a user as it was, folded from its stream. Where it did not exist,
// before its creation or after its removal, and at a commit that does not exist,
// it is NotFound. Tokens are only validated.
func (r *Reader) UserAt(ctx context.Context, id domain.UserID, at Moment, fresh Freshness) (Entity[domain.User], error) {
	r = r.answering()
	user := domain.User{ID: id}
	stream := eventstream.UserStream(id.UUID)
	if err := r.foldUntil(ctx, stream, at, fresh, user.Apply); err != nil {
		return Entity[domain.User]{}, err
	}
	if !user.Exists() || at.Seq > 0 && user.Seq != uint64(at.Seq) {
		return Entity[domain.User]{}, domain.Refuse(domain.NotFound, "", "there was no such user then")
	}
	return one(user, stream, user.Seq), nil
}

// GroupAt gives a group as it was, as UserAt does a user.
func (r *Reader) GroupAt(ctx context.Context, id domain.GroupID, at Moment, fresh Freshness) (Entity[domain.Group], error) {
	r = r.answering()
	group := domain.Group{ID: id}
	stream := eventstream.GroupStream(id.UUID)
	if err := r.foldUntil(ctx, stream, at, fresh, group.Apply); err != nil {
		return Entity[domain.Group]{}, err
	}
	if !group.Exists() || at.Seq > 0 && group.Seq != uint64(at.Seq) {
		return Entity[domain.Group]{}, domain.Refuse(domain.NotFound, "", "there was no such group then")
	}
	return one(group, stream, group.Seq), nil
}

// foldUntil applies a stream's commits up to a moment, for an answer of its own.
func (r *Reader) foldUntil(
	ctx context.Context, stream eventstream.StreamID, at Moment, fresh Freshness, apply func(uint64, time.Time, []domain.Event) error,
) error {
	ctx, span := r.config.Tracer.Start(ctx, "queries.Past")
	defer span.End()
	if err := r.Validate(ctx, fresh.AtLeast); err != nil {
		return err
	}
	return r.foldTo(ctx, stream, at, apply)
}

// foldTo applies a stream's commits up to a moment. What cannot be applied is
// ErrParked, as it is in every view of the stream.
func (r *Reader) foldTo(ctx context.Context, stream eventstream.StreamID, at Moment, apply func(uint64, time.Time, []domain.Event) error) error {
	for commit, err := range r.config.Streams.Read(ctx, stream, 0) {
		if err != nil {
			return fmt.Errorf("read the past: %w", err)
		}
		if at.isBefore(&commit) {
			return nil
		}
		if err := applyTo(&commit, apply); err != nil {
			return err
		}
	}
	return nil
}

func applyTo(commit *eventstream.Commit, apply func(uint64, time.Time, []domain.Event) error) error {
	events, err := domain.DecodeEvents(commit.Data)
	if err == nil {
		err = apply(uint64(commit.Seq), commit.Time, events)
	}
	if err != nil {
		return fmt.Errorf("fold the past: %w: %w", eventstream.ErrParked, err)
	}
	return nil
}
