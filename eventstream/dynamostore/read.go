package dynamostore

import (
	"context"
	"fmt"
	"iter"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Read implements eventstream.Store. Every commit's hash is checked, and that it
// continues the one before it.
func (s *Store) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	return func(yield func(eventstream.Commit, error) bool) {
		if err := s.enter(ctx); err != nil {
			yield(eventstream.Commit{}, err)
			return
		}
		if mayExist(stream) {
			s.walk(ctx, stream, after, yield)
		}
	}
}

// mayExist tells whether a stream can have such an id. The storage would refuse
// some of the others, and take some for another.
func mayExist(stream eventstream.StreamID) bool {
	return stream != "" && len(stream) <= eventstream.MaxStreamID && utf8.ValidString(string(stream))
}

// walk reads page after page. The items of one transaction do not show at one
// instant, and it may have several of one stream: so a gap is looked at again
// before it is one.
func (s *Store) walk(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq, yield func(eventstream.Commit, error) bool) {
	var previous *eventstream.Hash
	for looks := 1; ; {
		page, more, err := s.page(ctx, stream, after)
		if err != nil {
			yield(eventstream.Commit{}, err)
			return
		}
		before := after
		for i := range page {
			if page[i].Seq != after+1 {
				break
			}
			if previous != nil && page[i].Previous != *previous {
				yield(eventstream.Commit{}, fmt.Errorf("%w: commit %d of a stream of kind %s does not continue the one before", eventstream.ErrCorrupt, page[i].Seq, stream.Kind()))
				return
			}
			after, previous = page[i].Seq, &page[i].Hash
			if !yield(page[i], nil) {
				return
			}
			if err := ctx.Err(); err != nil {
				yield(eventstream.Commit{}, err)
				return
			}
		}
		gap := after < before+eventstream.Seq(len(page))
		if !gap && !more {
			return
		}
		if looks++; !gap {
			looks = 1
		}
		if err := s.lookAgain(ctx, looks, stream); err != nil {
			yield(eventstream.Commit{}, err)
			return
		}
	}
}

// gapLooks is how often a stream is read before what is missing is missing.
const gapLooks = 10

func (s *Store) lookAgain(ctx context.Context, looks int, stream eventstream.StreamID) error {
	if looks == 1 {
		return nil
	}
	gap := fmt.Errorf("%w: a stream of kind %s has a gap", eventstream.ErrCorrupt, stream.Kind())
	if looks > gapLooks {
		return gap
	}
	return s.pause(ctx, looks, gap)
}

// page reads some of the commits after a number, and tells whether there are
// more.
func (s *Store) page(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) ([]eventstream.Commit, bool, error) {
	output, err := s.query(ctx, &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String(attrStream + " = :p AND " + attrSeq + " > :s"),
		ExpressionAttributeValues: item{":p": text(string(stream)), ":s": seqValue(after)},
	})
	if err != nil {
		return nil, false, err
	}
	commits := make([]eventstream.Commit, len(output.Items))
	for i := range output.Items {
		if commits[i], err = decode(output.Items[i]); err != nil {
			return nil, false, err
		}
	}
	more := len(output.LastEvaluatedKey) > 0
	if len(commits) > 0 && !more {
		s.heads.raise(&commits[len(commits)-1])
	}
	return commits, more, nil
}

// Last implements eventstream.Store.
func (s *Store) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	if err := s.enter(ctx); err != nil {
		return eventstream.Commit{}, err
	}
	if !mayExist(stream) {
		return eventstream.Commit{}, nil
	}
	return s.last(ctx, stream)
}

func (s *Store) last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	output, err := s.query(ctx, &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String(attrStream + " = :p"),
		ExpressionAttributeValues: item{":p": text(string(stream))},
		ScanIndexForward:          aws.Bool(false),
		Limit:                     aws.Int32(1),
	})
	if err != nil || len(output.Items) == 0 {
		return eventstream.Commit{}, err
	}
	commit, err := decode(output.Items[0])
	if err == nil {
		s.heads.raise(&commit)
	}
	return commit, err
}

// query reads a page of the table, consistently.
func (s *Store) query(ctx context.Context, input *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	input.TableName, input.ConsistentRead = &s.table, aws.Bool(true)
	return patiently(ctx, s, "read a stream", func() (*dynamodb.QueryOutput, error) { return s.client.Query(ctx, input) })
}
