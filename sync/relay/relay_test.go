package relay_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/dynamostreamfeed"
	"github.com/seed5b6a70b4/identity/sync/kinesisfeed"
	"github.com/seed5b6a70b4/identity/sync/relay"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
	"github.com/seed5b6a70b4/identity/sync/shardtest"
)

// TestContract writes to a table whose stream is relayed, with refusals, and reads
// from Kinesis.
func TestContract(t *testing.T) {
	shardtest.Run(t, shardtest.Harness{New: func(t *testing.T) shardtest.Stream {
		k := shardtest.NewKinesis(t, 3)
		commits, leases := shardtest.NewTable(t, dynamostore.Table), shardtest.NewTable(t, dynamolease.Table)
		run(t, commits, dynamolease.New(leases.Client, leases.Name, "relay"), newRelay(t, k, commits.Name, &refuser{odds: 4}))
		return shardtest.Stream{
			Source: func() shardfeed.Source { return kinesisfeed.New(k.Client, k.Name, commits.Name) },
			Leases: dynamolease.New(leases.Client, leases.Name, "test"),
			Write:  commits.WriteCommits,
			WriteUnknown: func(ctx context.Context) (int, error) {
				_, err := commits.WriteOthers(ctx)
				return 0, err // the relay leaves them
			},
			Reshard: k.Reshard,
		}
	}})
}

// run relays until the test ends.
func run(t *testing.T, commits *shardtest.Table, leases shardfeed.Leases, r *relay.Relay) {
	streams := dynamodbstreams.NewFromConfig(shardtest.Config(t, testservers.DynamoDB))
	source := dynamostreamfeed.New(streams, commits.Client, commits.Name)
	feed, err := shardfeed.New(source, leases, r.Handle, &shardfeed.Options{Name: "relay", Poll: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- feed.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func newRelay(t *testing.T, k *shardtest.Kinesis, table string, between *refuser) *relay.Relay {
	t.Helper()
	client := kinesis.New(k.Client.Options(), func(o *kinesis.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(between, middleware.After)
		})
	})
	r, err := relay.New(client, k.Name, table, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRefusedRecordsAreSentAgain writes more than a request may have, most of which
// is refused at first.
func TestRefusedRecordsAreSentAgain(t *testing.T) {
	k := shardtest.NewKinesis(t, 2)
	between := &refuser{odds: 2}
	r := newRelay(t, k, "commits", between)
	var want []eventstream.Position
	for i := range 1200 {
		want = append(want, eventstream.Position{Stream: eventstream.UsersStream(i % 100), Seq: eventstream.Seq(i + 1)})
	}
	if err := r.Handle(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if between.largest > 500 || between.refused == 0 {
		t.Errorf("up to %d records were sent at once; %d were refused", between.largest, between.refused)
	}
	got := readAll(t, k)
	for _, p := range want {
		if !slices.Contains(got, p) {
			t.Errorf("%v is not in the stream", p)
		}
	}
}

// TestWhatIsRefusedForeverIsAnError has the feed keep its checkpoint.
func TestWhatIsRefusedForeverIsAnError(t *testing.T) {
	k := shardtest.NewKinesis(t, 1)
	err := newRelay(t, k, "commits", &refuser{odds: 1}).Handle(t.Context(), []eventstream.Position{{Stream: "nesting", Seq: 1}})
	if err == nil {
		t.Error("no error")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = newRelay(t, k, "commits", &refuser{odds: 1}).Handle(ctx, []eventstream.Position{{Stream: "nesting", Seq: 1}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cut off: %v", err)
	}
	if got := readAll(t, k); len(got) > 0 {
		t.Errorf("in the stream are %v", got)
	}
}

// readAll reads what is in a stream now.
func readAll(t *testing.T, k *shardtest.Kinesis) (all []eventstream.Position) {
	t.Helper()
	source := kinesisfeed.New(k.Client, k.Name, "commits")
	listing, err := source.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range listing.Shards {
		iterator, err := source.Open(t.Context(), shard.ID, "")
		for more := true; more; {
			var page shardfeed.Page
			if err == nil {
				page, err = source.Read(t.Context(), iterator)
			}
			if err != nil || page.Unknown > 0 {
				t.Fatalf("%d records are unknown (%v)", page.Unknown, err)
			}
			all = append(all, page.Positions...)
			iterator, more = page.Next, page.More
		}
	}
	return all
}

// refuser refuses one record in so many, and whole requests now and then; but not so
// often in a row, unless it refuses everything, that the relay gives up.
type refuser struct {
	odds int

	mu                          sync.Mutex
	largest, refused, fruitless int
}

func (*refuser) ID() string { return "refuser" }

func (f *refuser) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	input, isPut := in.Parameters.(*kinesis.PutRecordsInput)
	if !isPut {
		return next.HandleInitialize(ctx, in)
	}
	f.mu.Lock()
	odds := f.odds
	if odds > 1 && f.fruitless >= 5 {
		odds = math.MaxInt
	}
	f.fruitless++
	f.mu.Unlock()
	var taken []types.PutRecordsRequestEntry
	results := make([]types.PutRecordsResultEntry, len(input.Records))
	for i, entry := range input.Records {
		if rand.IntN(odds) == 0 {
			results[i] = types.PutRecordsResultEntry{ErrorCode: aws.String("ProvisionedThroughputExceededException"), ErrorMessage: aws.String("too much")}
		} else {
			taken = append(taken, entry)
		}
	}
	f.mu.Lock()
	f.largest = max(f.largest, len(input.Records))
	f.refused += len(input.Records) - len(taken)
	f.mu.Unlock()
	output := &kinesis.PutRecordsOutput{Records: results, FailedRecordCount: aws.Int32(int32(len(results) - len(taken)))}
	if len(taken) == 0 {
		return middleware.InitializeOutput{Result: output}, middleware.Metadata{}, nil
	}
	passed := *input
	passed.Records, in.Parameters = taken, &passed
	out, metadata, err := next.HandleInitialize(ctx, in)
	if err != nil {
		return out, metadata, err
	}
	if odds < math.MaxInt && rand.IntN(10) == 0 { // the reply is lost
		return middleware.InitializeOutput{}, metadata, &smithy.GenericAPIError{Code: "InternalFailure"}
	}
	f.mu.Lock()
	f.fruitless = 0
	f.mu.Unlock()
	answered := out.Result.(*kinesis.PutRecordsOutput).Records
	for i := range results {
		if results[i].ErrorCode == nil {
			results[i], answered = answered[0], answered[1:]
		}
	}
	if len(answered) > 0 {
		return out, metadata, fmt.Errorf("%d answers are left over", len(answered))
	}
	out.Result = output
	return out, metadata, nil
}
