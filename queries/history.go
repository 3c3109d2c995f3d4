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

// Commit is one commit of the history of a user, a group or a membership.
type Commit struct {
	// Stream is whose commit it is.
	Stream  eventstream.StreamID
	Seq     eventstream.Seq
	Time    time.Time
	Actor   string
	Command uuid.UUID
	// Events are as they were written, with every field, known here or not.
	Events []domain.Envelope
	// Before and After are what the commit changed, if Diff says that it was asked
	// for.
	Before, After State
	Diff          bool
}

// Recall says which page of a history is asked for.
type Recall struct {
	Listing
	// Diff asks for Before and After, for which the stream is folded: one that this
	// build cannot fold is ErrParked. A cursor that was made with it brings it along.
	Diff bool
}

// UserHistory gives the commits of a user, oldest first, also of one that was
// removed. It is read from the stream itself, so it is always current; tokens
// are only validated.
func (r *Reader) UserHistory(ctx context.Context, id domain.UserID, recall Recall, fresh Freshness) (Page[Commit], error) {
	r = r.answering()
	return r.history(ctx, eventstream.UserStream(id.UUID), recall, fresh, noUser)
}

// GroupHistory gives the commits of a group, as UserHistory does of a user.
func (r *Reader) GroupHistory(ctx context.Context, id domain.GroupID, recall Recall, fresh Freshness) (Page[Commit], error) {
	r = r.answering()
	return r.history(ctx, eventstream.GroupStream(id.UUID), recall, fresh, noGroup)
}

// MembershipHistory gives the commits of a membership, as UserHistory does of a
// user, whatever became of its ends.
func (r *Reader) MembershipHistory(ctx context.Context, group domain.GroupID, member uuid.UUID, recall Recall, fresh Freshness) (Page[Commit], error) {
	r = r.answering()
	return r.history(ctx, eventstream.MemberStream(group.UUID, member), recall, fresh, func() error {
		return domain.Refuse(domain.NotFound, CodeNotAMember, "it never was a member of the group")
	})
}

func (r *Reader) history(ctx context.Context, stream eventstream.StreamID, recall Recall, fresh Freshness, none func() error) (Page[Commit], error) {
	ctx, span := r.config.Tracer.Start(ctx, "queries.History")
	defer span.End()
	limit, err := recall.limit()
	if err != nil {
		return Page[Commit]{}, err
	}
	after, err := r.cursors.openSeq(stream, &recall)
	if err != nil {
		return Page[Commit]{}, err
	}
	if err := r.Validate(ctx, fresh.AtLeast); err != nil {
		return Page[Commit]{}, err
	}
	head, err := r.head(ctx, stream)
	if err != nil {
		return Page[Commit]{}, err
	}
	if head == 0 {
		return Page[Commit]{}, none()
	}
	page := Page[Commit]{RestsOn: eventstream.Token{{Stream: stream, Seq: head}}}
	err = r.commits(ctx, stream, after, recall.Diff, func(told Commit) bool {
		if len(page.Items) == limit {
			page.Next = r.cursors.sealSeq(stream, page.Items[limit-1].Seq, recall.Diff)
			return false
		}
		page.Items = append(page.Items, told)
		return true
	})
	if err != nil {
		return Page[Commit]{}, err
	}
	return page, nil
}

// commits visits the commits of a stream after a number, until visit has enough.
func (r *Reader) commits(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq, diff bool, visit func(Commit) bool) error {
	from, folded := after, (*fold)(nil)
	if diff {
		from, folded = 0, newFold(stream)
	}
	for commit, err := range r.config.Streams.Read(ctx, stream, from) {
		if err != nil {
			return fmt.Errorf("read a history: %w", err)
		}
		var before, now State
		if diff {
			before = folded.now()
			if err := folded.commit(&commit); err != nil {
				return err
			}
			now = folded.now()
		}
		if commit.Seq <= after {
			continue
		}
		told, err := commitOf(&commit)
		if err != nil {
			return err
		}
		told.Before, told.After, told.Diff = before, now, diff
		if !visit(told) {
			return nil
		}
	}
	return nil
}

func commitOf(commit *eventstream.Commit) (Commit, error) {
	events, err := domain.DecodeEnvelopes(commit.Data)
	if err != nil {
		return Commit{}, fmt.Errorf("read a history: %w: %w", eventstream.ErrCorrupt, err)
	}
	return Commit{Stream: commit.Stream, Seq: commit.Seq, Time: commit.Time, Actor: commit.Actor, Command: commit.Command, Events: events}, nil
}

func historyScope(stream eventstream.StreamID) string { return "history of " + string(stream) }

// withDiff ends the place of a cursor of a history with changes.
const withDiff = 1

func (s *sealer) sealSeq(stream eventstream.StreamID, seq eventstream.Seq, diff bool) string {
	return s.sealRecall(historyScope(stream), binary.BigEndian.AppendUint64(nil, uint64(seq)), diff)
}

func (s *sealer) sealRecall(scope string, place []byte, diff bool) string {
	if diff {
		place = append(place, withDiff)
	}
	return s.seal(scope, place)
}

// openSeq reads a cursor that holds a commit's number; none is 0.
func (s *sealer) openSeq(stream eventstream.StreamID, recall *Recall) (eventstream.Seq, error) {
	place, err := s.openRecall(historyScope(stream), func(size int) bool { return size == 8 }, recall)
	if err != nil || place == nil {
		return 0, err
	}
	return eventstream.Seq(binary.BigEndian.Uint64(place)), nil
}

// openRecall reads a cursor that holds a place of a fitting size and whether changes
// were asked for, which it notes; no cursor is no place.
func (s *sealer) openRecall(scope string, fits func(size int) bool, recall *Recall) ([]byte, error) {
	if recall.Cursor == "" {
		return nil, nil
	}
	place, err := s.open(scope, recall.Cursor)
	if err != nil {
		return nil, err
	}
	last := len(place) - 1
	diff := last >= 0 && place[last] == withDiff && fits(last)
	if !diff && (recall.Diff || !fits(len(place))) {
		return nil, badCursor()
	}
	if recall.Diff = diff; diff {
		place = place[:last]
	}
	return place, nil
}
