package dynamostore

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Scan gives every commit of the table that was there when the call began, and
// perhaps later ones, for an audit: the storage keeps those of one stream side by
// side and in order, and streams are in none. A page is consistent, all of them
// together are not. Hashes are not checked. An item that is no commit is an error
// that is eventstream.ErrCorrupt, beside the position that it has, and the scan
// goes on behind it; any other error ends it.
func (s *Store) Scan(ctx context.Context) iter.Seq2[eventstream.Commit, error] {
	return func(yield func(eventstream.Commit, error) bool) {
		input := &dynamodb.ScanInput{TableName: &s.table, ConsistentRead: aws.Bool(true)}
		for {
			if err := s.enter(ctx); err != nil {
				yield(eventstream.Commit{}, err)
				return
			}
			output, err := patiently(ctx, s, "read all commits", func() (*dynamodb.ScanOutput, error) { return s.client.Scan(ctx, input) })
			if err != nil {
				yield(eventstream.Commit{}, err)
				return
			}
			for _, i := range output.Items {
				if !yield(parse(i)) {
					return
				}
			}
			if input.ExclusiveStartKey = output.LastEvaluatedKey; len(input.ExclusiveStartKey) == 0 {
				return
			}
		}
	}
}

// Page gives the positions of some commits after one, of those in a segment of the
// table: all segments together hold all commits, in an order that stays as it is.
// The zero Position begins; a zero next ends. A page is consistent: what was there
// before it was asked for is in it, or in another one.
func (s *Store) Page(ctx context.Context, segment, segments int, after eventstream.Position) (page []eventstream.Position, next eventstream.Position, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, next, err
	}
	input := &dynamodb.ScanInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String(attrStream + ", " + attrSeq),
		Segment: aws.Int32(int32(segment)), TotalSegments: aws.Int32(int32(segments)), Limit: aws.Int32(pageLimit),
	}
	if after.Seq > 0 {
		input.ExclusiveStartKey = keyOf(after.Stream, after.Seq)
	}
	output, err := patiently(ctx, s, "read positions", func() (*dynamodb.ScanOutput, error) { return s.client.Scan(ctx, input) })
	if err != nil {
		return nil, next, err
	}
	for _, i := range output.Items {
		position, err := positionOf(i)
		if err != nil {
			return nil, next, err
		}
		page = append(page, position)
	}
	if len(output.LastEvaluatedKey) == 0 {
		return page, next, nil
	}
	next, err = positionOf(output.LastEvaluatedKey)
	return page, next, err
}

// pageLimit is the most commits that one Page looks at.
const pageLimit = 500

func positionOf(i item) (eventstream.Position, error) {
	r := itemReader{item: i}
	return eventstream.Position{Stream: eventstream.StreamID(r.text(attrStream)), Seq: eventstream.Seq(r.number(attrSeq))}, r.err
}

// Size is about how many commits there are: the storage counts them every few
// hours.
func (s *Store) Size(ctx context.Context) (uint64, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	described, err := patiently(ctx, s, "ask how large the table is", func() (*dynamodb.DescribeTableOutput, error) {
		return s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.table})
	})
	if err != nil {
		return 0, err
	}
	return uint64(aws.ToInt64(described.Table.ItemCount)), nil
}

// At gives the commit at a position, the zero Commit if there is none. Whether the
// stream has those before it, it does not ask.
func (s *Store) At(ctx context.Context, position eventstream.Position) (eventstream.Commit, error) {
	if err := s.enter(ctx); err != nil {
		return eventstream.Commit{}, err
	}
	if !mayExist(position.Stream) {
		return eventstream.Commit{}, nil
	}
	output, err := patiently(ctx, s, "read a commit", func() (*dynamodb.GetItemOutput, error) {
		return s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: keyOf(position.Stream, position.Seq), ConsistentRead: aws.Bool(true)})
	})
	if err != nil || len(output.Item) == 0 {
		return eventstream.Commit{}, err
	}
	return decode(output.Item)
}
