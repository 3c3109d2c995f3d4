package dynamostore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
)

// TestTheTable: keys only in the index and in the stream, no local index, and a
// table that is there is left alone.
func TestTheTable(t *testing.T) {
	name := newTable(t)
	store, _ := wiredTo(t, name, nil)
	mustAppend(t, store, user("a"))
	client := connect(t)
	if err := dynamostore.Create(t.Context(), client, name); err != nil {
		t.Fatalf("create again: %v", err)
	}
	wantHead(t, store, "user/a", 1)
	described, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(name)})
	if err != nil {
		t.Fatal(err)
	}
	table := described.Table
	if len(table.GlobalSecondaryIndexes) != 1 || table.GlobalSecondaryIndexes[0].Projection.ProjectionType != types.ProjectionTypeKeysOnly {
		t.Error("the index is not of keys only")
	}
	if table.StreamSpecification == nil || !*table.StreamSpecification.StreamEnabled || table.StreamSpecification.StreamViewType != types.StreamViewTypeKeysOnly {
		t.Error("the stream is not of keys only")
	}
	if len(table.LocalSecondaryIndexes) > 0 || table.BillingModeSummary == nil || table.BillingModeSummary.BillingMode != types.BillingModePayPerRequest {
		t.Error("there is a local index, or the capacity is fixed")
	}
}

// TestRecentReadsTheIndex of the hours in question, with overlap, and not the
// table.
func TestRecentReadsTheIndex(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	now := noon
	store, w := wiredTo(t, newSlicedTable(t, 3), &dynamostore.Options{Now: func() time.Time { return now }})
	mustAppend(t, store, user("old"))
	now = noon.Add(30 * time.Minute)
	mustAppend(t, store, user("new"))
	for _, test := range []struct {
		since time.Time
		hours int
		first eventstream.StreamID
		named bool
	}{
		{noon.Add(time.Minute), 4, "user/old", true}, // the overlap goes back to 11:59
		{noon.Add(10 * time.Minute), 3, "user/old", false},
		{noon.Add(30 * time.Minute), 3, "user/new", true},
	} {
		w.take()
		named := false
		for position, err := range store.Recent(t.Context(), test.since) {
			if err != nil {
				t.Fatal(err)
			}
			named = named || position.Stream == test.first
		}
		sent := w.take()
		if named != test.named || len(sent) != 3*test.hours {
			t.Errorf("since %v: named %v by %d requests, want %v by %d", test.since, named, len(sent), test.named, 3*test.hours)
		}
		for _, input := range sent {
			if query, ok := input.(*dynamodb.QueryInput); !ok || query.IndexName == nil || query.ConsistentRead != nil {
				t.Fatalf("%T does not read the index", input)
			}
		}
	}
}

// TestSlicesAreOfTheTable: all who open one use as many, whoever made it, and see
// what the others wrote.
func TestSlicesAreOfTheTable(t *testing.T) {
	client := connect(t)
	made := "commits-" + uuid.NewString()
	if err := dynamostore.Create(t.Context(), client, made); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &made})
	})
	for table, slices := range map[string]int{newSlicedTable(t, 1): 1, newSlicedTable(t, 23): 23, made: 16} {
		writer, _ := wiredTo(t, table, nil)
		reader, w := wiredTo(t, table, nil)
		began := time.Now()
		for i := range 40 {
			mustAppend(t, writer, one(fmt.Sprint(i)))
		}
		used, named := map[string]bool{}, map[eventstream.StreamID]bool{}
		for position, err := range reader.Recent(t.Context(), began) {
			if err != nil {
				t.Fatal(err)
			}
			named[position.Stream] = true
		}
		for _, input := range w.take() {
			if query, ok := input.(*dynamodb.QueryInput); ok {
				slice, _, _ := strings.Cut(stringOf(query.ExpressionAttributeValues[":z"]), "#")
				used[slice] = true
			}
		}
		if len(used) != slices || len(named) != 40 {
			t.Errorf("of a table with %d slices %d are read, and %d of 40 streams found", slices, len(used), len(named))
		}
	}
}

func TestATableWithoutItsIndexIsNotUsed(t *testing.T) {
	client, name := connect(t), "commits-"+uuid.NewString()
	definition := dynamostore.Table(name)
	definition.GlobalSecondaryIndexes[0].IndexName = aws.String("recent")
	if _, err := client.CreateTable(t.Context(), definition); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &name})
	})
	store, w := wiredTo(t, name, nil)
	if _, err := store.Append(t.Context(), one("a")); !errors.Is(err, eventstream.ErrUnavailable) || countWrites(w.take()) > 0 {
		t.Errorf("append: %v", err)
	}
	if err := readWays["recent"](t.Context(), store); !errors.Is(err, eventstream.ErrUnavailable) {
		t.Errorf("recent: %v", err)
	}
}
