package dynamostore_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
)

// wire stands between a store and the server: it remembers what is sent, and can
// lose it or its reply. It may be used concurrently.
type wire struct {
	mu   sync.Mutex
	sent []any
	// before may fail a request so that the server never sees it, after change
	// what came of it. Both are told the number of writes up to this request.
	before func(write int, input any) error
	after  func(write int, input any, result *middleware.InitializeOutput, err error) error
	writes int
}

func (w *wire) options(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("wire", w.handle), middleware.After)
	})
}

func (w *wire) handle(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	w.mu.Lock()
	w.sent = append(w.sent, in.Parameters)
	if isWrite(in.Parameters) {
		w.writes++
	}
	write, before, after := w.writes, w.before, w.after
	w.mu.Unlock()
	if before != nil {
		if err := before(write, in.Parameters); err != nil {
			return middleware.InitializeOutput{}, middleware.Metadata{}, err
		}
	}
	out, metadata, err := next.HandleInitialize(ctx, in)
	if after != nil {
		err = after(write, in.Parameters, &out, err)
	}
	return out, metadata, err
}

func isWrite(input any) bool {
	switch input.(type) {
	case *dynamodb.PutItemInput, *dynamodb.TransactWriteItemsInput:
		return true
	}
	return false
}

// take gives what was sent since the last time.
func (w *wire) take() []any {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := w.sent
	w.sent, w.writes = nil, 0
	return sent
}

// set replaces what goes wrong, and counts from here.
func (w *wire) set(before func(int, any) error, after func(int, any, *middleware.InitializeOutput, error) error) {
	w.take()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before, w.after = before, after
}

// wired opens a store of a fresh table, with a wire between.
func wired(t *testing.T, options *dynamostore.Options) (*dynamostore.Store, *wire) {
	t.Helper()
	return wiredTo(t, newTable(t), options)
}

func wiredTo(t *testing.T, table string, options *dynamostore.Options) (*dynamostore.Store, *wire) {
	t.Helper()
	w := &wire{}
	store := dynamostore.New(connect(t, w.options), table, options)
	t.Cleanup(func() { store.Close() })
	return store, w
}

// first fails the first n writes before they are sent.
func first(n int, err error) func(int, any) error {
	return func(write int, input any) error {
		if isWrite(input) && write <= n {
			return err
		}
		return nil
	}
}

var errReply = errors.New("connection reset by peer")

// loseReplies loses the replies of the first n writes, after the server acted.
func loseReplies(n int) func(int, any, *middleware.InitializeOutput, error) error {
	return func(write int, input any, _ *middleware.InitializeOutput, err error) error {
		if isWrite(input) && write <= n {
			return errReply
		}
		return err
	}
}

func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "secret", Fault: smithy.FaultClient}
}

func cancelledBy(codes ...string) error {
	cancelled := &types.TransactionCanceledException{}
	for _, code := range codes {
		cancelled.CancellationReasons = append(cancelled.CancellationReasons, types.CancellationReason{Code: &code})
	}
	return cancelled
}
