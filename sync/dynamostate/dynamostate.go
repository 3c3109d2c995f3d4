// Package dynamostate keeps the few things that all processes of a directory
// share, in the table of package dynamolease: which streams are parked, which
// generations of views there are and how far one is that is being filled, which store
// is followed, and the secret under which unique values are hashed. Its items begin
// with "parked#", "generations", "build#", "replica" and "secret".
package dynamostate

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/awshttp"
)

// State is what a table holds. Its methods may be called concurrently; every read
// is consistent. An error of the table or of the way to it is
// eventstream.ErrUnavailable.
type State struct {
	client *dynamodb.Client
	table  string
}

// New gives the state in a table. Nothing is sent.
func New(client *dynamodb.Client, table string) *State {
	steady := dynamodb.New(client.Options(), func(o *dynamodb.Options) { o.HTTPClient = awshttp.Steady(o.HTTPClient) })
	return &State{steady, table}
}

type item = map[string]types.AttributeValue

func key(partition, sort string) item {
	return item{"p": &types.AttributeValueMemberS{Value: partition}, "s": &types.AttributeValueMemberS{Value: sort}}
}

func parkedIn(view string) string { return "parked#" + view }

// Load implements querysync.ParkedStore.
func (s *State) Load(ctx context.Context, view string) (map[eventstream.StreamID][]byte, error) {
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("p = :p"),
		ExpressionAttributeValues: item{":p": &types.AttributeValueMemberS{Value: parkedIn(view)}},
	})
	records := map[eventstream.StreamID][]byte{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed("read what is parked", err)
		}
		for _, found := range page.Items {
			stream, _ := found["s"].(*types.AttributeValueMemberS)
			record, _ := found["d"].(*types.AttributeValueMemberB)
			if stream == nil || record == nil {
				return nil, fmt.Errorf("%w: a record of a parked stream", eventstream.ErrCorrupt)
			}
			records[eventstream.StreamID(stream.Value)] = record.Value
		}
	}
	return records, nil
}

// Put implements querysync.ParkedStore.
func (s *State) Put(ctx context.Context, view string, stream eventstream.StreamID, record []byte) error {
	kept := key(parkedIn(view), string(stream))
	kept["d"] = &types.AttributeValueMemberB{Value: record}
	if _, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: kept}); err != nil {
		return failed("record what is parked", err)
	}
	return nil
}

// Delete implements querysync.ParkedStore.
func (s *State) Delete(ctx context.Context, view string, stream eventstream.StreamID) error {
	if _, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: key(parkedIn(view), string(stream))}); err != nil {
		return failed("record what is no longer parked", err)
	}
	return nil
}

func secretKey() item { return key("secret", "claim") }

// Secret gives the secret, nil if none was kept.
func (s *State) Secret(ctx context.Context) ([]byte, error) {
	got, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: secretKey(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, failed("read the claim secret", err)
	}
	secret, _ := got.Item["d"].(*types.AttributeValueMemberB)
	if secret == nil {
		return nil, nil
	}
	return secret.Value, nil
}

// KeepSecret keeps a secret unless there is one, and gives the one that is kept.
func (s *State) KeepSecret(ctx context.Context, secret []byte) ([]byte, error) {
	kept := secretKey()
	kept["d"] = &types.AttributeValueMemberB{Value: secret}
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: kept, ConditionExpression: aws.String("attribute_not_exists(p)")})
	var exists *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &exists) {
		return nil, failed("keep the claim secret", err)
	}
	return s.Secret(ctx)
}

func failed(attempted string, err error) error {
	return fmt.Errorf("%s: %w: %w", attempted, eventstream.ErrUnavailable, err)
}
