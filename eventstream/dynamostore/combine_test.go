package dynamostore_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
)

// outcome is what an append was told.
type outcome struct {
	commits []eventstream.Commit
	err     error
}

// queued holds a first append back while others come to wait behind it.
type queued struct {
	t       *testing.T
	table   string
	store   *dynamostore.Store
	w       *wire
	release func()
	held    chan struct{}
	waits   int
}

func holdBack(t *testing.T) *queued {
	table := newTable(t)
	store, w := wiredTo(t, table, nil)
	q := &queued{t: t, table: table, store: store, w: w, held: make(chan struct{})}
	gate := make(chan struct{})
	q.release = sync.OnceFunc(func() { close(gate) })
	t.Cleanup(q.release)
	reached := sync.OnceFunc(func() { close(q.held) })
	w.set(func(write int, input any) error {
		if isWrite(input) && write == 1 {
			reached()
			<-gate
		}
		return nil
	}, nil)
	return q
}

// append begins an append and waits until it waits for its turn.
func (q *queued) append(ctx context.Context, tx eventstream.Transaction) <-chan outcome {
	told := make(chan outcome, 1)
	go func() {
		commits, err := q.store.Append(ctx, tx)
		told <- outcome{commits, err}
	}()
	for q.waits++; q.waits > 1 && q.store.Waiting("users/0") != q.waits-1; {
		runtime.Gosched()
	}
	if q.waits == 1 {
		<-q.held
	}
	return told
}

// then lets all go on after replacing what goes wrong.
func (q *queued) then(before func(int, any) error) {
	q.w.take()
	q.w.mu.Lock()
	q.w.before = before
	q.w.mu.Unlock()
	q.release()
}

func (q *queued) wantWritten(told <-chan outcome) {
	q.t.Helper()
	got := <-told
	if got.err != nil {
		q.t.Errorf("append: %v", got.err)
		return
	}
	for _, want := range got.commits {
		for commit, err := range q.store.Read(q.t.Context(), want.Stream, want.Seq-1) {
			if err != nil || commit.Hash != want.Hash {
				q.t.Errorf("a stream of kind %s has another commit %d than was answered (%v)", want.Stream.Kind(), want.Seq, err)
			}
			break
		}
	}
}

// wantSizes looks at the transactions that were sent since then.
func (q *queued) wantSizes(want string) {
	q.t.Helper()
	got := ""
	for _, input := range q.w.take() {
		if transact, ok := input.(*dynamodb.TransactWriteItemsInput); ok {
			got += fmt.Sprint(len(transact.TransactItems), " ")
		}
	}
	if got != want {
		q.t.Errorf("transactions of %sitems were sent, want %s", got, want)
	}
}

func TestCreatesOnOneShardAreFolded(t *testing.T) {
	q := holdBack(t)
	told := []<-chan outcome{q.append(t.Context(), user("first"))}
	for i := range 40 {
		told = append(told, q.append(t.Context(), user(fmt.Sprint(i))))
	}
	q.then(nil)
	for i := range told {
		q.wantWritten(told[i])
	}
	q.wantSizes("99 21 ")
	wantHead(t, q.store, "users/0", 41)
}

// TestTheLoserIsAnsweredAlone: the others are written.
func TestTheLoserIsAnsweredAlone(t *testing.T) {
	q := holdBack(t)
	first := q.append(t.Context(), user("first"))
	a, late, b := q.append(t.Context(), user("a")), q.append(t.Context(), user("late")), q.append(t.Context(), user("b"))
	other, _ := wiredTo(t, q.table, nil)
	won := mustAppend(t, other, transaction(entry(eventstream.ClaimStream("username", "late"), eventstream.Empty())))
	q.then(nil)
	q.wantWritten(first)
	q.wantWritten(a)
	q.wantWritten(b)
	var conflict *eventstream.ConflictError
	if got := <-late; !errors.As(got.err, &conflict) || len(conflict.Conflicts) != 1 || conflict.Conflicts[0].Index != 0 || conflict.Conflicts[0].Winners[0].Hash != won[0].Hash {
		t.Errorf("the loser was told %v", got.err)
	}
	wantHead(t, q.store, "user/late", 0)
	wantHead(t, q.store, "users/0", 3)
	q.wantSizes("9 6 ")
}

// TestTwoThatWantTheSameAreNotFolded: the second meets the first.
func TestTwoThatWantTheSameAreNotFolded(t *testing.T) {
	q := holdBack(t)
	first := q.append(t.Context(), user("first"))
	a, b, again := q.append(t.Context(), user("a")), q.append(t.Context(), user("b")), q.append(t.Context(), user("a"))
	q.then(nil)
	q.wantWritten(first)
	q.wantWritten(a)
	q.wantWritten(b)
	if got := <-again; !errors.Is(got.err, eventstream.ErrConflict) {
		t.Errorf("the second was told %v", got.err)
	}
}

// TestALostReplyOfSeveral is settled before anything else is sent.
func TestALostReplyOfSeveral(t *testing.T) {
	q := holdBack(t)
	first := q.append(t.Context(), user("first"))
	a, b := q.append(t.Context(), user("a")), q.append(t.Context(), user("b"))
	q.w.mu.Lock()
	q.w.after = loseReplies(1)
	q.w.mu.Unlock()
	q.then(nil)
	q.wantWritten(first)
	q.wantWritten(a)
	q.wantWritten(b)
	wantHead(t, q.store, "users/0", 3)
}

// TestOneThatIsRefusedDoesNotHarmTheOthers.
func TestOneThatIsRefusedDoesNotHarmTheOthers(t *testing.T) {
	q := holdBack(t)
	first := q.append(t.Context(), user("first"))
	a, bad, b := q.append(t.Context(), user("a")), q.append(t.Context(), user("bad")), q.append(t.Context(), user("b"))
	q.then(func(_ int, input any) error {
		if transact, ok := input.(*dynamodb.TransactWriteItemsInput); ok {
			for _, item := range transact.TransactItems {
				if stringOf(item.Put.Item["p"]) == "user/bad" {
					return apiError("ValidationException")
				}
			}
		}
		return nil
	})
	q.wantWritten(first)
	q.wantWritten(a)
	q.wantWritten(b)
	if got := <-bad; got.err == nil || errors.Is(got.err, eventstream.ErrUnknownOutcome) {
		t.Errorf("the one that was refused was told %v", got.err)
	}
	wantHead(t, q.store, "users/0", 3)
}

// TestACallerMayLeave: while it waits nothing was sent, and afterwards it does not
// know what comes of it. The others go on.
func TestACallerMayLeave(t *testing.T) {
	q := holdBack(t)
	ctx, leave := context.WithCancel(t.Context())
	first := q.append(t.Context(), user("first"))
	a, left := q.append(t.Context(), user("a")), q.append(ctx, user("left"))
	leave()
	if got := <-left; !errors.Is(got.err, context.Canceled) || errors.Is(got.err, eventstream.ErrUnknownOutcome) {
		t.Errorf("the one that left its queue was told %v", got.err)
	}
	q.waits--
	ctx, leave = context.WithCancel(t.Context())
	b := q.append(ctx, user("b"))
	gate := make(chan struct{})
	q.then(func(write int, input any) error {
		if isWrite(input) {
			leave()
			<-gate
		}
		return nil
	})
	if got := <-b; !errors.Is(got.err, context.Canceled) || !errors.Is(got.err, eventstream.ErrUnknownOutcome) {
		t.Errorf("the one that left its request was told %v", got.err)
	}
	close(gate)
	q.wantWritten(first)
	q.wantWritten(a)
	wantHead(t, q.store, "user/left", 0)
	wantHead(t, q.store, "users/0", 3)
}
