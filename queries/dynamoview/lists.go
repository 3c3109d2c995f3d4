package dynamoview

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Users implements queries.Lists.
func (v *View) Users(ctx context.Context, after domain.UserID, limit int) ([]domain.User, error) {
	return listEntities(ctx, v, v.partitions(eventstream.UserKind), after.UUID, limit, userEntity)
}

// Groups implements queries.Lists.
func (v *View) Groups(ctx context.Context, after domain.GroupID, limit int) ([]domain.Group, error) {
	return listEntities(ctx, v, v.partitions(eventstream.GroupKind), after.UUID, limit, groupEntity)
}

// Keys implements queries.Lists.
func (v *View) Keys(ctx context.Context, after domain.KeyID, limit int) ([]domain.APIKey, error) {
	return listEntities(ctx, v, []string{keyPartition}, after.UUID, limit, keyEntity)
}

func (v *View) partitions(kind eventstream.Kind) []string {
	all := make([]string, v.options.Buckets)
	for i := range all {
		all[i] = partition(kind, i)
	}
	return all
}

// listEntities lists what is not hidden in any of the partitions, by id.
func listEntities[E any](ctx context.Context, v *View, partitions []string, after uuid.UUID, limit int, fresh func(uuid.UUID) *entity[E]) ([]E, error) {
	if limit <= 0 {
		return nil, nil
	}
	found := make([][]item, len(partitions))
	group, ctx := errgroup.WithContext(ctx)
	for i, partition := range partitions {
		group.Go(func() (err error) {
			found[i], err = v.visible(ctx, partition, after, limit)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(found...)
	slices.SortFunc(all, func(a, b item) int { return bytes.Compare([]byte(a.text("s")), []byte(b.text("s"))) })
	all = all[:min(limit, len(all))]
	entities := make([]E, len(all))
	for i, one := range all {
		id, err := one.id()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errDamagedRow, err)
		}
		e := fresh(id)
		if err := e.read(one); err != nil {
			return nil, err
		}
		entities[i] = *e.value
	}
	return entities, nil
}

// What items a list is made of.
const (
	notHidden = "attribute_exists(n) AND attribute_not_exists(x)"
	everMade  = "attribute_exists(n)"
)

// visible gives the first items of a partition after an id that are not hidden.
func (v *View) visible(ctx context.Context, partition string, after uuid.UUID, limit int) ([]item, error) {
	return v.items(ctx, partition, after, limit, notHidden)
}

// items gives the first items of a partition after an id that a filter lets
// through.
func (v *View) items(ctx context.Context, partition string, after uuid.UUID, limit int, filter string) ([]item, error) {
	values := item{}
	values.setText(":p", partition)
	values.setText(":after", after.String())
	input := &dynamodb.QueryInput{
		TableName: &v.options.Table, ConsistentRead: aws.Bool(true), ExpressionAttributeValues: values,
		KeyConditionExpression: aws.String("p = :p AND s > :after"), FilterExpression: &filter,
		Limit: aws.Int32(int32(min(limit, maxQueried))),
	}
	var found []item
	for {
		page, err := v.client.Query(ctx, input)
		if err != nil {
			return nil, unavailable("list rows", err)
		}
		for _, one := range page.Items {
			found = append(found, one)
		}
		if len(found) >= limit || page.LastEvaluatedKey == nil {
			return found[:min(limit, len(found))], nil
		}
		input.ExclusiveStartKey = page.LastEvaluatedKey
	}
}

// maxQueried is the most items that are looked at in one request.
const maxQueried = 1000

// Members implements queries.Lists.
func (v *View) Members(ctx context.Context, group domain.GroupID, after uuid.UUID, limit int) ([]domain.Membership, error) {
	return v.edges(ctx, end{eventstream.GroupKind, group.UUID}, membersOf(group), after, limit, func(stored item, id uuid.UUID) (domain.Membership, end, error) {
		edge, err := readEdge(stored, group, id)
		return edge, endOf(&edge), err
	})
}

// GroupsOf implements queries.Lists.
func (v *View) GroupsOf(ctx context.Context, member uuid.UUID, after domain.GroupID, limit int) ([]domain.Membership, error) {
	return v.edges(ctx, end{id: member}, groupsOf(member), after.UUID, limit, func(stored item, id uuid.UUID) (domain.Membership, end, error) {
		edge, err := readEdge(stored, domain.GroupID{UUID: id}, member)
		return edge, end{eventstream.GroupKind, id}, err
	})
}

// edges lists the memberships in a partition whose two ends are there. The near
// end is whose list it is; of a member only the edges tell which kind it is of.
func (v *View) edges(ctx context.Context, near end, partition string, after uuid.UUID, limit int, read func(item, uuid.UUID) (domain.Membership, end, error)) ([]domain.Membership, error) {
	var listed []domain.Membership
	for len(listed) < limit {
		stored, err := v.visible(ctx, partition, after, limit)
		if err != nil || len(stored) == 0 {
			return listed, err
		}
		edges, far := make([]domain.Membership, len(stored)), make([]end, len(stored))
		asked := make([]end, 0, len(stored)+1)
		for i, one := range stored {
			id, err := one.id()
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errDamagedRow, err)
			}
			if edges[i], far[i], err = read(one, id); err != nil {
				return nil, err
			}
			after = id
		}
		if near.kind == "" {
			near = endOf(&edges[0])
		}
		states, err := v.ends(ctx, append(append(asked, near), far...))
		if err != nil || states[near] != here {
			return nil, err
		}
		for i := range edges {
			if states[far[i]] == here && len(listed) < limit {
				listed = append(listed, edges[i])
			}
		}
		if len(stored) < limit {
			break
		}
	}
	return listed, nil
}
