package dynamolease_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/leasetest"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
	"github.com/seed5b6a70b4/identity/sync/shardtest"
)

func TestContract(t *testing.T) {
	table := shardtest.NewTable(t, dynamolease.Table)
	leasetest.Run(t, func(_ *testing.T, group string) shardfeed.Leases {
		return dynamolease.New(table.Client, table.Name, group)
	})
}

// TestALostReplyIsNoLostLease sends a write a second time after the reply to the
// first was lost.
func TestALostReplyIsNoLostLease(t *testing.T) {
	table := shardtest.NewTable(t, dynamolease.Table)
	lossy := dynamodb.New(table.Client.Options(), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Finalize.Insert(&twice{}, "Retry", middleware.After)
		})
	})
	leases := dynamolease.New(lossy, table.Name, "group")
	first, err := leases.Create(t.Context(), shardfeed.Lease{Shard: "shard", Owner: "me"})
	if err != nil {
		t.Fatal("create:", err)
	}
	next := first
	next.Checkpoint = "1"
	second, err := leases.Update(t.Context(), first, next)
	if err != nil || second.Counter != 2 {
		t.Fatalf("update: %+v, %v", second, err)
	}
	next.Checkpoint = "2"
	if _, err := leases.Update(t.Context(), first, next); !errors.Is(err, shardfeed.ErrLost) {
		t.Errorf("a stale change: %v", err)
	}
}

// twice loses the reply to every first attempt.
type twice struct{ attempts int }

func (*twice) ID() string { return "twice" }

func (w *twice) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleFinalize(ctx, in)
	if w.attempts++; w.attempts%2 == 1 && err == nil {
		return out, metadata, lostReply{}
	}
	return out, metadata, err
}

type lostReply struct{}

func (lostReply) Error() string   { return "connection reset by peer" }
func (lostReply) Timeout() bool   { return true }
func (lostReply) Temporary() bool { return true }

// TestListsAreConsistent looks at what is asked: the server at hand is never stale.
func TestListsAreConsistent(t *testing.T) {
	table := shardtest.NewTable(t, dynamolease.Table)
	asked := &questions{}
	client := dynamodb.New(table.Client.Options(), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(asked, middleware.After)
		})
	})
	if _, err := dynamolease.New(client, table.Name, "group").List(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asked.consistent != 1 || asked.other != 0 {
		t.Errorf("%d consistent reads, %d others", asked.consistent, asked.other)
	}
}

// questions counts reads.
type questions struct{ consistent, other int }

func (*questions) ID() string { return "questions" }

func (q *questions) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	if query, isQuery := in.Parameters.(*dynamodb.QueryInput); isQuery && query.ConsistentRead != nil && *query.ConsistentRead {
		q.consistent++
	} else {
		q.other++
	}
	return next.HandleInitialize(ctx, in)
}
