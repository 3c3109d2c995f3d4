package dynamoview

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// end is a user or group as the end of a membership.
type end struct {
	kind eventstream.Kind
	id   uuid.UUID
}

// endOf is the member of a membership.
func endOf(edge *domain.Membership) end {
	if edge.Kind == domain.GroupMember {
		return end{eventstream.GroupKind, edge.Member}
	}
	return end{eventstream.UserKind, edge.Member}
}

// state is what is known of an end.
type state int

const (
	unknown state = iota
	here
	gone
)

// batchKeys is the most keys that one request may name.
const batchKeys = 100

// ends tells what there is of each of the ends.
func (v *View) ends(ctx context.Context, of []end) (map[end]state, error) {
	states := make(map[end]state, len(of))
	for _, e := range of {
		states[e] = unknown
	}
	err := v.readEnds(ctx, slices.Collect(maps.Keys(states)), []string{"n", "x"}, func(e end, found item) error {
		switch {
		case found["x"] != nil:
			states[e] = gone
		case found["n"] != nil:
			states[e] = here
		}
		return nil
	})
	return states, err
}

// readEnds reads some attributes of the rows of ends, of which none is named
// twice, many in one request. Those that have no row are not visited.
func (v *View) readEnds(ctx context.Context, of []end, attributes []string, visit func(end, item) error) error {
	keys := make([]map[string]types.AttributeValue, len(of))
	for i, e := range of {
		keys[i] = itemKey(v.bucket(e.kind, e.id), e.id)
	}
	for throttled := 0; len(keys) > 0; {
		some := keys[:min(batchKeys, len(keys))]
		keys = keys[len(some):]
		left, err := v.readSomeEnds(ctx, some, attributes, visit)
		if err != nil {
			return err
		}
		if keys = append(keys, left...); len(left) == 0 {
			continue
		}
		if err := pause(ctx, throttled); err != nil {
			return unavailable("read the ends of memberships", err)
		}
		throttled++
	}
	return nil
}

// readSomeEnds reads the ends with the keys, and gives the keys that the table
// left for later.
func (v *View) readSomeEnds(
	ctx context.Context, keys []map[string]types.AttributeValue, attributes []string, visit func(end, item) error,
) ([]map[string]types.AttributeValue, error) {
	asked := types.KeysAndAttributes{Keys: keys, ConsistentRead: aws.Bool(true)}
	asked.ProjectionExpression, asked.ExpressionAttributeNames = projection(append([]string{"p", "s"}, attributes...))
	got, err := v.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{v.options.Table: asked}})
	if err != nil {
		return nil, unavailable("read the ends of memberships", err)
	}
	for _, found := range got.Responses[v.options.Table] {
		id, err := item(found).id()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errDamagedRow, err)
		}
		kind := eventstream.GroupKind
		if item(found).text("p") == v.bucket(eventstream.UserKind, id) {
			kind = eventstream.UserKind
		}
		if err := visit(end{kind, id}, found); err != nil {
			return nil, err
		}
	}
	return got.UnprocessedKeys[v.options.Table].Keys, nil
}

// Roots implements queries.Rows.
func (v *View) Roots(ctx context.Context, of []domain.EntityID) ([]domain.Root, error) {
	places := make(map[end][]int, len(of))
	for i, one := range of {
		kind := eventstream.UserKind
		if one.Kind == domain.GroupMember {
			kind = eventstream.GroupKind
		}
		places[end{kind, one.ID}] = append(places[end{kind, one.ID}], i)
	}
	roots := make([]domain.Root, len(of))
	err := v.readEnds(ctx, slices.Collect(maps.Keys(places)), []string{"n", "x", "c", "u"}, func(e end, found item) error {
		root, err := readRoot(found)
		for _, i := range places[e] {
			roots[i] = root
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return roots, nil
}

func readRoot(from item) (domain.Root, error) {
	seq, err := from.number("n")
	if err != nil || seq == 0 {
		return domain.Root{}, err
	}
	created, createdErr := from.time("c")
	updated, updatedErr := from.time("u")
	if err := errors.Join(createdErr, updatedErr); err != nil {
		return domain.Root{}, fmt.Errorf("%w: %w", errDamagedRow, err)
	}
	return domain.Root{Seq: seq, CreatedAt: created, UpdatedAt: updated, Removed: from["x"] != nil}, nil
}
