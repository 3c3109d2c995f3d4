package shardtest

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/internal/testservers"
)

// Kinesis is a stream on the test server that is removed when the test ends.
type Kinesis struct {
	Name    string
	Client  *kinesis.Client
	changes int
}

// NewKinesis makes a stream of so many shards, with a name of its own.
func NewKinesis(t testing.TB, shards int32) *Kinesis {
	t.Helper()
	k := &Kinesis{Name: "stream-" + uuid.NewString(), Client: kinesis.NewFromConfig(Config(t, testservers.Kinesis))}
	if _, err := k.Client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(k.Name), ShardCount: aws.Int32(shards)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		k.Client.DeleteStream(context.WithoutCancel(t.Context()), &kinesis.DeleteStreamInput{StreamName: aws.String(k.Name)})
	})
	if err := k.awaitActive(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

// awaitActive waits until the stream is changed no more.
func (k *Kinesis) awaitActive(ctx context.Context) error {
	waiter := kinesis.NewStreamExistsWaiter(k.Client, func(o *kinesis.StreamExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, 200*time.Millisecond
	})
	return waiter.Wait(ctx, &kinesis.DescribeStreamInput{StreamName: aws.String(k.Name)}, time.Minute)
}

// Put adds records.
func (k *Kinesis) Put(ctx context.Context, entries []types.PutRecordsRequestEntry) error {
	output, err := k.Client.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: aws.String(k.Name), Records: entries})
	if err == nil && aws.ToInt32(output.FailedRecordCount) > 0 {
		err = fmt.Errorf("%d records were refused", *output.FailedRecordCount)
	}
	return err
}

// Reshard splits a shard, and merges two the next time; there have to be three.
func (k *Kinesis) Reshard(ctx context.Context) error {
	output, err := k.Client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String(k.Name)})
	if err != nil {
		return err
	}
	open := slices.DeleteFunc(output.Shards, func(s types.Shard) bool { return s.SequenceNumberRange.EndingSequenceNumber != nil })
	slices.SortFunc(open, func(a, b types.Shard) int {
		return number(a.HashKeyRange.StartingHashKey).Cmp(number(b.HashKeyRange.StartingHashKey))
	})
	if k.changes++; k.changes%2 == 0 {
		_, err = k.Client.MergeShards(ctx, &kinesis.MergeShardsInput{
			StreamName: aws.String(k.Name), ShardToMerge: open[1].ShardId, AdjacentShardToMerge: open[2].ShardId,
		})
	} else {
		low, high := number(open[0].HashKeyRange.StartingHashKey), number(open[0].HashKeyRange.EndingHashKey)
		_, err = k.Client.SplitShard(ctx, &kinesis.SplitShardInput{
			StreamName: aws.String(k.Name), ShardToSplit: open[0].ShardId,
			NewStartingHashKey: aws.String(low.Add(low, high).Rsh(low, 1).String()),
		})
	}
	if err != nil {
		return err
	}
	return k.awaitActive(ctx)
}

func number(text *string) *big.Int {
	n, _ := new(big.Int).SetString(*text, 10)
	return n
}
