package dynamostore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
)

// failReads fails the first n reads before they are sent.
func failReads(n int, err error) func(int, any) error {
	return func(_ int, input any) error {
		switch input.(type) {
		case *dynamodb.QueryInput, *dynamodb.ScanInput:
			if n--; n >= 0 {
				return err
			}
		}
		return nil
	}
}

// readWays are the ways to read from a store that has a commit in stream x.
var readWays = map[string]func(context.Context, eventstream.Store) error{
	"read": func(ctx context.Context, store eventstream.Store) (failure error) {
		for _, err := range store.Read(ctx, "x", 0) {
			failure = err
		}
		return failure
	},
	"last": func(ctx context.Context, store eventstream.Store) error {
		_, err := store.Last(ctx, "x")
		return err
	},
	"recent": func(ctx context.Context, store eventstream.Store) (failure error) {
		for _, err := range store.Recent(ctx, time.Now()) {
			failure = err
		}
		return failure
	},
	"scan": func(ctx context.Context, store eventstream.Store) (failure error) {
		for _, err := range store.Recent(ctx, time.Unix(0, 0)) {
			failure = err
		}
		return failure
	},
}

// TestReadsAreTriedAgain, three times after failures that say nothing of the
// request, for as long as it takes after throttling, and never otherwise.
func TestReadsAreTriedAgain(t *testing.T) {
	retries := 0
	store, w := wired(t, &dynamostore.Options{OnRetry: func(error) { retries++ }, Backoff: time.Microsecond})
	mustAppend(t, store, transaction(entry("x", eventstream.Empty())))
	for name, test := range map[string]struct {
		failure  error
		failures int
		want     error
	}{
		"reply lost":          {errReply, 3, nil},
		"reply lost for good": {errReply, 4, eventstream.ErrUnavailable},
		"no connection":       {errDial, 3, nil},
		"never a connection":  {errDial, 4, eventstream.ErrUnavailable},
		"server fault":        {&smithyFault{}, 3, nil},
		"only server faults":  {&smithyFault{}, 4, eventstream.ErrUnavailable},
		"throttled":           {apiError("ThrottlingException"), 12, nil},
		"refused":             {apiError("AccessDeniedException"), 1, eventstream.ErrUnavailable},
		"malformed":           {apiError("ValidationException"), 1, errAny},
	} {
		for way, read := range readWays {
			t.Run(name+"/"+way, func(t *testing.T) {
				w.set(failReads(test.failures, test.failure), nil)
				retries = 0
				err := read(t.Context(), store)
				if test.want == errAny && err == nil || test.want != errAny && !errors.Is(err, test.want) {
					t.Errorf("the error is %v, want %v", err, test.want)
				}
				want := test.failures
				if test.want != nil {
					want--
				}
				if retries != want {
					t.Errorf("%d further attempts were counted, want %d", retries, want)
				}
			})
		}
	}
}

var errAny = errors.New("any error")

// TestReadsEndWithTheDeadline, whether it comes while they wait to try again or
// for an answer.
func TestReadsEndWithTheDeadline(t *testing.T) {
	store, w := wired(t, &dynamostore.Options{Backoff: time.Hour})
	for way, read := range readWays {
		for name, failure := range map[string]func(context.Context) error{
			"between attempts": func(context.Context) error { return errReply },
			"while it waits":   func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		} {
			t.Run(name+"/"+way, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				w.set(func(int, any) error { return failure(ctx) }, nil)
				if err := read(ctx, store); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, eventstream.ErrUnavailable) {
					t.Errorf("the error is %v, want that the storage did not answer until the deadline", err)
				}
			})
		}
	}
}

// A reader that is cut off is told so, whatever its context was ended with.
func TestAReadThatIsCutOffSaysSo(t *testing.T) {
	store, w := wired(t, nil)
	ctx, end := context.WithCancelCause(t.Context())
	told := errors.New("told to stop")
	w.set(func(_ int, input any) error {
		if _, ok := input.(*dynamodb.QueryInput); ok {
			end(fmt.Errorf("%w: %w", told, eventstream.ErrUnknownPosition))
		}
		return nil
	}, nil)
	for _, err := range store.Read(ctx, eventstream.UserStream(uuid.New()), 0) {
		if !errors.Is(err, context.Canceled) || errors.Is(err, eventstream.ErrUnknownPosition) || !strings.Contains(err.Error(), told.Error()) {
			t.Errorf("the error is %v", err)
		}
	}
	if ctx.Err() == nil {
		t.Error("nothing was read")
	}
}
