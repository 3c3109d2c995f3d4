package dynamoview

import (
	"context"
	"fmt"

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
	var keys []map[string]types.AttributeValue
	for _, e := range of {
		if _, asked := states[e]; !asked {
			states[e] = unknown
			keys = append(keys, itemKey(v.bucket(e.kind, e.id), e.id))
		}
	}
	for throttled := 0; len(keys) > 0; {
		some := keys[:min(batchKeys, len(keys))]
		keys = keys[len(some):]
		left, err := v.someEnds(ctx, some, states)
		if err != nil {
			return nil, err
		}
		if keys = append(keys, left...); len(left) == 0 {
			continue
		}
		if err := pause(ctx, throttled); err != nil {
			return nil, unavailable("read the ends of memberships", err)
		}
		throttled++
	}
	return states, nil
}

// someEnds reads the ends with the keys, and gives the keys that the table left
// for later.
func (v *View) someEnds(ctx context.Context, keys []map[string]types.AttributeValue, states map[end]state) ([]map[string]types.AttributeValue, error) {
	asked := types.KeysAndAttributes{Keys: keys, ConsistentRead: aws.Bool(true)}
	asked.ProjectionExpression, asked.ExpressionAttributeNames = projection([]string{"p", "s", "n", "x"})
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
		switch {
		case found["x"] != nil:
			states[end{kind, id}] = gone
		case found["n"] != nil:
			states[end{kind, id}] = here
		}
	}
	return got.UnprocessedKeys[v.options.Table].Keys, nil
}
