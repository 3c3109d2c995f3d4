package querysync_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries/memview"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

// instant is a view that costs nothing.
type instant struct{ applied uint64 }

func (*instant) Name() string { return "instant" }
func (*instant) Shows(stream eventstream.StreamID) bool {
	return len(stream) > 4 && stream[:5] == "user/"
}

func (*instant) Seq(context.Context, eventstream.StreamID) (eventstream.Seq, error) { return 0, nil }
func (*instant) Apply(context.Context, []eventstream.Commit) error                  { return nil }
func (v *instant) Applied() uint64                                                  { return v.applied }

func (v *instant) SetApplied(position uint64) { v.applied = position }

// BenchmarkObserve is what a batch of 16 transactions, each a user, a shard and
// two claims, costs on top of what the view does with it.
func BenchmarkObserve(b *testing.B) {
	s, err := querysync.New(eventstream.New(memstore.New(nil), nil), []querysync.View{&instant{}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	var batch [][]eventstream.Commit
	for range 16 {
		batch = append(batch, make([]eventstream.Commit, 4))
	}
	position := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		for i, transaction := range batch {
			position++
			transaction[0].Stream, transaction[1].Stream = ada, users
			transaction[2].Stream, transaction[3].Stream = "claim/username/00112233445566778899aabbccddeeff", "claim/email/00112233445566778899aabbccddeeff"
			for j := range transaction {
				transaction[j].Log, transaction[j].Seq = position, eventstream.Seq(position)
				transaction[j].Siblings = threeSiblings[:]
			}
			batch[i] = transaction
		}
		s.Observe(batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*64), "ns/commit")
}

var threeSiblings [3]eventstream.Position

// BenchmarkEnsureSatisfied is a reader with a token whose entity is there.
func BenchmarkEnsureSatisfied(b *testing.B) {
	view := memview.New(nil)
	store := memstore.New(nil)
	s, err := querysync.New(eventstream.New(store, nil), []querysync.View{view}, nil)
	if err != nil {
		b.Fatal(err)
	}
	seedUsers(b, store, 1000)
	if err := s.CatchUp(b.Context(), store, view, 1, nil); err != nil {
		b.Fatal(err)
	}
	waiter, err := s.Waiter(view)
	if err != nil {
		b.Fatal(err)
	}
	stream := eventstream.UserStream(uuid.UUID{14: 1, 15: 1})
	for name, position := range map[string]eventstream.Position{
		"user": {Stream: stream, Seq: 1}, "shard": {Stream: users, Seq: 1000}, "log": {Stream: eventstream.LogStream, Seq: 1000},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := waiter.Ensure(b.Context(), position.Stream, position.Seq); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// seedUsers writes users as creating them does: four commits each.
func seedUsers(b *testing.B, store *memstore.Store, count int) {
	b.Helper()
	for i := range count {
		id := uuid.UUID{13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)}
		username, err := domain.ParseUsername(fmt.Sprintf("user%d", i))
		if err != nil {
			b.Fatal(err)
		}
		email, err := domain.ParseEmail(fmt.Sprintf("user%d@example.org", i))
		if err != nil {
			b.Fatal(err)
		}
		facts := []domain.Event{domain.SetUsername{Username: username}, domain.SetEmail{Email: email}, domain.SetActive{Active: true}}
		var listed []domain.Event
		for _, fact := range facts {
			listed = append(listed, domain.Listed{Of: id, Seq: 1, Fact: fact})
		}
		owner := []domain.Event{domain.SetOwner{Owner: id, Kind: domain.UserMember, OwnerSeq: 1}}
		tx := eventstream.Transaction{Command: uuid.New(), Actor: "bench"}
		for _, entry := range []struct {
			stream eventstream.StreamID
			expect eventstream.Expect
			events []domain.Event
		}{
			{eventstream.UserStream(id), eventstream.Empty(), facts},
			{users, eventstream.Any(), listed},
			{eventstream.ClaimStream("username", fmt.Sprintf("%032x", i)), eventstream.Empty(), owner},
			{eventstream.ClaimStream("email", fmt.Sprintf("%032x", i)), eventstream.Empty(), owner},
		} {
			data, err := domain.EncodeEvents(entry.events)
			if err != nil {
				b.Fatal(err)
			}
			tx.Entries = append(tx.Entries, eventstream.Entry{Stream: entry.stream, Expect: entry.expect, Data: data})
		}
		if _, err := store.Append(b.Context(), tx); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCatchUp is a view in memory that is folded anew from a log in memory.
func BenchmarkCatchUp(b *testing.B) {
	const count = 50_000
	store := memstore.New(nil)
	seedUsers(b, store, count)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint(workers, " workers"), func(b *testing.B) {
			for b.Loop() {
				view := memview.New(nil)
				s, err := querysync.New(eventstream.New(store, nil), []querysync.View{view}, nil)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.CatchUp(b.Context(), store, view, workers, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*count*4)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

// BenchmarkBackendsHandle is what a commit that is projected and announced costs
// the synchroniser, with everything else in memory: batches as a feed gives them.
func BenchmarkBackendsHandle(b *testing.B) {
	const perBatch, batches = 500, 40
	ctx := b.Context()
	streams := eventstream.New(memstore.New(nil), nil)
	var positions [][]eventstream.Position
	for range batches {
		var batch []eventstream.Position
		for range perBatch {
			stream := eventstream.UserStream(uuid.New())
			data, err := domain.EncodeEvents([]domain.Event{domain.SetActive{Active: true}})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := streams.Append(ctx, eventstream.Transaction{
				Command: uuid.New(), Actor: "bench", Entries: []eventstream.Entry{{Stream: stream, Expect: eventstream.Empty(), Data: data}},
			}); err != nil {
				b.Fatal(err)
			}
			batch = append(batch, eventstream.Position{Stream: stream, Seq: 1})
		}
		positions = append(positions, batch)
	}
	before := processorTime(b)
	for b.Loop() {
		s, err := querysync.New(streams, []querysync.View{&feedtest.AnnouncedModel{}}, &querysync.Options{Changes: querysync.NewChanges(streams, 8)})
		if err != nil {
			b.Fatal(err)
		}
		for _, batch := range positions {
			if err := s.Handle(ctx, batch); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric((processorTime(b)-before).Seconds()/float64(b.N*perBatch*batches)*1e6, "µs-cpu/commit")
}

// processorTime is what the process has used so far.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
