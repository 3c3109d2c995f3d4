package dynamolease_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/internal/testservers"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/leasetest"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
	"github.com/seed5b6a70b4/identity/sync/shardtest"
)

// connect makes a client and a table.
func connect(t *testing.T) (client *dynamodb.Client, table string) {
	client, table = dynamodb.NewFromConfig(shardtest.Config(t, testservers.DynamoDB)), "sync-"+uuid.NewString()
	if _, err := client.CreateTable(t.Context(), dynamolease.Table(table)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: aws.String(table)})
	})
	return client, table
}

func TestContract(t *testing.T) {
	client, table := connect(t)
	leasetest.Run(t, func(_ *testing.T, group string) shardfeed.Leases { return dynamolease.New(client, table, group) })
}

// TestALostReplyIsNoLostLease sends a write a second time after the reply to the
// first was lost.
func TestALostReplyIsNoLostLease(t *testing.T) {
	client, table := connect(t)
	lossy := dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Finalize.Insert(&twice{}, "Retry", middleware.After)
		})
	})
	leases := dynamolease.New(lossy, table, "group")
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
