package logstore_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
)

// fill appends transactions of four streams each, as creating a user does.
func fill(b *testing.B, store *logstore.Store, transactions int) {
	b.Helper()
	var group sync.WaitGroup
	data := strings.Repeat("d", 150)
	for range 64 {
		group.Go(func() {
			for range transactions / 64 {
				id := uuid.New()
				tx := transaction(empty(eventstream.UserStream(id), data), empty(eventstream.ClaimStream("username", id.String()), data),
					empty(eventstream.ClaimStream("email", id.String()), data), anyway("users/0", data))
				if _, err := store.Append(b.Context(), tx); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// BenchmarkOpen opens a log of 256 k transactions and as many users: with a
// snapshot at its end, and without one.
func BenchmarkOpen(b *testing.B) {
	const transactions = 256 << 10
	dir := b.TempDir()
	store, err := logstore.Open(dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	fill(b, store, transactions)
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	for _, snapshot := range []bool{true, false} {
		b.Run(fmt.Sprintf("snapshot=%t", snapshot), func(b *testing.B) {
			var opening time.Duration
			for b.Loop() {
				b.StopTimer()
				if !snapshot {
					snapshots, _ := filepath.Glob(filepath.Join(dir, "heads-*"))
					removeAll(snapshots)
				}
				b.StartTimer()
				began := time.Now()
				store, err := logstore.Open(dir, nil)
				if err != nil {
					b.Fatal(err)
				}
				opening += time.Since(began)
				b.StopTimer()
				store.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(b.N)*transactions/opening.Seconds(), "tx/s")
		})
	}
	store, err = logstore.Open(dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	b.Run("tail", func(b *testing.B) {
		commits := 0
		for b.Loop() {
			for transaction, err := range store.Tail(b.Context(), 0) {
				if err != nil {
					b.Fatal(err)
				}
				commits += len(transaction)
			}
		}
		b.ReportMetric(float64(commits)/b.Elapsed().Seconds(), "commits/s")
	})
	b.Run("last", func(b *testing.B) {
		for b.Loop() {
			if _, err := store.Last(b.Context(), "users/0"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
