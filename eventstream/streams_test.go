package eventstream_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/eventstream/storetest"
)

func entry(stream eventstream.StreamID, expect eventstream.Expect, text string) eventstream.Entry {
	return eventstream.Entry{Stream: stream, Expect: expect, Data: []byte(text)}
}

func transaction(entries ...eventstream.Entry) eventstream.Transaction {
	return eventstream.Transaction{Command: uuid.Must(uuid.NewV7()), Entries: entries}
}

func readAll(t *testing.T, store eventstream.Store, stream eventstream.StreamID) []eventstream.Commit {
	t.Helper()
	var commits []eventstream.Commit
	for commit, err := range store.Read(t.Context(), stream, 0) {
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		commits = append(commits, commit)
	}
	return commits
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func TestAppendRecognisesItsOwnCommits(t *testing.T) {
	store := memstore.New(nil)
	streams := eventstream.New(storetest.NewFaulty(store, storetest.LostReply, storetest.SentTwice), nil)
	tx := transaction(entry("b", eventstream.Empty(), "b"), eventstream.Entry{Stream: "c", Expect: eventstream.Empty()}, entry("a", eventstream.Any(), "a"))

	if _, err := streams.Append(t.Context(), tx); !errors.Is(err, eventstream.ErrUnknownOutcome) || !errors.Is(err, eventstream.ErrUnavailable) {
		t.Fatalf("a lost reply: %v, want ErrUnknownOutcome", err)
	}
	want := append(readAll(t, store, "b"), readAll(t, store, "a")...)
	later := transaction(entry("a", eventstream.Any(), "later"), entry("b", eventstream.Exactly(1), "later"), entry("c", eventstream.Empty(), "later"))
	if _, err := store.Append(t.Context(), later); err != nil {
		t.Fatal(err)
	}

	for _, what := range []string{"sent twice underneath", "appended again"} {
		got, err := streams.Append(t.Context(), tx)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		same(t, what, got, want)
	}
	same(t, "what is written", len(readAll(t, store, "a"))+len(readAll(t, store, "b")), 4)
}

func TestAppendDoesNotTakeOthersForItsOwn(t *testing.T) {
	store := memstore.New(nil)
	streams := eventstream.New(store, nil)
	first := transaction(entry("x", eventstream.Empty(), "first"), entry("y", eventstream.Empty(), "first"))
	if _, err := streams.Append(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	_, err := streams.Append(t.Context(), transaction(entry("x", eventstream.Empty(), "first"), entry("y", eventstream.Empty(), "first")))
	var conflict *eventstream.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts) != 2 || conflict.Conflicts[1].Winners[0].Command != first.Command {
		t.Fatalf("another command with the same data: %v, want a conflict", err)
	}
	for name, entries := range map[string][]eventstream.Entry{
		"other data":    {entry("x", eventstream.Empty(), "first"), entry("y", eventstream.Empty(), "second")},
		"fewer streams": {entry("x", eventstream.Empty(), "first")},
		"other streams": {entry("x", eventstream.Empty(), "first"), entry("z", eventstream.Empty(), "first")},
		"more streams":  {entry("x", eventstream.Empty(), "first"), entry("y", eventstream.Empty(), "first"), entry("z", eventstream.Empty(), "first")},
	} {
		reused := eventstream.Transaction{Command: first.Command, Entries: entries}
		if commits, err := streams.Append(t.Context(), reused); !errors.Is(err, eventstream.ErrInvalid) || commits != nil {
			t.Errorf("its command reused with %s: %v, want ErrInvalid", name, err)
		}
	}
	if len(readAll(t, store, "z")) > 0 {
		t.Fatal("a refused transaction was written")
	}
}

// unreadable is a store that cannot be read.
type unreadable struct{ eventstream.Store }

func (unreadable) Read(context.Context, eventstream.StreamID, eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	return func(yield func(eventstream.Commit, error) bool) {
		yield(eventstream.Commit{}, eventstream.ErrUnavailable)
	}
}

func TestAppendNeverSaysThatNothingWasWrittenWhenItWas(t *testing.T) {
	store := memstore.New(nil)
	tx := transaction(entry("x", eventstream.Empty(), "x"))
	if _, err := store.Append(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	_, err := eventstream.New(unreadable{store}, nil).Append(t.Context(), tx)
	if !errors.Is(err, eventstream.ErrUnknownOutcome) {
		t.Fatalf("written, and not readable: %v, want ErrUnknownOutcome", err)
	}
}

func TestOnAppendIsToldOfEveryAppend(t *testing.T) {
	var told []string
	options := &eventstream.Options{OnAppend: func(commits int, err error) {
		told = append(told, fmt.Sprint(commits, " ", errors.Is(err, eventstream.ErrConflict)))
	}}
	streams := eventstream.New(storetest.NewFaulty(memstore.New(nil), storetest.NoFault, storetest.NoFault, storetest.Unavailable), options)
	for range 3 {
		streams.Append(t.Context(), transaction(entry("x", eventstream.Empty(), ""), entry("y", eventstream.Any(), "")))
	}
	same(t, "told", told, []string{"2 false", "0 true", "0 false"})
}

// gapped is a store that has lost the first two commits of every stream.
type gapped struct{ eventstream.Store }

func (g gapped) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	return g.Store.Read(ctx, stream, max(after, 2))
}

func TestAtDoesNotTakeAnotherCommit(t *testing.T) {
	store := memstore.New(nil)
	for seq := range eventstream.Seq(3) {
		if _, err := store.Append(t.Context(), transaction(entry("x", eventstream.Exactly(seq), ""))); err != nil {
			t.Fatal(err)
		}
	}
	if commit, err := eventstream.New(gapped{store}, nil).At(t.Context(), at("x", 2)); !errors.Is(err, eventstream.ErrCorrupt) {
		t.Errorf("%v, %v; want ErrCorrupt", commit, err)
	}
}

func TestAtGivesOneCommit(t *testing.T) {
	store := memstore.New(nil)
	streams := eventstream.New(store, nil)
	for seq := range eventstream.Seq(3) {
		if _, err := streams.Append(t.Context(), transaction(entry("x", eventstream.Exactly(seq), fmt.Sprint(seq+1)))); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range readAll(t, store, "x") {
		got, err := streams.At(t.Context(), at("x", eventstream.Seq(i+1)))
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the commit", got, want)
	}
	for _, position := range []eventstream.Position{at("x", 0), at("x", 4), at("y", 1)} {
		if _, err := streams.At(t.Context(), position); !errors.Is(err, eventstream.ErrCorrupt) {
			t.Errorf("at %v: %v, want ErrCorrupt", position, err)
		}
	}
	last, err := streams.Last(t.Context(), "x")
	if err != nil || last.Seq != 3 {
		t.Fatalf("last is %d (%v), want 3", last.Seq, err)
	}
	for position, err := range streams.Recent(t.Context(), time.Time{}) {
		if err != nil || position.Stream != "x" {
			t.Fatalf("recent gives %v (%v)", position, err)
		}
	}
}
