package dynamostore

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/seed5b6a70b4/identity/eventstream"
)

const (
	// overlap is how far before the instant the index is read: it lags, and the
	// clocks of those who write differ.
	overlap = 2 * time.Minute
	// ahead is how far the times of commits may be ahead of the reader's clock:
	// others' clocks are, and its own may have been set back.
	ahead = 2 * time.Hour
	// farBack is from when on reading the whole table is less work.
	farBack = 14 * 24 * time.Hour
)

// Recent implements eventstream.Store, by the index: what was written within the
// time by which the index lags, seconds at most, may be missing and shows in the
// next call, if that begins no later. An instant of long ago reads the table.
func (s *Store) Recent(ctx context.Context, since time.Time) iter.Seq2[eventstream.Position, error] {
	return func(yield func(eventstream.Position, error) bool) {
		if err := s.enter(ctx); err != nil {
			yield(eventstream.Position{}, err)
			return
		}
		w := &positionWalk{ctx: ctx, yield: yield}
		now := s.options.Now()
		if now.Sub(since) > farBack {
			s.scan(w)
			return
		}
		slices, err := s.sliced(ctx)
		if err != nil {
			yield(eventstream.Position{}, err)
			return
		}
		from := since.Add(-overlap)
		for hour := from.UTC().Truncate(time.Hour); !hour.After(now.Add(ahead)) || !hour.After(since); hour = hour.Add(time.Hour) {
			for slice := range slices {
				if !s.hour(w, hourKey(slice, hour), from) {
					return
				}
			}
		}
	}
}

// positionWalk hands positions to a reader until it has enough.
type positionWalk struct {
	ctx   context.Context
	yield func(eventstream.Position, error) bool
}

// page hands on the positions of items; it tells whether to go on.
func (w *positionWalk) page(items []item, err error) bool {
	if err != nil {
		w.yield(eventstream.Position{}, err)
		return false
	}
	for _, i := range items {
		r := itemReader{item: i}
		position := eventstream.Position{Stream: eventstream.StreamID(r.text(attrStream)), Seq: eventstream.Seq(r.number(attrSeq))}
		if !w.yield(position, r.err) || r.err != nil {
			return false
		}
		if err := w.ctx.Err(); err != nil {
			w.yield(eventstream.Position{}, err)
			return false
		}
	}
	return true
}

// hour walks over the commits of a slice and an hour from an instant on.
func (s *Store) hour(w *positionWalk, key string, from time.Time) bool {
	input := &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String(indexOf(int(s.slices.Load()))),
		KeyConditionExpression:    aws.String(attrHour + " = :z AND #at >= :at"),
		ExpressionAttributeNames:  map[string]string{"#at": attrTime},
		ExpressionAttributeValues: item{":z": text(key), ":at": timeValue(from)},
	}
	for {
		output, err := patiently(w.ctx, s, "read the index of recent commits", func() (*dynamodb.QueryOutput, error) { return s.client.Query(w.ctx, input) })
		if err != nil {
			return w.page(nil, err)
		}
		if !w.page(output.Items, nil) {
			return false
		}
		if input.ExclusiveStartKey = output.LastEvaluatedKey; len(input.ExclusiveStartKey) == 0 {
			return true
		}
	}
}

// scan walks over the whole table.
func (s *Store) scan(w *positionWalk) {
	input := &dynamodb.ScanInput{TableName: &s.table, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String(attrStream + ", " + attrSeq)}
	for {
		output, err := patiently(w.ctx, s, "read all positions", func() (*dynamodb.ScanOutput, error) { return s.client.Scan(w.ctx, input) })
		if err != nil {
			w.page(nil, err)
			return
		}
		if !w.page(output.Items, nil) {
			return
		}
		if input.ExclusiveStartKey = output.LastEvaluatedKey; len(input.ExclusiveStartKey) == 0 {
			return
		}
	}
}
