package dynamostate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/eventstream"
)

func rollKey() item { return key("generations", "roll") }

// Roll implements generations.Keeper.
func (s *State) Roll(ctx context.Context) (record []byte, version uint64, err error) {
	found, err := s.roll(ctx, nil)
	if err != nil || len(found) == 0 {
		return nil, 0, err
	}
	data, _ := found["d"].(*types.AttributeValueMemberB)
	version, err = versionOf(found)
	if err != nil || data == nil {
		return nil, 0, fmt.Errorf("%w: the roll of generations", eventstream.ErrCorrupt)
	}
	return data.Value, version, nil
}

// RollVersion implements generations.Keeper.
func (s *State) RollVersion(ctx context.Context) (uint64, error) {
	found, err := s.roll(ctx, aws.String("v"))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return versionOf(found)
}

func (s *State) roll(ctx context.Context, only *string) (item, error) {
	got, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: rollKey(), ConsistentRead: aws.Bool(true), ProjectionExpression: only})
	if err != nil {
		return nil, failed("read the roll of generations", err)
	}
	return got.Item, nil
}

func versionOf(found item) (uint64, error) {
	number, is := found["v"].(*types.AttributeValueMemberN)
	if !is {
		return 0, fmt.Errorf("%w: the roll of generations has no version", eventstream.ErrCorrupt)
	}
	return strconv.ParseUint(number.Value, 10, 64)
}

// SetRoll implements generations.Keeper. After an error it may be kept.
func (s *State) SetRoll(ctx context.Context, was uint64, record []byte) (bool, error) {
	kept := rollKey()
	kept["d"] = &types.AttributeValueMemberB{Value: record}
	kept["v"] = &types.AttributeValueMemberN{Value: strconv.FormatUint(was+1, 10)}
	input := &dynamodb.PutItemInput{TableName: &s.table, Item: kept, ConditionExpression: aws.String("attribute_not_exists(p)")}
	if was > 0 {
		input.ConditionExpression = aws.String("v = :was")
		input.ExpressionAttributeValues = item{":was": &types.AttributeValueMemberN{Value: strconv.FormatUint(was, 10)}}
	}
	input.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	_, err := s.client.PutItem(ctx, input)
	var other *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &other):
		return sameRoll(other.Item, kept), nil // the client may have sent it twice
	case err != nil:
		return false, failed("change the roll of generations", err)
	}
	return true, nil
}

func sameRoll(one, other item) bool {
	record, _ := one["d"].(*types.AttributeValueMemberB)
	version, _ := one["v"].(*types.AttributeValueMemberN)
	return record != nil && version != nil && bytes.Equal(record.Value, other["d"].(*types.AttributeValueMemberB).Value) &&
		version.Value == other["v"].(*types.AttributeValueMemberN).Value
}

func buildPartition(id uint64) string { return "build#" + strconv.FormatUint(id, 10) }

// Progress gives what was noted of each part of a build.
func (s *State) Progress(ctx context.Context, build uint64) (map[string][]byte, error) {
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("p = :p"),
		ExpressionAttributeValues: item{":p": &types.AttributeValueMemberS{Value: buildPartition(build)}},
	})
	notes := map[string][]byte{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed("read how far a build is", err)
		}
		for _, found := range page.Items {
			part, _ := found["s"].(*types.AttributeValueMemberS)
			note, _ := found["d"].(*types.AttributeValueMemberB)
			if part == nil || note == nil {
				return nil, fmt.Errorf("%w: a note of how far a build is", eventstream.ErrCorrupt)
			}
			notes[part.Value] = note.Value
		}
	}
	return notes, nil
}

// SetProgress notes how far a part of a build is.
func (s *State) SetProgress(ctx context.Context, build uint64, part string, note []byte) error {
	kept := key(buildPartition(build), part)
	kept["d"] = &types.AttributeValueMemberB{Value: note}
	if _, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: kept}); err != nil {
		return failed("note how far a build is", err)
	}
	return nil
}

// ForgetProgress removes what was noted of a build.
func (s *State) ForgetProgress(ctx context.Context, build uint64) error {
	notes, err := s.Progress(ctx, build)
	if err != nil {
		return err
	}
	for part := range notes {
		if _, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: key(buildPartition(build), part)}); err != nil {
			return failed("forget how far a build was", err)
		}
	}
	return nil
}
