package shardtest

import (
	"context"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/testservers"
)

// Table is a table on the test server that is removed when the test ends.
type Table struct {
	Name   string
	Client *dynamodb.Client
}

// NewTable makes a table as it is defined, with a name of its own.
func NewTable(t testing.TB, define func(name string) *dynamodb.CreateTableInput) *Table {
	t.Helper()
	table := &Table{Name: "table-" + uuid.NewString(), Client: dynamodb.NewFromConfig(Config(t, testservers.DynamoDB))}
	if _, err := table.Client.CreateTable(t.Context(), define(table.Name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		table.Client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: aws.String(table.Name)})
	})
	return table
}

// WriteCommits adds items whose keys are those of commits.
func (table *Table) WriteCommits(ctx context.Context, positions []eventstream.Position) error {
	for _, p := range positions {
		if err := table.put(ctx, itemOf(p)); err != nil {
			return err
		}
	}
	return nil
}

// WriteOthers adds an item that is no commit, changes it, and says how many records
// tell of that.
func (table *Table) WriteOthers(ctx context.Context) (int, error) {
	item := itemOf(eventstream.Position{Stream: "user/other"}) // no commit has the number 0
	if err := table.put(ctx, item); err != nil {
		return 0, err
	}
	item["x"] = &types.AttributeValueMemberS{Value: "changed"}
	return 2, table.put(ctx, item)
}

func (table *Table) put(ctx context.Context, item map[string]types.AttributeValue) error {
	_, err := table.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(table.Name), Item: item})
	return err
}

func itemOf(p eventstream.Position) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"p": &types.AttributeValueMemberS{Value: string(p.Stream)},
		"s": &types.AttributeValueMemberN{Value: strconv.FormatUint(uint64(p.Seq), 10)},
	}
}
