package dynamoview

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// tidiedAtOnce is how many memberships one Tidy ends.
const tidiedAtOnce = 100

// Tidy ends some of the memberships of a removed user or group, which no list has
// shown since: their members' revisions are raised, as their documents change.
// It names those memberships, also those of an earlier call that Tidied was not
// called for; none when there are none left.
func (v *View) Tidy(ctx context.Context, ended eventstream.StreamID) ([]eventstream.Position, error) {
	id, ok := ended.UUID()
	if !ok {
		return nil, ErrNotShown
	}
	partitions := []string{groupsOf(id)}
	if ended.Kind() == eventstream.GroupKind {
		partitions = append(partitions, membersOf(domain.GroupID{UUID: id}))
	}
	var edges []domain.Membership
	var counted []bool
	for _, partition := range partitions {
		stored, err := v.visible(ctx, partition, uuid.Nil, tidiedAtOnce-len(edges))
		if err != nil {
			return nil, err
		}
		for _, one := range stored {
			edge, err := readEdgeIn(partition, one, id)
			if err != nil {
				return nil, err
			}
			edges, counted = append(edges, edge), append(counted, one["e"] != nil)
		}
		if len(edges) == tidiedAtOnce {
			break
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	named := make([]eventstream.Position, len(edges))
	for i := range edges {
		named[i] = eventstream.Position{Stream: eventstream.MemberStream(edges[i].Group.UUID, edges[i].Member), Seq: eventstream.Seq(edges[i].Seq)}
		if !counted[i] {
			group.Go(func() error { return v.endEdge(ctx, &edges[i]) })
		}
	}
	return named, group.Wait()
}

// writers is how many items are written at a time.
const writers = 8

func readEdgeIn(partition string, stored item, owner uuid.UUID) (domain.Membership, error) {
	other, err := stored.id()
	if err != nil {
		return domain.Membership{}, fmt.Errorf("%w: %w", errDamagedRow, err)
	}
	if partition == groupsOf(owner) {
		return readEdge(stored, domain.GroupID{UUID: other}, owner)
	}
	return readEdge(stored, domain.GroupID{UUID: owner}, other)
}

// endEdge counts the end of a membership in its member's revision, once.
func (v *View) endEdge(ctx context.Context, edge *domain.Membership) error {
	forth, back := edgeKeys(edge.Group, edge.Member)
	mark := item{"e": &types.AttributeValueMemberBOOL{Value: true}}
	return unlessMoved(v.makeAll(ctx, "end a membership",
		&change{key: forth, set: mark, condition: "attribute_not_exists(e) AND attribute_not_exists(x)"},
		&change{key: back, set: mark},
		v.counting(edge, 1),
	))
}

// Tidied takes memberships that Tidy named, and that were announced since, out of
// its lists; without any, it notes that nothing is left to tidy after the removed
// user or group.
func (v *View) Tidied(ctx context.Context, ended eventstream.StreamID, rows []eventstream.Position) error {
	if len(rows) == 0 {
		key, shown := v.keyOf(ended)
		if !shown {
			return ErrNotShown
		}
		set := item{"t": &types.AttributeValueMemberBOOL{Value: true}}
		return unlessMoved(v.make(ctx, "note what was tidied", &change{key: key, set: set, condition: "attribute_exists(x)"}))
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for _, row := range rows {
		group.Go(func() error {
			of, member, ok := row.Stream.Edge()
			if !ok {
				return ErrNotShown
			}
			forth, back := edgeKeys(domain.GroupID{UUID: of}, member)
			hidden := item{"x": &types.AttributeValueMemberBOOL{Value: true}}
			at := item{}
			at.setNumber(":at", uint64(row.Seq))
			return unlessMoved(v.makeAll(ctx, "hide a membership that ended",
				&change{key: forth, set: hidden, condition: "n = :at", values: at}, &change{key: back, set: hidden},
			))
		})
	}
	return group.Wait()
}

func edgeKeys(group domain.GroupID, member uuid.UUID) (forth, back item) {
	return itemKey(membersOf(group), member), itemKey(groupsOf(member), group.UUID)
}
