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
	streams := map[eventstream.StreamID][]eventstream.Commit{}
	for commits, err := range store.Tail(context.Background(), 0) {
		if err != nil {
			return nil, fmt.Errorf("tail: %w", err)
		}
		log = append(log, commits)
		if commits[0].Log != uint64(len(log)) {
			return nil, fmt.Errorf("transaction %d comes as number %d", commits[0].Log, len(log))
		}
		for _, commit := range commits {
			streams[commit.Stream] = append(streams[commit.Stream], commit)
		}
	}
	for stream, commits := range streams {
		last, err := store.Last(context.Background(), stream)
		if err != nil || last.Hash != commits[len(commits)-1].Hash {
			return nil, errors.Join(fmt.Errorf("last of a stream with %d commits is %d", len(commits), last.Seq), err)
		}
		next := 0
		for commit, err := range store.Read(context.Background(), stream, 0) {
			if err != nil {
				return nil, fmt.Errorf("read: %w", err)
			}
			if next == len(commits) || commit.Hash != commits[next].Hash {
				return nil, fmt.Errorf("commit %d of a stream is not the log's", commit.Seq)
			}
			next++
		}
		if next != len(commits) {
			return nil, fmt.Errorf("a stream has %d commits, and %d in the log", next, len(commits))
		}
	}
	return log, nil
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
