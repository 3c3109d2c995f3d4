package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// defaultSlices is how many slices the index of Table has.
const defaultSlices = 16

// Table is the definition of a table of commits: hash key p, the stream; range
// key s, the number; the index for Recent, which holds keys only; and a stream of
// keys, so that no personal data travels in it. Capacity is by demand.
func Table(name string) *dynamodb.CreateTableInput { return SlicedTable(name, defaultSlices) }

// SlicedTable is Table with an index of so many slices: over how many hash keys
// the commits of an hour are spread. Each takes a thousand commits a second; Recent
// sends a request for each slice and hour. The index's name holds the number, so
// that all who open the table know it, and it can never change.
func SlicedTable(name string, slices int) *dynamodb.CreateTableInput {
	key := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{
			{AttributeName: aws.String(hash), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange},
		}
	}
	attribute := func(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: kind}
	}
	return &dynamodb.CreateTableInput{
		TableName:   aws.String(name),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   key(attrStream, attrSeq),
		AttributeDefinitions: []types.AttributeDefinition{
			attribute(attrStream, types.ScalarAttributeTypeS), attribute(attrSeq, types.ScalarAttributeTypeN),
			attribute(attrHour, types.ScalarAttributeTypeS), attribute(attrTime, types.ScalarAttributeTypeN),
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String(indexOf(slices)),
			KeySchema:  key(attrHour, attrTime),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeKeysOnly},
	}
}

// Create makes the table of commits unless there is one of that name, and waits
// until it can be used. It does not change a table that is there.
func Create(ctx context.Context, client *dynamodb.Client, name string) error {
	_, err := client.CreateTable(ctx, Table(name))
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("create the table %s: %w", name, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = time.Second })
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(name)}, 5*time.Minute); err != nil {
		return fmt.Errorf("wait for the table %s: %w", name, err)
	}
	return nil
}
