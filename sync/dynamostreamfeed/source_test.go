package dynamostreamfeed_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

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
	commits, leases := shardtest.NewTable(t, dynamostore.Table), shardtest.NewTable(t, dynamolease.Table)
	return shardtest.Stream{
		Source: func() shardfeed.Source { return newSource(t, commits) },
		Leases: dynamolease.New(leases.Client, leases.Name, "test"),
		Write:  commits.WriteCommits, WriteUnknown: commits.WriteOthers,
	}
}

func newSource(t *testing.T, table *shardtest.Table) *dynamostreamfeed.Source {
	streams := dynamodbstreams.NewFromConfig(shardtest.Config(t, testservers.DynamoDB))
	return dynamostreamfeed.New(streams, table.Client, table.Name)
}

// TestWhatTheSourceSays reads a stream by hand.
func TestWhatTheSourceSays(t *testing.T) {
	table := shardtest.NewTable(t, dynamostore.Table)
	source, ctx := newSource(t, table), t.Context()
	listing, err := source.Shards(ctx)
	if err != nil || len(listing.Shards) != 1 || listing.Shards[0].Closed || listing.Retention != 24*time.Hour {
		t.Fatalf("%+v, %v", listing, err)
	}
	if _, err := newSource(t, &shardtest.Table{Name: "nothing", Client: table.Client}).Shards(ctx); !errors.Is(err, shardfeed.ErrGone) {
		t.Errorf("a table that is not there: %v", err)
	}
	want := []eventstream.Position{{Stream: "nesting", Seq: 1}, {Stream: "nesting", Seq: 2}}
	if err := table.WriteCommits(ctx, want); err != nil {
		t.Fatal(err)
	}
	iterator, err := source.Open(ctx, listing.Shards[0].ID, "")
	if err != nil {
		t.Fatal(err)
	}
	page, err := source.Read(ctx, iterator)
	if err != nil || !slices.Equal(page.Positions, want) || page.Last == "" || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	if ago := time.Since(page.Until); ago < 0 || ago > 5*time.Minute {
		t.Errorf("read until %v ago", ago)
	}
	if iterator, err = source.Open(ctx, listing.Shards[0].ID, page.Last); err != nil {
		t.Fatal(err)
	}
	if page, err = source.Read(ctx, iterator); err != nil || page.Last != "" || !page.Until.IsZero() {
		t.Errorf("after the last record: %+v, %v", page, err)
	}
}
