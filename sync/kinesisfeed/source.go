// Package kinesisfeed reads a Kinesis stream for shardfeed, in which DynamoDB's
// own integration or relay tell of commits.
//
// It polls: a shard allows 5 reads a second, for all who read the stream together.
package kinesisfeed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/seed5b6a70b4/identity/sync/commitrecord"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// pageSize is how many records a read gives at most; as many as a handler is
// given in one batch.
const pageSize = 1000

// Source is a shardfeed.Source: a stream of Kinesis.
type Source struct {
	client *kinesis.Client
	stream string
	table  string
}

// New makes a source of a stream. Records of tables other than the one named are
// left as unknown; with an empty name, none are. The client's own retries are not
// used. Nothing is sent.
func New(client *kinesis.Client, stream, table string) *Source {
	once := kinesis.New(client.Options(), func(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} })
	return &Source{client: once, stream: stream, table: table}
}

// Shards implements shardfeed.Source.
func (s *Source) Shards(ctx context.Context) (shardfeed.Listing, error) {
	summary, err := s.client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String(s.stream)})
	if err != nil {
		return shardfeed.Listing{}, fmt.Errorf("look at stream %s: %w", s.stream, classify(err))
	}
	hours := aws.ToInt32(summary.StreamDescriptionSummary.RetentionPeriodHours)
	listing := shardfeed.Listing{Retention: time.Duration(hours) * time.Hour}
	input := &kinesis.ListShardsInput{StreamName: aws.String(s.stream)}
	for {
		page, err := s.client.ListShards(ctx, input)
		if err != nil {
			return shardfeed.Listing{}, fmt.Errorf("list the shards of stream %s: %w", s.stream, classify(err))
		}
		for _, shard := range page.Shards {
			listing.Shards = append(listing.Shards, describe(&shard))
		}
		if aws.ToString(page.NextToken) == "" {
			return listing, nil
		}
		input = &kinesis.ListShardsInput{NextToken: page.NextToken}
	}
}

func describe(shard *types.Shard) shardfeed.Shard {
	described := shardfeed.Shard{ID: aws.ToString(shard.ShardId)}
	for _, parent := range []*string{shard.ParentShardId, shard.AdjacentParentShardId} {
		if id := aws.ToString(parent); id != "" {
			described.Parents = append(described.Parents, id)
		}
	}
	numbers := shard.SequenceNumberRange
	described.Closed = numbers != nil && aws.ToString(numbers.EndingSequenceNumber) != ""
	return described
}

// Open implements shardfeed.Source.
func (s *Source) Open(ctx context.Context, shard, after string) (string, error) {
	input := &kinesis.GetShardIteratorInput{
		StreamName: aws.String(s.stream), ShardId: aws.String(shard), ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}
	if after != "" {
		input.ShardIteratorType, input.StartingSequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, aws.String(after)
	}
	output, err := s.client.GetShardIterator(ctx, input)
	if err == nil {
		return aws.ToString(output.ShardIterator), nil
	}
	var argument *types.InvalidArgumentException
	if after != "" && errors.As(err, &argument) {
		// The shard does not have, or not any more, what was read of it.
		return "", fmt.Errorf("open a shard of stream %s: %w: %s", s.stream, shardfeed.ErrTrimmed, argument.ErrorCode())
	}
	return "", fmt.Errorf("open a shard of stream %s: %w", s.stream, classify(err))
}

// Read implements shardfeed.Source.
func (s *Source) Read(ctx context.Context, iterator string) (shardfeed.Page, error) {
	asked := time.Now()
	output, err := s.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: aws.String(iterator), Limit: aws.Int32(pageSize)})
	if err != nil {
		return shardfeed.Page{}, fmt.Errorf("read a shard of stream %s: %w", s.stream, classify(err))
	}
	page := shardfeed.Page{Next: aws.ToString(output.NextShardIterator)}
	for _, record := range output.Records {
		page.Last = aws.ToString(record.SequenceNumber)
		told, ok := commitrecord.Parse(record.Data)
		if !ok || s.table != "" && told.Table != s.table {
			page.Unknown++
			continue
		}
		page.Positions = append(page.Positions, told.Position)
	}
	if output.MillisBehindLatest != nil {
		page.Behind = time.Duration(*output.MillisBehindLatest) * time.Millisecond
		if page.Next != "" { // the end of a closed shard is not the present
			page.Until = asked.Add(-page.Behind)
		}
	}
	page.More = page.Behind > 0 || len(output.Records) == pageSize
	return page, nil
}

// classify says what an error means to shardfeed.
func classify(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	switch api.ErrorCode() {
	case "ExpiredIteratorException":
		return fmt.Errorf("%w: %s", shardfeed.ErrExpired, api.ErrorCode())
	case "ResourceNotFoundException":
		return fmt.Errorf("%w: %s", shardfeed.ErrGone, api.ErrorCode())
	case "LimitExceededException", "ThrottlingException", "ProvisionedThroughputExceededException", "KMSThrottlingException":
		return fmt.Errorf("%w: %s", shardfeed.ErrThrottled, api.ErrorCode())
	}
	return err
}
