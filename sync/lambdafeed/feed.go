package lambdafeed

import (
	"context"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/commitrecord"
)

// Feed hands what events tell of to a handler. Its methods may be called
// concurrently.
type Feed struct {
	handle  func(context.Context, []eventstream.Position) error
	options Options
}

// Options adjust a Feed. The zero value is good.
type Options struct {
	// Table is that of the commits: records of others are left as unknown. With an
	// empty name, none are.
	Table string
	// Handled is called after a batch of which something was handled, with a context
	// that leaves time for the answer. What it cannot do must be made up for by
	// itself: the records are not given again.
	Handled func(ctx context.Context)
	// Scheduled is what an event without records asks for, such as those of a
	// schedule; its error fails the invocation. Nil does nothing.
	Scheduled func(ctx context.Context) error
	// OnUnknown is told how many records of a batch told of no commit, and were left.
	OnUnknown func(records int)
	// Logger is told of records that have to be given again. Nil tells nobody.
	Logger *slog.Logger
}

// New makes a feed that hands positions to handle, as shardfeed.New does: a batch
// may repeat and hold what is old; an error says that all of it must be given
// again. Nil options are the zero Options.
func New(handle func(context.Context, []eventstream.Position) error, options *Options) *Feed {
	f := &Feed{handle: handle}
	if options != nil {
		f.options = *options
	}
	if f.options.Handled == nil {
		f.options.Handled = func(context.Context) {}
	}
	if f.options.Scheduled == nil {
		f.options.Scheduled = func(context.Context) error { return nil }
	}
	if f.options.OnUnknown == nil {
		f.options.OnUnknown = func(int) {}
	}
	if f.options.Logger == nil {
		f.options.Logger = slog.New(slog.DiscardHandler)
	}
	return f
}

// record is one that tells of a commit, and what the mapping knows it by.
type record struct {
	position eventstream.Position
	id       string
}

// Kinesis handles a batch of a Kinesis stream, in which DynamoDB's own integration
// or relay tell of commits. Everything before the record that is answered, if
// there is one, is handled; from it on, everything is to be given again.
func (f *Feed) Kinesis(ctx context.Context, event events.KinesisEvent) events.KinesisEventResponse {
	records := make([]record, 0, len(event.Records))
	for i := range event.Records {
		told, ok := commitrecord.Parse(event.Records[i].Kinesis.Data)
		if !ok || f.options.Table != "" && told.Table != f.options.Table {
			continue
		}
		records = append(records, record{told.Position, event.Records[i].Kinesis.SequenceNumber})
	}
	response := events.KinesisEventResponse{BatchItemFailures: []events.KinesisBatchItemFailure{}}
	if lowest := f.batch(ctx, records, len(event.Records)); lowest != "" {
		response.BatchItemFailures = append(response.BatchItemFailures, events.KinesisBatchItemFailure{ItemIdentifier: lowest})
	}
	return response
}

// DynamoDB does for a batch of a table's own stream what Kinesis does for one of
// Kinesis. Only the keys of items are read.
func (f *Feed) DynamoDB(ctx context.Context, event events.DynamoDBEvent) events.DynamoDBEventResponse {
	records := make([]record, 0, len(event.Records))
	for i := range event.Records {
		told := &event.Records[i]
		if position, ok := f.commit(told); ok {
			records = append(records, record{position, told.Change.SequenceNumber})
		}
	}
	response := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	if lowest := f.batch(ctx, records, len(event.Records)); lowest != "" {
		response.BatchItemFailures = append(response.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: lowest})
	}
	return response
}

// commit gives the commit that a record of a table's stream tells of, if it does.
func (f *Feed) commit(told *events.DynamoDBEventRecord) (eventstream.Position, bool) {
	if told.EventName != commitrecord.Insert || f.options.Table != "" && tableOf(told.EventSourceArn) != f.options.Table {
		return eventstream.Position{}, false
	}
	stream, number := told.Change.Keys["p"], told.Change.Keys["s"]
	if stream.DataType() != events.DataTypeString || number.DataType() != events.DataTypeNumber {
		return eventstream.Position{}, false
	}
	return commitrecord.Position(stream.String(), number.Number())
}

// tableOf gives the table of the name of its stream,
// arn:aws:dynamodb:{region}:{account}:table/{table}/stream/{label}.
func tableOf(arn string) string {
	_, of, _ := strings.Cut(arn, ":table/")
	table, _, _ := strings.Cut(of, "/")
	return table
}

// batch handles records, of a batch of so many, and gives the lowest that has to be
// given again; none if empty.
func (f *Feed) batch(ctx context.Context, records []record, of int) (lowest string) {
	if unknown := of - len(records); unknown > 0 {
		f.options.OnUnknown(unknown)
	}
	positions := make([]eventstream.Position, len(records))
	for i := range records {
		positions[i] = records[i].position
	}
	handled, err := f.longest(ctx, positions)
	if err != nil {
		lowest = records[handled].id
		f.options.Logger.Error("records have to be given again", "handled", handled, "of", len(records), "lowest", lowest, "error", err)
	}
	if handled > 0 {
		ctx, cancel := half(ctx)
		defer cancel()
		f.options.Handled(ctx)
	}
	return lowest
}
