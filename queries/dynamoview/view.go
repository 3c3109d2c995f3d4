package dynamoview

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/awshttp"
)

// Options say which table holds a View.
type Options struct {
	// Table is its name; required.
	Table string
	// Name is the view's in metrics, logs and the list of what is parked; "dynamoview"
	// if empty.
	Name string
	// Buckets are how many partitions users are spread over, and groups; 8 if
	// zero. It can never be changed for a table that has rows.
	Buckets int
	// Position says what lists rest on: whatever was announced up to there shows in
	// them. Nil says nothing.
	Position func(ctx context.Context) (eventstream.Token, error)
}

// View is the rows in a table. Its methods may be called concurrently. An error
// of the table or of the way to it is eventstream.ErrUnavailable.
type View struct {
	client  *dynamodb.Client
	options Options
}

// New makes a View on a table that there is; see Table.
func New(client *dynamodb.Client, options Options) *View {
	if options.Buckets == 0 {
		options.Buckets = 8
	}
	options.Name = cmp.Or(options.Name, "dynamoview")
	steady := dynamodb.New(client.Options(), func(o *dynamodb.Options) { o.HTTPClient = awshttp.Steady(o.HTTPClient) })
	return &View{steady, options}
}

// Name is Options.Name.
func (v *View) Name() string { return v.options.Name }

// Shows tells whether the stream is one of a user, group, membership or API key.
func (v *View) Shows(stream eventstream.StreamID) bool {
	_, ok := v.keyOf(stream)
	return ok
}

// keyOf gives the key of a stream's row; of a membership the one in its group.
func (v *View) keyOf(stream eventstream.StreamID) (item, bool) {
	if group, member, ok := stream.Edge(); ok && group != uuid.Nil && member != uuid.Nil {
		return itemKey(membersOf(domain.GroupID{UUID: group}), member), true
	}
	id, ok := stream.UUID()
	if !ok || id == uuid.Nil {
		return nil, false
	}
	if stream.Kind() == eventstream.KeyKind {
		return itemKey(keyPartition, id), true
	}
	return itemKey(v.bucket(stream.Kind(), id), id), true
}

// Seq is how far the stream's row has got; 0 if there is none.
func (v *View) Seq(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	key, shown := v.keyOf(stream)
	if !shown {
		return 0, nil
	}
	found, err := v.get(ctx, key, "n")
	if err != nil {
		return 0, err
	}
	seq, err := found.number("n")
	return eventstream.Seq(seq), err
}

// Position is what lists rest on, as Options.Position says.
func (v *View) Position(ctx context.Context) (eventstream.Token, error) {
	if v.options.Position == nil {
		return nil, nil
	}
	return v.options.Position(ctx)
}

// get reads an item, only some of its attributes if any are named; an empty one
// if there is none.
func (v *View) get(ctx context.Context, key item, only ...string) (item, error) {
	input := &dynamodb.GetItemInput{TableName: &v.options.Table, Key: key, ConsistentRead: aws.Bool(true)}
	input.ProjectionExpression, input.ExpressionAttributeNames = projection(only)
	got, err := v.client.GetItem(ctx, input)
	if err != nil {
		return nil, unavailable("read a row", err)
	}
	return got.Item, nil
}

// projection asks for some attributes only, for all if none are named.
func projection(only []string) (expression *string, names map[string]string) {
	if len(only) == 0 {
		return nil, nil
	}
	text, names := "", map[string]string{}
	for i, name := range only {
		if i > 0 {
			text += ","
		}
		text += "#" + name
		names["#"+name] = name
	}
	return &text, names
}

// unavailable says what was attempted, and that it may be tried again, unless the
// table said that it will never take the request.
func unavailable(attempted string, err error) error {
	var refused smithy.APIError
	if errors.As(err, &refused) && refused.ErrorCode() == "ValidationException" || cancelledFor(err, "ValidationError") {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	return fmt.Errorf("%s: %w: %w", attempted, eventstream.ErrUnavailable, err)
}
