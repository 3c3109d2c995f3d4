// Package dynamolease keeps the leases of shardfeed in a table of DynamoDB, which
// others may use too: the hash keys of leases begin with "lease#".
//
// Every change is one conditional write, every list is read consistently. The
// client's own retries do no harm: a write that was made already is recognised.
package dynamolease

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// Leases are the shardfeed.Leases of one group.
type Leases struct {
	client *dynamodb.Client
	table  string
	group  string
}

// New gives the leases of a group in a table as Table defines it: all workers that
// read one source for one purpose. Nothing is sent.
func New(client *dynamodb.Client, table, group string) *Leases {
	return &Leases{client: client, table: table, group: group}
}

// Table is the definition of the table: hash key p and range key s, both text.
// Capacity is by demand.
func Table(name string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName:   aws.String(name),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String(attrGroup), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(attrShard), KeyType: types.KeyTypeRange},
		},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(attrGroup), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String(attrShard), AttributeType: types.ScalarAttributeTypeS},
		},
	}
}

// List implements shardfeed.Leases.
func (l *Leases) List(ctx context.Context) ([]shardfeed.Lease, error) {
	pages := dynamodb.NewQueryPaginator(l.client, &dynamodb.QueryInput{
		TableName:                 aws.String(l.table),
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String(attrGroup + " = :p"),
		ExpressionAttributeValues: item{":p": text(l.hashKey())},
	})
	var leases []shardfeed.Lease
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read leases: %w", err)
		}
		for _, stored := range page.Items {
			lease, err := decode(stored)
			if err != nil {
				return nil, err
			}
			leases = append(leases, lease)
		}
	}
	return leases, nil
}

// Create implements shardfeed.Leases.
func (l *Leases) Create(ctx context.Context, lease shardfeed.Lease) (shardfeed.Lease, error) {
	lease.Counter = 1
	return l.put(ctx, lease, &dynamodb.PutItemInput{ConditionExpression: aws.String("attribute_not_exists(" + attrGroup + ")")})
}

// Update implements shardfeed.Leases.
func (l *Leases) Update(ctx context.Context, was, next shardfeed.Lease) (shardfeed.Lease, error) {
	next.Shard, next.Counter = was.Shard, was.Counter+1
	return l.put(ctx, next, &dynamodb.PutItemInput{
		ConditionExpression:       aws.String(unchanged),
		ExpressionAttributeValues: fence(&was),
	})
}

// put writes a lease under the condition in input.
func (l *Leases) put(ctx context.Context, lease shardfeed.Lease, input *dynamodb.PutItemInput) (shardfeed.Lease, error) {
	input.TableName, input.Item = aws.String(l.table), encode(l.hashKey(), &lease)
	input.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	_, err := l.client.PutItem(ctx, input)
	var refused *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return lease, nil
	case !errors.As(err, &refused):
		return shardfeed.Lease{}, fmt.Errorf("write a lease: %w", err)
	case len(refused.Item) == 0:
		return shardfeed.Lease{}, shardfeed.ErrLost
	}
	stored, err := decode(refused.Item)
	if err != nil {
		return shardfeed.Lease{}, err
	}
	if stored.Equal(&lease) && lease.Owner != "" { // whoever wrote it, it is this worker's
		return stored, nil
	}
	return stored, shardfeed.ErrLost
}

// Delete implements shardfeed.Leases.
func (l *Leases) Delete(ctx context.Context, was shardfeed.Lease) error {
	_, err := l.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 aws.String(l.table),
		Key:                       item{attrGroup: text(l.hashKey()), attrShard: text(was.Shard)},
		ConditionExpression:       aws.String("attribute_not_exists(" + attrGroup + ") OR " + unchanged),
		ExpressionAttributeValues: fence(&was),
	})
	var refused *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &refused):
		return shardfeed.ErrLost
	case err != nil:
		return fmt.Errorf("remove a lease: %w", err)
	}
	return nil
}

func (l *Leases) hashKey() string { return "lease#" + l.group }

// unchanged is the condition that a lease is as fence says.
const unchanged = attrCounter + " = :c AND " + attrOwner + " = :o"

func fence(was *shardfeed.Lease) item {
	return item{":c": number(strconv.FormatUint(was.Counter, 10)), ":o": text(was.Owner)}
}

type item = map[string]types.AttributeValue

// The attributes of an item.
const (
	attrGroup      = "p" // S
	attrShard      = "s" // S
	attrOwner      = "o" // S, may be empty
	attrCounter    = "c" // N
	attrCheckpoint = "k" // S, may be empty
	attrEnded      = "e" // BOOL
	attrSince      = "t" // N, seconds since 1970
	attrParents    = "a" // L of S
)

func text(value string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: value} }
func number(value string) types.AttributeValue { return &types.AttributeValueMemberN{Value: value} }

func encode(hashKey string, lease *shardfeed.Lease) item {
	parents := make([]types.AttributeValue, len(lease.Parents))
	for i, parent := range lease.Parents {
		parents[i] = text(parent)
	}
	return item{
		attrGroup: text(hashKey), attrShard: text(lease.Shard),
		attrOwner: text(lease.Owner), attrCounter: number(strconv.FormatUint(lease.Counter, 10)),
		attrCheckpoint: text(lease.Checkpoint), attrEnded: &types.AttributeValueMemberBOOL{Value: lease.Ended},
		attrSince: number(strconv.FormatInt(lease.Since.Unix(), 10)), attrParents: &types.AttributeValueMemberL{Value: parents},
	}
}

// decode makes the lease of an item. One that is none would let records be
// skipped, so it is an error.
func decode(stored item) (shardfeed.Lease, error) {
	shard, okShard := stored[attrShard].(*types.AttributeValueMemberS)
	owner, okOwner := stored[attrOwner].(*types.AttributeValueMemberS)
	counter, okCounter := stored[attrCounter].(*types.AttributeValueMemberN)
	checkpoint, okCheckpoint := stored[attrCheckpoint].(*types.AttributeValueMemberS)
	ended, okEnded := stored[attrEnded].(*types.AttributeValueMemberBOOL)
	since, okSince := stored[attrSince].(*types.AttributeValueMemberN)
	parents, okParents := stored[attrParents].(*types.AttributeValueMemberL)
	if !okShard || !okOwner || !okCounter || !okCheckpoint || !okEnded || !okSince || !okParents {
		return shardfeed.Lease{}, errors.New("an item among the leases is none")
	}
	lease := shardfeed.Lease{Shard: shard.Value, Owner: owner.Value, Checkpoint: checkpoint.Value, Ended: ended.Value}
	count, err := strconv.ParseUint(counter.Value, 10, 64)
	seconds, errSince := strconv.ParseInt(since.Value, 10, 64)
	if err = errors.Join(err, errSince); err != nil {
		return shardfeed.Lease{}, fmt.Errorf("a lease has numbers that are none: %w", err)
	}
	lease.Counter, lease.Since = count, time.Unix(seconds, 0)
	for _, value := range parents.Value {
		if parent, ok := value.(*types.AttributeValueMemberS); ok {
			lease.Parents = append(lease.Parents, parent.Value)
		}
	}
	return lease, nil
}
