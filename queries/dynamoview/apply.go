package dynamoview

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// ErrNotShown is why Apply refuses commits of a stream that has no row here.
var ErrNotShown = errors.New("stream not shown")

var errRevived = errors.New("a removed entity was set to be there again")

// Apply folds commits of one stream into its row, in one step, provided the row
// stands right before the first of them; otherwise it changes nothing and
// answers eventstream.ErrMoved. The commits must be at least one, consecutive and
// of one stream that the view shows. An error that is eventstream.ErrUnavailable
// leaves open whether the row was written; applying again is safe.
func (v *View) Apply(ctx context.Context, commits []eventstream.Commit) error {
	if len(commits) == 0 {
		return errors.New("apply: no commits")
	}
	stream := commits[0].Stream
	for i := range commits {
		if commits[i].Stream != stream || commits[i].Seq != commits[0].Seq+eventstream.Seq(i) {
			return errors.New("apply: commits do not follow each other in one stream")
		}
	}
	if err := v.apply(ctx, stream, commits); err != nil {
		return fmt.Errorf("apply %d commits of kind %s: %w", len(commits), stream.Kind(), err)
	}
	return nil
}

func (v *View) apply(ctx context.Context, stream eventstream.StreamID, commits []eventstream.Commit) error {
	key, shown := v.keyOf(stream)
	if !shown {
		return ErrNotShown
	}
	if stream.Kind() == eventstream.MemberKind {
		return v.applyEdge(ctx, stream, commits)
	}
	id, _ := stream.UUID()
	switch stream.Kind() {
	case eventstream.UserKind:
		return applyEntity(ctx, v, key, userEntity(id), commits)
	case eventstream.GroupKind:
		return applyEntity(ctx, v, key, groupEntity(id), commits)
	default:
		return applyEntity(ctx, v, key, keyEntity(id), commits)
	}
}

func applyEntity[E any](ctx context.Context, v *View, key item, e *entity[E], commits []eventstream.Commit) error {
	stored, err := v.get(ctx, key)
	if err != nil {
		return err
	}
	if err := e.read(stored); err != nil {
		return err
	}
	before, removed := e.root.Seq, e.root.Removed
	if err := fold(before, e.apply, commits); err != nil {
		return err
	}
	if removed && !e.root.Removed {
		return errRevived
	}
	written, err := e.change(key)
	if err != nil {
		return err
	}
	written.condition, written.values = standsAt(before)
	return v.make(ctx, "write a row", written)
}

// standsAt is the condition that a row is where it was read.
func standsAt(seq uint64) (condition string, values item) {
	if seq == 0 {
		return "attribute_not_exists(n)", nil
	}
	before := item{}
	before.setNumber(":before", seq)
	return "n = :before", before
}

// applyEdge folds commits into a membership and writes both of its items. The
// one in the group says where it stands; the other is never apart from it. The
// member's revision counts the commits in the same transaction.
func (v *View) applyEdge(ctx context.Context, stream eventstream.StreamID, commits []eventstream.Commit) error {
	groupID, member, _ := stream.Edge()
	group := domain.GroupID{UUID: groupID}
	forthKey, backKey := edgeKeys(group, member)
	stored, err := v.get(ctx, forthKey)
	if err != nil {
		return err
	}
	edge, err := readEdge(stored, group, member)
	if err != nil {
		return err
	}
	before := edge.Seq
	edge.Group, edge.Member = group, member
	if err := fold(before, edge.Apply, commits); err != nil {
		return err
	}
	forth, back := edgeChange(forthKey, &edge), edgeChange(backKey, &edge)
	forth.condition, forth.values = standsAt(before)
	return v.makeAll(ctx, "write a membership", forth, back, v.counting(&edge, len(commits)))
}

// counting raises the revision of a membership's member.
func (v *View) counting(edge *domain.Membership, by int) *change {
	member := endOf(edge)
	add := item{}
	add.setNumber("r", uint64(by))
	return &change{key: itemKey(v.bucket(member.kind, member.id), member.id), add: add}
}
