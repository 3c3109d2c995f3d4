package logstore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/memfs"
)

func transaction(entries ...eventstream.Entry) eventstream.Transaction {
	return eventstream.Transaction{Command: uuid.New(), Actor: "actor", Correlation: "correlation", Entries: entries}
}

func empty(stream eventstream.StreamID, data string) eventstream.Entry {
	return eventstream.Entry{Stream: stream, Expect: eventstream.Empty(), Data: []byte(data)}
}

func anyway(stream eventstream.StreamID, data string) eventstream.Entry {
	return eventstream.Entry{Stream: stream, Expect: eventstream.Any(), Data: []byte(data)}
}

// user is a transaction that always holds: a new stream and a busy one.
func user(data string) eventstream.Transaction {
	return transaction(empty(eventstream.UserStream(uuid.New()), data), anyway("users/0", data))
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// openMemory opens a log in memory; the test closes it.
func openMemory(t *testing.T, fs *memfs.FS, options *logstore.Options) *logstore.Store {
	t.Helper()
	if options == nil {
		options = &logstore.Options{}
	}
	if options.SegmentSize == 0 {
		options.SegmentSize = 4 << 10
	}
	return must[*logstore.Store](t)(logstore.OpenOn(fs, options))
}

func mustClose(t *testing.T, store *logstore.Store) {
	t.Helper()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// contents gives all that a store holds, and makes sure that reading by stream
// gives the same as reading the log.
func contents(store *logstore.Store) ([][]eventstream.Commit, error) {
	var log [][]eventstream.Commit
	for commits, err := range store.Tail(context.Background(), 0) {
		if err != nil {
			return nil, fmt.Errorf("tail: %w", err)
		}
		log = append(log, commits)
		if commits[0].Log != uint64(len(log)) {
			return nil, fmt.Errorf("transaction %d comes as number %d", commits[0].Log, len(log))
		}
	}
	return log, readStreams(store, log)
}

// readStreams reads every stream of a log, and tells what is not as it is there:
// of several errors, first those that are not of the store's own.
func readStreams(store *logstore.Store, log [][]eventstream.Commit) error {
	streams := map[eventstream.StreamID][]eventstream.Commit{}
	for _, commits := range log {
		for _, commit := range commits {
			streams[commit.Stream] = append(streams[commit.Stream], commit)
		}
	}
	var failure error
	for stream, commits := range streams {
		if err := readStream(store, stream, commits); errors.Is(err, eventstream.ErrCorrupt) {
			failure = err
		} else if err != nil {
			return err
		}
	}
	return failure
}

func readStream(store *logstore.Store, stream eventstream.StreamID, want []eventstream.Commit) error {
	last, err := store.Last(context.Background(), stream)
	if err != nil {
		return fmt.Errorf("last: %w", err)
	}
	if newest := want[len(want)-1]; last.Hash != newest.Hash || last.Log != newest.Log {
		return fmt.Errorf("last of a stream with %d commits is %d, in transaction %d", len(want), last.Seq, last.Log)
	}
	next := 0
	for commit, err := range store.Read(context.Background(), stream, 0) {
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if next == len(want) || commit.Hash != want[next].Hash || commit.Log != want[next].Log {
			return fmt.Errorf("commit %d of a stream, in transaction %d, is not the log's", commit.Seq, commit.Log)
		}
		next++
	}
	if next != len(want) {
		return fmt.Errorf("a stream has %d commits, and %d in the log", next, len(want))
	}
	return nil
}

// same tells how two logs differ, nil if they do not.
func same(got, want [][]eventstream.Commit) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d transactions, not %d", len(got), len(want))
	}
	for i := range want {
		if len(got[i]) != len(want[i]) {
			return fmt.Errorf("transaction %d has %d commits, not %d", i+1, len(got[i]), len(want[i]))
		}
		for k := range want[i] {
			if got[i][k].Hash != want[i][k].Hash || string(got[i][k].Data) != string(want[i][k].Data) {
				return fmt.Errorf("transaction %d is another", i+1)
			}
		}
	}
	return nil
}
