package queries

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Change is one commit of an entity's history.
type Change struct {
	Seq     eventstream.Seq
	Time    time.Time
	Actor   string
	Command uuid.UUID
	// Events are as they were written, with every field, known here or not.
	Events []domain.Envelope
}

// UserHistory gives the commits of a user, oldest first, also of one that was
// removed. It is read from the stream itself, so it is always current; tokens
// are only validated.
func (r *Reader) UserHistory(ctx context.Context, id domain.UserID, listing Listing, fresh Freshness) (Page[Change], error) {
	r = r.answering()
	return r.history(ctx, eventstream.UserStream(id.UUID), listing, fresh, noUser)
}

// GroupHistory gives the commits of a group, as UserHistory does of a user.
func (r *Reader) GroupHistory(ctx context.Context, id domain.GroupID, listing Listing, fresh Freshness) (Page[Change], error) {
	r = r.answering()
	return r.history(ctx, eventstream.GroupStream(id.UUID), listing, fresh, noGroup)
}

func (r *Reader) history(ctx context.Context, stream eventstream.StreamID, listing Listing, fresh Freshness, none func() error) (Page[Change], error) {
	ctx, span := r.config.Tracer.Start(ctx, "queries.History")
	defer span.End()
	limit, err := listing.limit()
	if err != nil {
		return Page[Change]{}, err
	}
	after, err := r.cursors.openSeq(historyScope(stream), listing.Cursor)
	if err != nil {
		return Page[Change]{}, err
	}
	if err := r.Validate(ctx, fresh.AtLeast); err != nil {
		return Page[Change]{}, err
	}
	head, err := r.head(ctx, stream)
	if err != nil {
		return Page[Change]{}, err
	}
	if head == 0 {
		return Page[Change]{}, none()
	}
	page := Page[Change]{RestsOn: eventstream.Token{{Stream: stream, Seq: head}}}
	for commit, err := range r.config.Streams.Read(ctx, stream, after) {
		if err != nil {
			return Page[Change]{}, fmt.Errorf("read a history: %w", err)
		}
		if len(page.Items) == limit {
			page.Next = r.cursors.sealSeq(historyScope(stream), page.Items[limit-1].Seq)
			break
		}
		change, err := changeOf(&commit)
		if err != nil {
			return Page[Change]{}, err
		}
		page.Items = append(page.Items, change)
	}
	return page, nil
}

func changeOf(commit *eventstream.Commit) (Change, error) {
	events, err := domain.DecodeEnvelopes(commit.Data)
	if err != nil {
		return Change{}, fmt.Errorf("read a history: %w: %w", eventstream.ErrCorrupt, err)
	}
	return Change{Seq: commit.Seq, Time: commit.Time, Actor: commit.Actor, Command: commit.Command, Events: events}, nil
}

func historyScope(stream eventstream.StreamID) string { return "history of " + string(stream) }

func (s *sealer) sealSeq(scope string, seq eventstream.Seq) string {
	return s.seal(scope, binary.BigEndian.AppendUint64(nil, uint64(seq)))
}

// openSeq reads a cursor that holds a commit's number; none is 0.
func (s *sealer) openSeq(scope, cursor string) (eventstream.Seq, error) {
	if cursor == "" {
		return 0, nil
	}
	place, err := s.open(scope, cursor)
	if err != nil {
		return 0, err
	}
	if len(place) != 8 {
		return 0, badCursor()
	}
	return eventstream.Seq(binary.BigEndian.Uint64(place)), nil
}
