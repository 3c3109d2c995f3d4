// Package dynamostreamfeed reads the stream of a table of commits, as DynamoDB
// Streams gives it, for shardfeed.
//
// A table's stream keeps records for 24 hours and may have two readers at most
// for each of its shards.
package dynamostreamfeed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/commitrecord"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

const (
	retention = 24 * time.Hour
	// pageSize is the most that a read may give.
	pageSize = 1000
	// grain is how far the time of a record may be cut off.
	grain = time.Minute
)

// Source is a shardfeed.Source: the newest stream of a table.
type Source struct {
	streams *dynamodbstreams.Client
	tables  *dynamodb.Client
	table   string

	mu  sync.Mutex
	arn string // of the stream that was listed last
}

// New makes a source of a table. The clients' own retries of reads are not used.
// Nothing is sent.
func New(streams *dynamodbstreams.Client, tables *dynamodb.Client, table string) *Source {
	once := dynamodbstreams.New(streams.Options(), func(o *dynamodbstreams.Options) { o.Retryer = aws.NopRetryer{} })
	return &Source{streams: once, tables: tables, table: table}
}

// Shards implements shardfeed.Source.
func (s *Source) Shards(ctx context.Context) (shardfeed.Listing, error) {
	arn, err := s.find(ctx)
	if err != nil {
		return shardfeed.Listing{}, err
	}
	listing := shardfeed.Listing{Retention: retention}
	input := &dynamodbstreams.DescribeStreamInput{StreamArn: aws.String(arn)}
	for {
		page, err := s.streams.DescribeStream(ctx, input)
		if err != nil {
			return shardfeed.Listing{}, fmt.Errorf("list the shards of table %s: %w", s.table, classify(err))
		}
		for _, shard := range page.StreamDescription.Shards {
			listing.Shards = append(listing.Shards, describe(&shard))
		}
		input.ExclusiveStartShardId = page.StreamDescription.LastEvaluatedShardId
		if aws.ToString(input.ExclusiveStartShardId) == "" {
			return listing, nil
		}
	}
}

func describe(shard *types.Shard) shardfeed.Shard {
	described := shardfeed.Shard{ID: aws.ToString(shard.ShardId)}
	if parent := aws.ToString(shard.ParentShardId); parent != "" {
		described.Parents = []string{parent}
	}
	numbers := shard.SequenceNumberRange
	described.Closed = numbers != nil && aws.ToString(numbers.EndingSequenceNumber) != ""
	return described
}

// find asks which stream the table has now: there is a new one each time that
// streams are switched on.
func (s *Source) find(ctx context.Context) (string, error) {
	described, err := s.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(s.table)})
	if err != nil {
		return "", fmt.Errorf("find the stream of table %s: %w", s.table, classify(err))
	}
	arn := aws.ToString(described.Table.LatestStreamArn)
	if arn == "" {
		return "", fmt.Errorf("table %s has no stream", s.table)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arn = arn
	return arn, nil
}

// Open implements shardfeed.Source.
func (s *Source) Open(ctx context.Context, shard, after string) (string, error) {
	s.mu.Lock()
	arn := s.arn
	s.mu.Unlock()
	if arn == "" {
		var err error
		if arn, err = s.find(ctx); err != nil {
			return "", err
		}
	}
	input := &dynamodbstreams.GetShardIteratorInput{
		StreamArn: aws.String(arn), ShardId: aws.String(shard), ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}
	if after != "" {
		input.ShardIteratorType, input.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, aws.String(after)
	}
	output, err := s.streams.GetShardIterator(ctx, input)
	if err != nil {
		return "", fmt.Errorf("open a shard of table %s: %w", s.table, classify(err))
	}
	return aws.ToString(output.ShardIterator), nil
}

// Read implements shardfeed.Source. That a page is empty does not say that there
// is nothing more.
func (s *Source) Read(ctx context.Context, iterator string) (shardfeed.Page, error) {
	output, err := s.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{
		ShardIterator: aws.String(iterator), Limit: aws.Int32(pageSize),
	})
	if err != nil {
		return shardfeed.Page{}, fmt.Errorf("read a shard of table %s: %w", s.table, classify(err))
	}
	page := shardfeed.Page{Next: aws.ToString(output.NextShardIterator), More: len(output.Records) == pageSize}
	for _, record := range output.Records {
		if record.Dynamodb == nil {
			page.Unknown++
			continue
		}
		page.Last = aws.ToString(record.Dynamodb.SequenceNumber)
		if at := record.Dynamodb.ApproximateCreationDateTime; at != nil {
			page.Until = at.Add(-grain)
			page.Behind = max(0, time.Since(*at))
		}
		if position, ok := positionOf(&record); ok {
			page.Positions = append(page.Positions, position)
		} else {
			page.Unknown++
		}
	}
	if !page.More {
		page.Behind = 0
	}
	return page, nil
}

// positionOf tells which commit a record is of. One that does not tell of a new
// item, or of one that is no commit, is unknown.
func positionOf(record *types.Record) (eventstream.Position, bool) {
	stream, okStream := record.Dynamodb.Keys["p"].(*types.AttributeValueMemberS)
	number, okNumber := record.Dynamodb.Keys["s"].(*types.AttributeValueMemberN)
	if record.EventName != types.OperationTypeInsert || !okStream || !okNumber {
		return eventstream.Position{}, false
	}
	return commitrecord.Position(stream.Value, number.Value)
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
	case "TrimmedDataAccessException":
		return fmt.Errorf("%w: %s", shardfeed.ErrTrimmed, api.ErrorCode())
	case "ResourceNotFoundException":
		return fmt.Errorf("%w: %s", shardfeed.ErrGone, api.ErrorCode())
	case "LimitExceededException", "ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded":
		return fmt.Errorf("%w: %s", shardfeed.ErrThrottled, api.ErrorCode())
	}
	return err
}
