package kinesisfeed_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/sync/commitrecord"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/kinesisfeed"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
	"github.com/seed5b6a70b4/identity/sync/shardtest"
)

func TestContract(t *testing.T) {
	shardtest.Run(t, shardtest.Harness{New: func(t *testing.T) shardtest.Stream { return newStream(t, 3).Stream }})
}

// TestContractThrottled is the same while reads are refused at random.
func TestContractThrottled(t *testing.T) {
	shardtest.Run(t, shardtest.Harness{New: func(t *testing.T) shardtest.Stream {
		s := newStream(t, 3)
		throttled := kinesis.New(s.client.Options(), func(o *kinesis.Options) {
			o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
				return stack.Initialize.Add(&throttle{}, middleware.After)
			})
		})
		s.Source = func() shardfeed.Source { return kinesisfeed.New(throttled, s.name, table) }
		return s.Stream
	}})
}

const table = "commits"

type stream struct {
	shardtest.Stream
	name   string
	client *kinesis.Client
}

func newStream(t *testing.T, shards int32) stream {
	config := shardtest.Config(t, testservers.Kinesis)
	tables := dynamodb.NewFromConfig(shardtest.Config(t, testservers.DynamoDB))
	s := stream{name: "news-" + uuid.NewString(), client: kinesis.NewFromConfig(config)}
	leases := "sync-" + uuid.NewString()
	if _, err := tables.CreateTable(t.Context(), dynamolease.Table(leases)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(s.name), ShardCount: aws.Int32(shards)}); err != nil {
		t.Fatal(err)
	}
	s.active(t)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		s.client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: aws.String(s.name)})
		tables.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String(leases)})
	})
	changes := 0
	s.Stream = shardtest.Stream{
		Source: func() shardfeed.Source { return kinesisfeed.New(s.client, s.name, table) },
		Leases: dynamolease.New(tables, leases, "test"),
		Write:  s.write,
		WriteUnknown: func(ctx context.Context) (int, error) {
			other, err := commitrecord.Marshal(&commitrecord.Record{Table: "rows", Position: eventstream.Position{Stream: "user/other", Seq: 1}})
			return 2, errors.Join(err, s.put(ctx, "a", []byte("no JSON")), s.put(ctx, "b", other))
		},
		Reshard: func(ctx context.Context) error {
			defer s.active(t)
			if changes++; changes%2 == 1 {
				return s.split(ctx)
			}
			return s.merge(ctx)
		},
	}
	return s
}

// active waits until the stream is changed no more.
func (s *stream) active(t *testing.T) {
	waiter := kinesis.NewStreamExistsWaiter(s.client, func(o *kinesis.StreamExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, 200*time.Millisecond
	})
	if err := waiter.Wait(t.Context(), &kinesis.DescribeStreamInput{StreamName: aws.String(s.name)}, time.Minute); err != nil {
		t.Error(err)
	}
}

func (s *stream) put(ctx context.Context, key string, data []byte) error {
	_, err := s.client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String(s.name), PartitionKey: aws.String(key), Data: data})
	return err
}

func (s *stream) write(ctx context.Context, positions []eventstream.Position) error {
	var entries []types.PutRecordsRequestEntry
	for _, p := range positions {
		data, err := commitrecord.Marshal(&commitrecord.Record{Table: table, Region: "us-east-1", Time: time.Now(), Position: p})
		if err != nil {
			return err
		}
		entries = append(entries, types.PutRecordsRequestEntry{PartitionKey: aws.String(string(p.Stream)), Data: data})
	}
	output, err := s.client.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: aws.String(s.name), Records: entries})
	if err == nil && aws.ToInt32(output.FailedRecordCount) > 0 {
		err = fmt.Errorf("%d records were refused", *output.FailedRecordCount)
	}
	return err
}

// open are the shards that take records, by the keys they take.
func (s *stream) open(ctx context.Context) ([]types.Shard, error) {
	output, err := s.client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String(s.name)})
	if err != nil {
		return nil, err
	}
	open := slices.DeleteFunc(output.Shards, func(shard types.Shard) bool { return shard.SequenceNumberRange.EndingSequenceNumber != nil })
	slices.SortFunc(open, func(a, b types.Shard) int {
		return number(a.HashKeyRange.StartingHashKey).Cmp(number(b.HashKeyRange.StartingHashKey))
	})
	return open, nil
}

func number(text *string) *big.Int {
	n, _ := new(big.Int).SetString(*text, 10)
	return n
}

func (s *stream) split(ctx context.Context) error {
	open, err := s.open(ctx)
	if err != nil {
		return err
	}
	low, high := number(open[0].HashKeyRange.StartingHashKey), number(open[0].HashKeyRange.EndingHashKey)
	_, err = s.client.SplitShard(ctx, &kinesis.SplitShardInput{
		StreamName: aws.String(s.name), ShardToSplit: open[0].ShardId,
		NewStartingHashKey: aws.String(low.Add(low, high).Rsh(low, 1).String()),
	})
	return err
}

func (s *stream) merge(ctx context.Context) error {
	open, err := s.open(ctx)
	if err != nil {
		return err
	}
	_, err = s.client.MergeShards(ctx, &kinesis.MergeShardsInput{
		StreamName: aws.String(s.name), ShardToMerge: open[1].ShardId, AdjacentShardToMerge: open[2].ShardId,
	})
	return err
}

// throttle refuses one read of three, at random.
type throttle struct{}

func (*throttle) ID() string { return "throttle" }

func (h *throttle) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	if _, isRead := in.Parameters.(*kinesis.GetRecordsInput); isRead && time.Now().UnixNano()%3 == 0 {
		return middleware.InitializeOutput{}, middleware.Metadata{}, &smithy.GenericAPIError{Code: "ProvisionedThroughputExceededException"}
	}
	return next.HandleInitialize(ctx, in)
}

// TestWhatTheSourceSays reads a stream by hand.
func TestWhatTheSourceSays(t *testing.T) {
	s := newStream(t, 1)
	source := kinesisfeed.New(s.client, s.name, table)
	ctx := t.Context()
	listing, err := source.Shards(ctx)
	if err != nil || len(listing.Shards) != 1 || listing.Retention != 24*time.Hour {
		t.Fatalf("%+v, %v", listing, err)
	}
	shard := listing.Shards[0].ID
	if _, err := source.Open(ctx, "shardId-000000000077", ""); !errors.Is(err, shardfeed.ErrGone) {
		t.Errorf("a shard that is not there: %v", err)
	}
	if _, err := kinesisfeed.New(s.client, "nothing-"+uuid.NewString(), "").Shards(ctx); !errors.Is(err, shardfeed.ErrGone) {
		t.Errorf("a stream that is not there: %v", err)
	}
	want := []eventstream.Position{{Stream: "nesting", Seq: 1}, {Stream: "nesting", Seq: 2}}
	if err := s.write(ctx, want); err != nil {
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
