package dynamostore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
)

func transaction(entries ...eventstream.Entry) eventstream.Transaction {
	return eventstream.Transaction{Command: uuid.Must(uuid.NewV7()), Actor: "actor", Entries: entries}
}

func entry(stream eventstream.StreamID, expect eventstream.Expect) eventstream.Entry {
	return eventstream.Entry{Stream: stream, Expect: expect, Data: []byte(stream)}
}

// user creates a user: its claim, its stream and its place in a shard of all.
func user(name string) eventstream.Transaction {
	return transaction(
		entry(eventstream.ClaimStream("username", name), eventstream.Empty()),
		entry(eventstream.StreamID("user/"+name), eventstream.Empty()),
		entry("users/0", eventstream.Any()))
}

func mustAppend(t *testing.T, store eventstream.Store, tx eventstream.Transaction) []eventstream.Commit {
	t.Helper()
	commits, err := store.Append(t.Context(), tx)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return commits
}

func head(t *testing.T, store eventstream.Store, stream eventstream.StreamID) eventstream.Seq {
	t.Helper()
	last, err := store.Last(t.Context(), stream)
	if err != nil {
		t.Fatalf("last: %v", err)
	}
	return last.Seq
}

func wantHead(t *testing.T, store eventstream.Store, stream eventstream.StreamID, want eventstream.Seq) {
	t.Helper()
	if got := head(t, store, stream); got != want {
		t.Errorf("a stream of kind %s is at %d, want %d", stream.Kind(), got, want)
	}
}

func one(name string) eventstream.Transaction {
	return transaction(entry(eventstream.StreamID("user/"+name), eventstream.Empty()))
}

// TestThrottlingIsWaitedOut: so are conflicts with other transactions, and nothing
// else.
func TestThrottlingIsWaitedOut(t *testing.T) {
	for name, err := range map[string]error{
		"throttled":          apiError("ThrottlingException"),
		"too much":           apiError("ProvisionedThroughputExceededException"),
		"too many":           apiError("RequestLimitExceeded"),
		"conflict":           apiError("TransactionConflictException"),
		"in progress":        apiError("TransactionInProgressException"),
		"cancelled":          cancelledBy("None", "TransactionConflict", "None"),
		"cancelled, both":    cancelledBy("ThrottlingError", "TransactionConflict", "None"),
		"cancelled, too hot": cancelledBy("None", "None", "ProvisionedThroughputExceeded"),
	} {
		t.Run(name, func(t *testing.T) {
			store, w := wired(t, nil)
			for _, tx := range []eventstream.Transaction{one("a"), user("b")} {
				w.set(first(3, err), nil)
				mustAppend(t, store, tx)
				if writes := countWrites(w.take()); writes != 4 {
					t.Errorf("%d writes were sent, want 4", writes)
				}
			}
		})
	}
}

func TestThrottlingEndsWithTheDeadline(t *testing.T) {
	store, w := wired(t, nil)
	mustAppend(t, store, user("warm")) // so that nothing has to be read
	w.set(first(1000, apiError("ThrottlingException")), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := store.Append(ctx, user("a"))
	if !errors.Is(err, eventstream.ErrThrottled) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, eventstream.ErrUnknownOutcome) {
		t.Errorf("append: %v, want that it was throttled until the deadline", err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error quotes the server: %v", err)
	}
	wantHead(t, store, "user/a", 0)
}

func TestOtherErrorsAreNotTriedAgain(t *testing.T) {
	for name, test := range map[string]struct{ err, want error }{
		"refused":   {apiError("AccessDeniedException"), eventstream.ErrUnavailable},
		"no table":  {apiError("ResourceNotFoundException"), eventstream.ErrUnavailable},
		"malformed": {apiError("ValidationException"), nil},
		"cancelled": {cancelledBy("None", "ValidationError", "TransactionConflict"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			store, w := wired(t, nil)
			w.set(first(1, test.err), nil)
			_, err := store.Append(t.Context(), user("a"))
			if err == nil || test.want != nil && !errors.Is(err, test.want) || errors.Is(err, eventstream.ErrUnknownOutcome) || errors.Is(err, eventstream.ErrThrottled) {
				t.Errorf("append: %v", err)
			}
			if writes := countWrites(w.take()); writes != 1 {
				t.Errorf("%d writes were sent, want 1", writes)
			}
		})
	}
}

// TestALostReplyDoesNotDoubleACommit: the same request is sent again, and what it
// finds of its own is success.
func TestALostReplyDoesNotDoubleACommit(t *testing.T) {
	for name, tx := range map[string]eventstream.Transaction{"one stream": one("a"), "several": user("a")} {
		t.Run(name, func(t *testing.T) {
			store, w := wired(t, nil)
			w.set(nil, loseReplies(2))
			commits := mustAppend(t, store, tx)
			if writes := countWrites(w.take()); writes != 3 {
				t.Errorf("%d writes were sent, want 3", writes)
			}
			for _, commit := range commits {
				if last, err := store.Last(t.Context(), commit.Stream); err != nil || last.Hash != commit.Hash || last.Seq != 1 {
					t.Errorf("a stream of kind %s is at %d (%v), or not what was answered", commit.Stream.Kind(), last.Seq, err)
				}
			}
		})
	}
}

// TestALostTransactionFindsItself also where the storage has forgotten its token.
func TestALostTransactionFindsItself(t *testing.T) {
	store, w := wired(t, nil)
	w.set(func(write int, input any) error {
		if transact, ok := input.(*dynamodb.TransactWriteItemsInput); ok && write == 2 {
			token := uuid.NewString()
			transact.ClientRequestToken = &token
		}
		return nil
	}, loseReplies(1))
	mustAppend(t, store, user("a"))
	wantHead(t, store, "users/0", 1)
}

func TestAResendIsTheSameRequest(t *testing.T) {
	store, w := wired(t, nil)
	w.set(nil, loseReplies(1))
	mustAppend(t, store, user("a"))
	var tokens []string
	for _, input := range w.take() {
		if transact, ok := input.(*dynamodb.TransactWriteItemsInput); ok {
			tokens = append(tokens, *transact.ClientRequestToken)
		}
	}
	mustAppend(t, store, user("b"))
	other := *w.take()[0].(*dynamodb.TransactWriteItemsInput).ClientRequestToken
	if len(tokens) != 2 || tokens[0] != tokens[1] || tokens[0] == other {
		t.Errorf("tokens are %q, and another transaction's %q", tokens, other)
	}
}

// TestALostRequestThatLoses: that others were first settles the outcome.
func TestALostRequestThatLoses(t *testing.T) {
	store, w := wired(t, nil)
	var won []eventstream.Commit
	w.set(func(write int, input any) error {
		if isWrite(input) && write == 1 {
			w.set(nil, nil)
			won = mustAppend(t, store, one("a"))
			return errReply
		}
		return nil
	}, nil)
	_, err := store.Append(t.Context(), user("a"))
	var conflict *eventstream.ConflictError
	if !errors.As(err, &conflict) || conflict.Conflicts[0].Winners[0].Hash != won[0].Hash || conflict.Conflicts[0].Index != 1 {
		t.Errorf("append: %v, want the conflict", err)
	}
}

func TestWhatCannotBeSettledIsUnknown(t *testing.T) {
	for name, spoil := range map[string]func(w *wire){
		"replies lost":          func(w *wire) { w.set(nil, loseReplies(1000)) },
		"requests lost":         func(w *wire) { w.set(first(1000, errReply), nil) },
		"server faults":         func(w *wire) { w.set(first(1000, &smithyFault{}), nil) },
		"lost, then throttled":  func(w *wire) { w.set(lostThen(apiError("ThrottlingException")), nil) },
		"lost, then refused":    func(w *wire) { w.set(lostThen(apiError("AccessDeniedException")), nil) },
		"lost, then no network": func(w *wire) { w.set(lostThen(errDial), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			store, w := wired(t, &dynamostore.Options{Attempts: 4})
			spoil(w)
			if _, err := store.Append(t.Context(), user("a")); !errors.Is(err, eventstream.ErrUnknownOutcome) || !errors.Is(err, eventstream.ErrUnavailable) {
				t.Errorf("append: %v, want ErrUnknownOutcome", err)
			}
		})
	}
}

// TestStreamsSettleWhatTheStoreCouldNot: the command is written once.
func TestStreamsSettleWhatTheStoreCouldNot(t *testing.T) {
	store, w := wired(t, nil)
	w.set(nil, loseReplies(4))
	streams := eventstream.New(store, nil)
	commits, err := streams.Transact(t.Context(), eventstream.Attribution{Actor: "actor"}, func(context.Context, uuid.UUID) ([]eventstream.Entry, error) {
		return user("a").Entries, nil
	})
	if err != nil || len(commits) != 3 {
		t.Fatalf("transact answers %d commits, %v", len(commits), err)
	}
	wantHead(t, store, "users/0", 1)
}

func TestNoConnectionIsNoUnknownOutcome(t *testing.T) {
	store, w := wired(t, nil)
	w.set(first(1, errDial), nil)
	if _, err := store.Append(t.Context(), user("a")); !errors.Is(err, eventstream.ErrUnavailable) || errors.Is(err, eventstream.ErrUnknownOutcome) {
		t.Errorf("append: %v, want ErrUnavailable", err)
	}
}

// TestRememberedHeadsMayBeBehind: heads may be out of date when behind: others have written meanwhile.
func TestRememberedHeadsMayBeBehind(t *testing.T) {
	table := newTable(t)
	a, w := wiredTo(t, table, nil)
	b, _ := wiredTo(t, table, nil)
	mustAppend(t, a, user("1"))
	for _, name := range []string{"2", "3", "4"} {
		mustAppend(t, b, user(name))
	}
	w.take()
	if commits := mustAppend(t, a, user("5")); commits[2].Seq != 5 {
		t.Errorf("the commit is %d, want 5", commits[2].Seq)
	}
	if sent := w.take(); len(sent) != 3 {
		t.Errorf("%d requests, want a write that lost, a read and a write", len(sent))
	}
	mustAppend(t, b, transaction(entry("user/1", eventstream.Exactly(1))))
	if _, err := a.Append(t.Context(), transaction(entry("user/1", eventstream.Exactly(1)))); !errors.Is(err, eventstream.ErrConflict) {
		t.Errorf("append: %v, want a conflict", err)
	}
	mustAppend(t, a, transaction(entry("user/1", eventstream.Exactly(2))))
}

// TestWhatIsOverALimitIsNotSent, nor anything before it.
func TestWhatIsOverALimitIsNotSent(t *testing.T) {
	store, w := wired(t, nil)
	large := one("a")
	large.Entries[0].Data = make([]byte, eventstream.MaxData+1)
	if _, err := store.Append(t.Context(), large); !errors.Is(err, eventstream.ErrTooLarge) {
		t.Errorf("append: %v, want ErrTooLarge", err)
	}
	many := user("a")
	for i := range eventstream.MaxEntries - 2 {
		many.Entries = append(many.Entries, eventstream.Entry{Stream: eventstream.UsersStream(i + 1), Expect: eventstream.Empty()})
	}
	if _, err := store.Append(t.Context(), many); !errors.Is(err, eventstream.ErrInvalid) {
		t.Errorf("append: %v, want ErrInvalid", err)
	}
	if sent := w.take(); len(sent) > 0 {
		t.Errorf("%d requests were sent", len(sent))
	}
	many.Entries = many.Entries[:eventstream.MaxEntries]
	mustAppend(t, store, many)
}

// TestNothingIsWrittenWithoutACondition: BatchWriteItem drops conditions, and
// history with them; nothing is ever changed or removed.
func TestNothingIsWrittenWithoutACondition(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, never := range []string{"BatchWriteItem", "BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction", "UpdateItem", "DeleteItem", "types.Update", "types.Delete"} {
			if strings.Contains(string(source), never) {
				t.Errorf("%s uses %s", file, never)
			}
		}
	}
}
