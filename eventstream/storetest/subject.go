package storetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// subject is a store under test, with words for what tests do to it. Its methods
// end the test if the store fails, so they are for the test's own goroutine.
type subject struct {
	eventstream.Store
	t *testing.T
}

// open makes a fresh store, which is closed when the test ends.
func open(t *testing.T, h Harness, options Options) *subject {
	t.Helper()
	s := &subject{h.New(t, options), t}
	t.Cleanup(func() { s.Close() })
	return s
}

// log is the store as an eventstream.Log.
func (s *subject) log() eventstream.Log { return s.Store.(eventstream.Log) }

// entry writes text to a stream.
func entry(stream eventstream.StreamID, expect eventstream.Expect, text string) eventstream.Entry {
	return eventstream.Entry{Stream: stream, Expect: expect, Data: []byte(text)}
}

// only demands something of a stream and writes nothing to it.
func only(stream eventstream.StreamID, expect eventstream.Expect) eventstream.Entry {
	return eventstream.Entry{Stream: stream, Expect: expect}
}

// transaction is one of a new command.
func transaction(entries ...eventstream.Entry) eventstream.Transaction {
	return eventstream.Transaction{Command: uuid.Must(uuid.NewV7()), Actor: "actor", Correlation: "correlation", Entries: entries}
}

// write appends entries as one transaction.
func (s *subject) write(entries ...eventstream.Entry) []eventstream.Commit {
	s.t.Helper()
	commits, err := s.Append(s.t.Context(), transaction(entries...))
	if err != nil {
		s.t.Fatalf("append: %v", err)
	}
	return commits
}

// fill makes a stream of n commits.
func (s *subject) fill(stream eventstream.StreamID, n int) []eventstream.Commit {
	s.t.Helper()
	var commits []eventstream.Commit
	for i := range n {
		commits = append(commits, s.write(entry(stream, eventstream.Exactly(eventstream.Seq(i)), fmt.Sprint("data ", i+1)))...)
	}
	return commits
}

// read gives the commits of a stream after a number.
func (s *subject) read(stream eventstream.StreamID, after eventstream.Seq) []eventstream.Commit {
	s.t.Helper()
	commits, err := readAll(s.t.Context(), s.Store, stream, after)
	if err != nil {
		s.t.Fatalf("read: %v", err)
	}
	return commits
}

func readAll(ctx context.Context, store eventstream.Store, stream eventstream.StreamID, after eventstream.Seq) ([]eventstream.Commit, error) {
	var commits []eventstream.Commit
	for commit, err := range store.Read(ctx, stream, after) {
		if err != nil {
			return commits, err
		}
		commits = append(commits, commit)
	}
	return commits, nil
}

// last gives the newest commit of a stream.
func (s *subject) last(stream eventstream.StreamID) eventstream.Commit {
	s.t.Helper()
	commit, err := s.Last(s.t.Context(), stream)
	if err != nil {
		s.t.Fatalf("last: %v", err)
	}
	return commit
}

// recent gives, for each stream that Recent names, the highest number it gives.
func (s *subject) recent(since time.Time) map[eventstream.StreamID]eventstream.Seq {
	s.t.Helper()
	found := map[eventstream.StreamID]eventstream.Seq{}
	for position, err := range s.Recent(s.t.Context(), since) {
		if err != nil {
			s.t.Fatalf("recent: %v", err)
		}
		found[position.Stream] = max(found[position.Stream], position.Seq)
	}
	return found
}

// tail gives the transactions after a position.
func (s *subject) tail(after uint64) [][]eventstream.Commit {
	s.t.Helper()
	transactions, err := tailAll(s.t.Context(), s.log(), after)
	if err != nil {
		s.t.Fatalf("tail: %v", err)
	}
	return transactions
}

func tailAll(ctx context.Context, log eventstream.Log, after uint64) ([][]eventstream.Commit, error) {
	var transactions [][]eventstream.Commit
	for commits, err := range log.Tail(ctx, after) {
		if err != nil {
			return transactions, err
		}
		transactions = append(transactions, slices.Clone(commits))
	}
	return transactions, nil
}

// same compares commits, or what is made of them, in every field.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := diffOf(got, want); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// diffOf is empty for what is the same. Most is, and large: so cmp, which is
// slow, is asked only about what is not the same at first sight, and of slices only
// about the first such element.
func diffOf(got, want any, options ...cmp.Option) string {
	if reflect.DeepEqual(got, want) {
		return ""
	}
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	if !g.IsValid() || !w.IsValid() || g.Type() != w.Type() || g.Kind() != reflect.Slice || g.Type().Elem().Kind() == reflect.Uint8 {
		return cmp.Diff(want, got, append(options, cmpopts.EquateEmpty(), cmpopts.EquateComparable(eventstream.Expect{}))...)
	}
	for i := range min(g.Len(), w.Len()) {
		if diff := diffOf(g.Index(i).Interface(), w.Index(i).Interface(), options...); diff != "" {
			return fmt.Sprintf("[%d]: %s", i, diff)
		}
	}
	switch {
	case g.Len() > w.Len():
		return fmt.Sprintf("%d of %d are too many: %+v", g.Len()-w.Len(), g.Len(), g.Index(w.Len()))
	case g.Len() < w.Len():
		return fmt.Sprintf("%d of %d are missing: %+v", w.Len()-g.Len(), w.Len(), w.Index(g.Len()))
	}
	return ""
}

// empty checks that streams have no commit, however they are asked.
func (s *subject) empty(streams ...eventstream.StreamID) {
	s.t.Helper()
	for _, stream := range streams {
		if commits := s.read(stream, 0); len(commits) > 0 {
			s.t.Fatalf("stream %q has %d commits, want none", stream, len(commits))
		}
		same(s.t, "last of an empty stream", s.last(stream), eventstream.Commit{})
	}
}
