package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
)

func write(t rapid.TB, s *memstore.Store, streams ...eventstream.StreamID) {
	t.Helper()
	tx := eventstream.Transaction{Command: uuid.New(), Entries: []eventstream.Entry{{Stream: eventstream.UserStream(uuid.New()), Expect: eventstream.Empty(), Data: []byte("[]")}}}
	for _, stream := range streams {
		tx.Entries = append(tx.Entries, eventstream.Entry{Stream: stream, Expect: eventstream.Any(), Data: []byte("[]")})
	}
	if _, err := s.Append(context.Background(), tx); err != nil {
		t.Fatal(err)
	}
}

func all(t rapid.TB, source transfer.Source, after eventstream.Mark) (steps []transfer.Step) {
	t.Helper()
	for step, err := range source.After(context.Background(), after) {
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

// Whoever goes on behind any step hears of all that comes after it.
func TestLogFromEveryPlace(t *testing.T) {
	s := memstore.New(nil)
	for range 9 {
		write(t, s, "users/0")
	}
	source := transfer.NewLog(s)
	steps := all(t, source, eventstream.Mark{})
	if len(steps) != 9 {
		t.Fatalf("%d steps", len(steps))
	}
	for i := range steps {
		rest := all(t, source, steps[i].Next)
		if len(rest) != len(steps)-i-1 || len(rest) > 0 && rest[0].Transaction[0].Hash != steps[i+1].Transaction[0].Hash {
			t.Fatalf("%d steps behind step %d", len(rest), i)
		}
	}
	for step, err := range source.After(t.Context(), transfer.LogPlace(10)) {
		if !errors.Is(err, eventstream.ErrUnknownPosition) {
			t.Errorf("behind the end: %v, %v", step, err)
		}
	}
	users := eventstream.NewToken(eventstream.Position{Stream: "users/0", Seq: 1})
	for _, place := range []eventstream.Mark{{At: transfer.LogPlace(1).At, Rest: []byte{0, 4, 0, 0}}, {At: users}, {At: users.Merge(transfer.LogPlace(1).At)}} {
		for step, err := range source.After(t.Context(), place) {
			if !errors.Is(err, eventstream.ErrMalformedToken) {
				t.Errorf("behind %v: %v, %v", place, step, err)
			}
		}
	}
}

// Who waits is woken by what is written.
func TestLogWait(t *testing.T) {
	var source *transfer.Log
	s := memstore.New(&memstore.Options{Observe: func(batch [][]eventstream.Commit) { source.Observe(batch) }})
	source = transfer.NewLog(s)
	woken := make(chan error)
	go func() { woken <- source.Wait(t.Context(), eventstream.Mark{}) }()
	write(t, s)
	if err := <-woken; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := source.Wait(ctx, transfer.LogPlace(1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Whatever the order in which transactions come, and however often, each with
// whichever of its commits in front, they can be imported as they are given.
func TestArrange(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := memstore.New(nil)
		for range rapid.IntRange(1, 30).Draw(rt, "transactions") {
			var streams []eventstream.StreamID
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 3), 0, 3, rapid.ID[int]).Draw(rt, "streams") {
				streams = append(streams, eventstream.UsersStream(n))
			}
			write(rt, s, streams...)
		}
		var transactions [][]eventstream.Commit
		for _, step := range all(rt, transfer.NewLog(s), eventstream.Mark{}) {
			transactions = append(transactions, step.Transaction)
		}
		before := rapid.IntRange(0, len(transactions)).Draw(rt, "there before")
		to := memstore.New(nil)
		if _, err := to.Import(context.Background(), transactions[:before]); err != nil {
			rt.Fatal(err)
		}
		arranger := transfer.NewArranger(to.Head)
		comes := rapid.Permutation(append(transactions, rapid.SliceOf(rapid.SampledFrom(transactions)).Draw(rt, "again")...)).Draw(rt, "order")
		given := 0
		for n, transaction := range comes {
			front := rapid.IntRange(0, len(transaction)-1).Draw(rt, "front")
			transaction = slices.Concat(transaction[front:], transaction[:front])
			ready, err := arranger.Add(context.Background(), transaction)
			if err != nil {
				rt.Fatal(err)
			}
			given += len(ready)
			if done, err := to.Import(context.Background(), ready); err != nil || done != len(ready) {
				rt.Fatalf("imported %d of %d: %v", done, len(ready), err)
			}
			settled := int(arranger.Settled())
			for _, before := range comes[:settled] {
				if head, err := to.Head(context.Background(), before[0].Stream); err != nil || head < before[0].Seq {
					rt.Fatalf("%v is said to be settled: %v", before[0].Position(), err)
				}
			}
			if arranger.Added() != uint64(n+1) || (settled == n+1) != (arranger.Waiting() == 0) {
				rt.Fatalf("%d came, %d are settled, %d wait", n+1, settled, arranger.Waiting())
			}
		}
		if given != len(transactions)-before || arranger.Waiting() != 0 || len(arranger.Missing()) != 0 || to.End() != s.End() {
			rt.Fatalf("%d given of %d, %d waiting for %v", given, len(transactions)-before, arranger.Waiting(), arranger.Missing())
		}
	})
}

// What does not come is named.
func TestMissing(t *testing.T) {
	s := memstore.New(nil)
	for range 3 {
		write(t, s, "users/0")
	}
	steps := all(t, transfer.NewLog(s), eventstream.Mark{})
	arranger := transfer.NewArranger(nil)
	if ready, err := arranger.Add(t.Context(), steps[2].Transaction); len(ready) > 0 || err != nil {
		t.Fatal(ready, err)
	}
	if got := fmt.Sprint(arranger.Missing(), arranger.Waiting()); got != "[{users/0 2}] 1" {
		t.Error(got)
	}
}

// Where one part of a feed is read before the others, nearly everything is held, and
// half of it may be given at once: going over that takes one pass.
func BenchmarkSettled(b *testing.B) {
	const held = 100_000
	for b.Loop() {
		b.StopTimer()
		a := transfer.NewArranger(nil)
		add := func(stream eventstream.StreamID, seq int) {
			if _, err := a.Add(b.Context(), []eventstream.Commit{{Stream: stream, Seq: eventstream.Seq(seq)}}); err != nil {
				b.Fatal(err)
			}
		}
		for _, stream := range []eventstream.StreamID{"users/0", "users/1"} {
			for n := range held {
				add(stream, n+2)
			}
		}
		add("users/0", 1)
		b.StartTimer()
		if settled := a.Settled(); settled != held || a.Waiting() != held {
			b.Fatalf("%d are settled, and %d wait", settled, a.Waiting())
		}
	}
}
