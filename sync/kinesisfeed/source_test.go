package kinesisfeed_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/commitrecord"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/kinesisfeed"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
	"github.com/seed5b6a70b4/identity/sync/shardtest"
)

func TestContract(t *testing.T) {
	shardtest.Run(t, shardtest.Harness{New: func(t *testing.T) shardtest.Stream {
		k := shardtest.NewKinesis(t, 3)
		return streamOf(t, k, k.Client)
	}})
}

// TestContractThrottled is the same while reads are refused at random.
func TestContractThrottled(t *testing.T) {
	shardtest.Run(t, shardtest.Harness{New: func(t *testing.T) shardtest.Stream {
		k := shardtest.NewKinesis(t, 3)
		return streamOf(t, k, kinesis.New(k.Client.Options(), func(o *kinesis.Options) {
			o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
				return stack.Initialize.Add(throttle{}, middleware.After)
			})
		}))
	}})
}

const table = "commits"

// streamOf is a stream for the kit, read through a client.
func streamOf(t *testing.T, k *shardtest.Kinesis, client *kinesis.Client) shardtest.Stream {
	leases := shardtest.NewTable(t, dynamolease.Table)
	return shardtest.Stream{
		Source: func() shardfeed.Source { return kinesisfeed.New(client, k.Name, table) },
		Leases: dynamolease.New(leases.Client, leases.Name, "test"),
		Write: func(ctx context.Context, positions []eventstream.Position) error {
			return write(ctx, k, table, positions)
		},
		WriteUnknown: func(ctx context.Context) (int, error) {
			none := types.PutRecordsRequestEntry{PartitionKey: aws.String("a"), Data: []byte("no JSON")}
			return 2, errors.Join(
				k.Put(ctx, []types.PutRecordsRequestEntry{none}),
				write(ctx, k, "rows", []eventstream.Position{{Stream: "user/other", Seq: 1}}),
			)
		},
		Reshard: k.Reshard,
	}
}

func write(ctx context.Context, k *shardtest.Kinesis, table string, positions []eventstream.Position) error {
	var entries []types.PutRecordsRequestEntry
	for _, p := range positions {
		data, err := commitrecord.Marshal(&commitrecord.Record{Table: table, Region: "us-east-1", Time: time.Now(), Position: p})
		if err != nil {
			return err
		}
		entries = append(entries, types.PutRecordsRequestEntry{PartitionKey: aws.String(string(p.Stream)), Data: data})
	}
	return k.Put(ctx, entries)
}

// throttle refuses one read of three, at random.
type throttle struct{}

func (throttle) ID() string { return "throttle" }

func (throttle) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	if _, isRead := in.Parameters.(*kinesis.GetRecordsInput); isRead && rand.IntN(3) == 0 {
		return middleware.InitializeOutput{}, middleware.Metadata{}, &smithy.GenericAPIError{Code: "ProvisionedThroughputExceededException"}
	}
	return next.HandleInitialize(ctx, in)
}

// TestWhatTheSourceSays reads a stream by hand.
func TestWhatTheSourceSays(t *testing.T) {
	k := shardtest.NewKinesis(t, 1)
	source := kinesisfeed.New(k.Client, k.Name, table)
	ctx := t.Context()
	listing, err := source.Shards(ctx)
	if err != nil || len(listing.Shards) != 1 || listing.Retention != 24*time.Hour {
		t.Fatalf("%+v, %v", listing, err)
	}
	shard := listing.Shards[0].ID
	if _, err := source.Open(ctx, "shardId-000000000077", ""); !errors.Is(err, shardfeed.ErrGone) {
		t.Errorf("a shard that is not there: %v", err)
	}
	if _, err := kinesisfeed.New(k.Client, "nothing-"+uuid.NewString(), "").Shards(ctx); !errors.Is(err, shardfeed.ErrGone) {
		t.Errorf("a stream that is not there: %v", err)
	}
	want := []eventstream.Position{{Stream: "nesting", Seq: 1}, {Stream: "nesting", Seq: 2}}
	if err := write(ctx, k, table, want); err != nil {
		t.Fatal(err)
	}
	iterator, err := source.Open(ctx, shard, "")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	page, err := source.Read(ctx, iterator)
	if err != nil || !slices.Equal(page.Positions, want) || page.Last == "" || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	if page.Until.Before(began.Add(-page.Behind)) || page.Until.After(time.Now()) {
		t.Errorf("read until %v, asked at %v", page.Until, began)
	}
	if iterator, err = source.Open(ctx, shard, page.Last); err != nil {
		t.Fatal(err)
	}
	if page, err = source.Read(ctx, iterator); err != nil || page.Last != "" || len(page.Positions) > 0 || page.More {
		t.Errorf("after the last record: %+v, %v", page, err)
	}
}
