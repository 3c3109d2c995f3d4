package dynamoview_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries/viewtest"
)

// answering fails every write with an error.
func answering(failure error) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("answering", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			switch in.Parameters.(type) {
			case *dynamodb.UpdateItemInput, *dynamodb.TransactWriteItemsInput:
				return middleware.InitializeOutput{}, middleware.Metadata{}, failure
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
	}
}

// What the table will never take is no fault that passes: the stream has to be
// parked. Others being at the same items is one, and so is a table that is away.
func TestApplyTellsWhatPasses(t *testing.T) {
	client := connect(t)
	history := viewtest.NewHistory(t)
	user, group := domain.UserID{UUID: uuid.New()}, domain.GroupID{UUID: uuid.New()}
	history.User(user, "homer")
	history.Group(group, "plant")
	history.Member(group, user, true)
	conflict := &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{{Code: aws.String("TransactionConflict")}, {Code: aws.String("None")}, {Code: aws.String("None")}}}
	tooLarge := &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{{Code: aws.String("None")}, {Code: aws.String("None")}, {Code: aws.String("ValidationError")}}}
	moved := &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{{Code: aws.String("ConditionalCheckFailed")}, {Code: aws.String("None")}, {Code: aws.String("None")}}}
	for _, test := range []struct {
		what          string
		failure       error
		passes, moved bool
	}{
		{"never taken", &smithy.GenericAPIError{Code: "ValidationException", Message: "Item size has exceeded the maximum allowed size"}, false, false},
		{"never taken of several", tooLarge, false, false},
		{"others at it", conflict, true, false},
		{"others at the row", &types.TransactionConflictException{}, true, false},
		{"moved", moved, false, true},
		{"the row moved", &types.ConditionalCheckFailedException{}, false, true},
		{"throttled", &types.ProvisionedThroughputExceededException{}, true, false},
		{"away", errors.New("connection refused"), true, false},
	} {
		t.Run(test.what, func(t *testing.T) {
			view := fresh(t, dynamodb.New(client.Options(), func(o *dynamodb.Options) { o.APIOptions = append(o.APIOptions, answering(test.failure)) }))
			for _, stream := range []eventstream.StreamID{eventstream.UserStream(user.UUID), eventstream.MemberStream(group.UUID, user.UUID)} {
				err := view.Apply(t.Context(), history.Commits(stream))
				if err == nil || errors.Is(err, eventstream.ErrUnavailable) != test.passes || errors.Is(err, eventstream.ErrMoved) != test.moved {
					t.Errorf("of kind %s: %v", stream.Kind(), err)
				}
			}
		})
	}
}

// Keys that the table leaves for later, as it does while it throttles, are asked
// for again after a pause, until the reader has no more time.
func TestEndsAreNotAskedForWithoutPause(t *testing.T) {
	client, asked := connect(t), 0
	leaving := func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("leaving", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			read, ok := in.Parameters.(*dynamodb.BatchGetItemInput)
			if !ok {
				return next.HandleInitialize(ctx, in)
			}
			if asked++; asked > 1000 {
				return middleware.InitializeOutput{}, middleware.Metadata{}, errors.New("asked too often")
			}
			return middleware.InitializeOutput{Result: &dynamodb.BatchGetItemOutput{UnprocessedKeys: read.RequestItems}}, middleware.Metadata{}, nil
		}), middleware.After)
	}
	view := fresh(t, dynamodb.New(client.Options(), func(o *dynamodb.Options) { o.APIOptions = append(o.APIOptions, leaving) }))
	history := viewtest.NewHistory(t)
	user, group := domain.UserID{UUID: uuid.New()}, domain.GroupID{UUID: uuid.New()}
	history.Member(group, user, true)
	if err := view.Apply(t.Context(), history.Commits(eventstream.MemberStream(group.UUID, user.UUID))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := view.Membership(ctx, group, user.UUID)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, eventstream.ErrUnavailable) || asked > 500 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}
