// Package relay tells a Kinesis stream of commits, as DynamoDB's own integration
// would, where that integration is missing: a shardfeed of the table's stream has
// its batches handled by a Relay.
//
// Records of one stream have one partition key, so that one shard holds them. A
// record may come twice, and those of one stream out of order where some of them
// were refused at first: they are doorbells.
package relay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/commitrecord"
)

const (
	// atOnce is how many records one request may have.
	atOnce = 500
	// attempts is how often in a row none of some records may be taken in before the
	// feed is told to give the whole batch again.
	attempts = 10
	// shortest and longest are the limits of the first and of every pause.
	shortest, longest = 50 * time.Millisecond, 2 * time.Second
)

// Relay writes records of commits to a Kinesis stream. It may be used
// concurrently.
type Relay struct {
	client  *kinesis.Client
	stream  string
	table   string
	refused prometheus.Counter
}

// Options adjust a Relay. The zero value is good.
type Options struct {
	// Metrics registers what is measured. Nil measures for nobody.
	Metrics prometheus.Registerer
}

// New makes a relay to a stream, of commits that are in a table. The client's own
// retries are not used. Nil options are the zero Options. Nothing is sent.
func New(client *kinesis.Client, stream, table string, options *Options) (*Relay, error) {
	r := &Relay{stream: stream, table: table, refused: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "identity_relay_refused_records_total", Help: "Records that Kinesis refused at first and that were sent again.",
	})}
	r.client = kinesis.New(client.Options(), func(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} })
	if options == nil || options.Metrics == nil {
		return r, nil
	}
	if err := options.Metrics.Register(r.refused); err != nil {
		return nil, fmt.Errorf("register the relay's metrics: %w", err)
	}
	return r, nil
}

// Handle is a shardfeed's handler: it writes a record of each position, and
// returns nil once the stream has taken in all of them.
func (r *Relay) Handle(ctx context.Context, positions []eventstream.Position) error {
	entries := make([]types.PutRecordsRequestEntry, len(positions))
	now, region := time.Now(), r.client.Options().Region
	for i, position := range positions {
		data, err := commitrecord.Marshal(&commitrecord.Record{Table: r.table, Region: region, Time: now, Position: position})
		if err != nil {
			return err
		}
		entries[i] = types.PutRecordsRequestEntry{Data: data, PartitionKey: aws.String(string(position.Stream))}
	}
	for len(entries) > 0 {
		n := min(len(entries), atOnce)
		if err := r.send(ctx, entries[:n]); err != nil {
			return fmt.Errorf("tell stream %s of commits: %w", r.stream, err)
		}
		entries = entries[n:]
	}
	return nil
}

// send writes records, and those that are refused again, in their order.
func (r *Relay) send(ctx context.Context, entries []types.PutRecordsRequestEntry) error {
	for fruitless := 0; ; {
		left, err := r.put(ctx, entries)
		if fruitless++; len(left) < len(entries) {
			fruitless = 0
		}
		switch {
		case len(left) == 0:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case fruitless == attempts:
			return fmt.Errorf("%d records were refused %d times: %w", len(left), attempts, err)
		}
		r.refused.Add(float64(len(left)))
		entries = left
		timer := time.NewTimer(rand.N(min(shortest<<fruitless, longest)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
}

// put sends one request. It gives the records that are not known to be in, and why.
func (r *Relay) put(ctx context.Context, entries []types.PutRecordsRequestEntry) ([]types.PutRecordsRequestEntry, error) {
	output, err := r.client.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: aws.String(r.stream), Records: entries})
	if err != nil {
		return entries, coded(err)
	}
	if len(output.Records) != len(entries) {
		return entries, fmt.Errorf("%d results came for %d records", len(output.Records), len(entries))
	}
	var left []types.PutRecordsRequestEntry
	code := ""
	for i, result := range output.Records {
		if result.ErrorCode != nil || result.SequenceNumber == nil {
			left, code = append(left, entries[i]), aws.ToString(result.ErrorCode)
		}
	}
	return left, errors.New("Kinesis says " + code)
}

// coded leaves of an error of Kinesis its code: its text may quote what was sent.
func coded(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return errors.New(api.ErrorCode())
	}
	return err
}
