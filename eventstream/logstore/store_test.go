package logstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/memfs"
)

// TestTimesOfAStreamNeverGoBack turns the clock back while the store is open and
// while it is not.
func TestTimesOfAStreamNeverGoBack(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	fs, now := memfs.New(), noon
	options := &logstore.Options{Now: func() time.Time { return now }, SegmentSize: 4 << 10}
	for range 2 {
		store := openMemory(t, fs, options)
		for range 3 {
			must[[]eventstream.Commit](t)(store.Append(t.Context(), user("")))
			now = now.Add(-time.Hour)
		}
		own := must[[]eventstream.Commit](t)(store.Append(t.Context(), transaction(empty(eventstream.StreamID(now.String()), ""))))
		if !own[0].Time.Equal(now) {
			t.Errorf("a new stream's time is %v, not the clock's %v", own[0].Time, now)
		}
		before := time.Time{}
		for commit, err := range store.Read(t.Context(), "users/0", 0) {
			if err != nil {
				t.Fatal(err)
			}
			if commit.Time.Before(before) {
				t.Errorf("commit %d is of %v, after one of %v", commit.Seq, commit.Time, before)
			}
			before = commit.Time
		}
		mustClose(t, store)
	}
}

func TestATransactionOverTheLimitIsRefused(t *testing.T) {
	store := openMemory(t, memfs.New(), nil)
	defer store.Close()
	var entries []eventstream.Entry
	for i := range eventstream.MaxEntries {
		entries = append(entries, empty(eventstream.UsersStream(i), strings.Repeat("d", eventstream.MaxData)))
	}
	if _, err := store.Append(t.Context(), transaction(entries...)); !errors.Is(err, eventstream.ErrTooLarge) {
		t.Errorf("error is %v", err)
	}
	want := must[[]eventstream.Commit](t)(store.Append(t.Context(), transaction(entries[:15]...))) // longer than a segment
	if err := readStreams(store, [][]eventstream.Commit{want}); err != nil {
		t.Error(err)
	}
}

// TestALongStreamIsReadWhole reads more commits than are kept on the way back.
func TestALongStreamIsReadWhole(t *testing.T) {
	fs := memfs.New()
	store := openMemory(t, fs, &logstore.Options{SegmentSize: 64 << 10})
	defer func() { mustClose(t, store) }()
	const commits = 1000
	for range commits {
		must[[]eventstream.Commit](t)(store.Append(t.Context(), user("")))
	}
	for _, after := range []eventstream.Seq{0, 1, 500, commits - 257, commits - 256, commits - 255, commits - 1, commits} {
		next := after + 1
		for commit, err := range store.Read(t.Context(), "users/0", after) {
			if err != nil || commit.Seq != next {
				t.Fatalf("after %d: commit %d, not %d: %v", after, commit.Seq, next, err)
			}
			next++
		}
		if next != commits+1 {
			t.Errorf("after %d: it ends before %d", after, next)
		}
	}
}

// TestRecentReadsLittle goes over a log of many hours.
func TestRecentReadsLittle(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	fs, now := memfs.New(), noon
	options := &logstore.Options{Now: func() time.Time { return now }, SegmentSize: 16 << 10}
	store := openMemory(t, fs, options)
	const hours = 400
	for range hours {
		must[[]eventstream.Commit](t)(store.Append(t.Context(), user(strings.Repeat("d", 300))))
		now = now.Add(time.Hour)
	}
	for range 2 { // the second time after a start
		reads := 0
		fs.Before(func(op memfs.Op, _ string) *memfs.Fault {
			if op == memfs.OpRead {
				reads++
			}
			return nil
		})
		since, found := now.Add(-3*time.Hour), 0
		for position, err := range store.Recent(t.Context(), since) {
			if err != nil {
				t.Fatal(err)
			}
			if position.Stream != "users/0" {
				found++
			}
		}
		if found < 3 || found > 6 || reads > 6 {
			t.Errorf("%d streams of 3 were found with %d reads", found, reads)
		}
		fs.Before(nil)
		mustClose(t, store)
		store = openMemory(t, fs, options)
	}
	mustClose(t, store)
}

func TestBatchesAreTold(t *testing.T) {
	fs := memfs.New()
	fs.SetFree(12345678)
	var told []logstore.Batch
	store := openMemory(t, fs, &logstore.Options{LowWater: -1, OnBatch: func(b logstore.Batch) { told = append(told, b) }})
	must[[]eventstream.Commit](t)(store.Append(t.Context(), user("")))
	if _, err := store.Append(t.Context(), transaction(empty("users/0", ""))); !errors.Is(err, eventstream.ErrConflict) {
		t.Errorf("error is %v", err)
	}
	mustClose(t, store) // the last batch has been told
	if len(told) != 1 || told[0].Bytes == 0 || told[0].Write < told[0].Sync {
		t.Fatalf("told %+v", told)
	}
	told[0].Bytes, told[0].Write, told[0].Sync = 0, 0, 0
	if diff := cmp.Diff(told[0], logstore.Batch{Transactions: 1, Commits: 2, Free: 12345678}); diff != "" {
		t.Error(diff)
	}
}

func TestHealthCounts(t *testing.T) {
	store := openMemory(t, memfs.New(), nil)
	defer store.Close()
	for range 3 {
		must[[]eventstream.Commit](t)(store.Append(t.Context(), user("")))
	}
	health := store.Health()
	if health.HeadBytes == 0 {
		t.Error("heads take no memory")
	}
	health.HeadBytes = 0
	if diff := cmp.Diff(health, logstore.Health{End: 3, Streams: 4}); diff != "" {
		t.Error(diff)
	}
}
