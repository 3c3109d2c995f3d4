package dynamostate

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/eventstream"
)

func replicaKey() item { return key("replica", "record") }

// Replica gives the record of which store this one follows, nil if it follows none.
func (s *State) Replica(ctx context.Context) ([]byte, error) {
	got, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: replicaKey(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, failed("read the record of a replica", err)
	}
	if len(got.Item) == 0 {
		return nil, nil
	}
	record, is := got.Item["d"].(*types.AttributeValueMemberB)
	if !is {
		return nil, fmt.Errorf("%w: the record of a replica", eventstream.ErrCorrupt)
	}
	return record.Value, nil
}

// SetReplica keeps the record, and tells whether it did: unless it may begin, only in
// place of one that is there.
func (s *State) SetReplica(ctx context.Context, record []byte, begin bool) (kept bool, err error) {
	put := replicaKey()
	put["d"] = &types.AttributeValueMemberB{Value: record}
	input := &dynamodb.PutItemInput{TableName: &s.table, Item: put}
	if !begin {
		input.ConditionExpression = aws.String("attribute_exists(d)")
	}
	_, err = s.client.PutItem(ctx, input)
	var gone *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &gone):
		return false, nil
	case err != nil:
		return false, failed("keep the record of a replica", err)
	}
	return true, nil
}

// ForgetReplica removes the record: the store follows none from now on.
func (s *State) ForgetReplica(ctx context.Context) error {
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: replicaKey()})
	if err != nil {
		return failed("forget the record of a replica", err)
	}
	return nil
}
