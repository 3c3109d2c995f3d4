package commands

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// end is one end of an edge: a user or a group, or nobody.
type end struct {
	kind   domain.MemberKind // empty if there is nobody
	stream eventstream.StreamID
	seq    eventstream.Seq
}

func (e *end) exists() bool { return e.kind != "" }

// userEnd and groupEnd read whether there is a user or a group. A removal is
// always the last commit, so that the last one is enough.
func (r *reader) userEnd(ctx context.Context, id uuid.UUID) (end, error) {
	return r.end(ctx, domain.UserMember, eventstream.UserStream(id))
}

func (r *reader) groupEnd(ctx context.Context, id uuid.UUID) (end, error) {
	return r.end(ctx, domain.GroupMember, eventstream.GroupStream(id))
}

func (r *reader) end(ctx context.Context, kind domain.MemberKind, stream eventstream.StreamID) (end, error) {
	last, err := r.streams.Last(ctx, stream)
	if err != nil || last.Seq == 0 {
		return end{}, err
	}
	if removed, err := removes(&last); err != nil || removed {
		return end{}, err
	}
	return end{kind, stream, last.Seq}, nil
}

// anyEnd finds out whose the id is.
func (r *reader) anyEnd(ctx context.Context, id uuid.UUID) (end, error) {
	found, err := r.userEnd(ctx, id)
	if err != nil || found.exists() {
		return found, err
	}
	return r.groupEnd(ctx, id)
}

// removes tells whether the commit ends its entity. A commit that does not name
// the event does not, and need not be decoded.
func removes(commit *eventstream.Commit) (bool, error) {
	if !bytes.Contains(commit.Data, []byte(`"SetRemoved"`)) {
		return false, nil
	}
	events, err := decode(commit)
	return slices.Contains(events, domain.Event(domain.SetRemoved{Removed: true})), err
}

// membership reads an edge. Each of its commits says it in full, and none says
// again what was, so that the last one is enough.
func (r *reader) membership(ctx context.Context, group domain.GroupID, member uuid.UUID) (domain.Membership, error) {
	edge := domain.Membership{Group: group, Member: member}
	last, events, err := r.last(ctx, edgeStream(&edge))
	if err != nil || last.Seq == 0 {
		return edge, err
	}
	return edge, applyLast(&edge, &last, events)
}

func applyLast(edge *domain.Membership, last *eventstream.Commit, events []domain.Event) error {
	edge.Seq = uint64(last.Seq) - 1
	return edge.Apply(uint64(last.Seq), last.Time, events)
}

func edgeStream(edge *domain.Membership) eventstream.StreamID {
	return eventstream.MemberStream(edge.Group.UUID, edge.Member)
}

// edgePosition is where the edge stands.
func edgePosition(edge *domain.Membership) eventstream.Position {
	return eventstream.Position{Stream: edgeStream(edge), Seq: eventstream.Seq(edge.Seq)}
}
