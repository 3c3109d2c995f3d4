package dynamostreamfeed_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/dynamostreamfeed"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
	"github.com/seed5b6a70b4/identity/sync/shardtest"
)

func TestContract(t *testing.T) {
	shardtest.Run(t, shardtest.Harness{New: newStream, OneShard: "a stream of DynamoDB Local has one shard for ever"})
}

func newStream(t *testing.T) shardtest.Stream {
	config := shardtest.Config(t, testservers.DynamoDB)
	client, table, leases := dynamodb.NewFromConfig(config), "commits-"+uuid.NewString(), "sync-"+uuid.NewString()
	if err := dynamostore.Create(t.Context(), client, table); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateTable(t.Context(), dynamolease.Table(leases)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, name := range []string{table, leases} {
			client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: aws.String(name)})
		}
	})
	put := func(ctx context.Context, item map[string]types.AttributeValue) error {
		_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(table), Item: item})
		return err
	}
	return shardtest.Stream{
		Source: func() shardfeed.Source {
			return dynamostreamfeed.New(dynamodbstreams.NewFromConfig(config), client, table)
		},
		Leases: dynamolease.New(client, leases, "test"),
		Write: func(ctx context.Context, positions []eventstream.Position) error {
			for _, p := range positions {
				if err := put(ctx, itemOf(string(p.Stream), uint64(p.Seq))); err != nil {
					return err
				}
			}
			return nil
		},
		WriteUnknown: func(ctx context.Context) (int, error) {
			item := itemOf("user/other", 0) // no commit has this number
			if err := put(ctx, item); err != nil {
				return 0, err
			}
			item["x"] = &types.AttributeValueMemberS{Value: "changed"}
			return 2, put(ctx, item)
		},
	}
}

func itemOf(stream string, seq uint64) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"p": &types.AttributeValueMemberS{Value: stream}, "s": &types.AttributeValueMemberN{Value: strconv.FormatUint(seq, 10)},
	}
}
