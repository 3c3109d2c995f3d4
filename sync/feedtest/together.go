package feedtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

func (w *world) writeMany(ctx context.Context, random *rand.Rand, times int) error {
	for range times {
		changes := make([]change, 1+random.IntN(3))
		for i := range changes {
			changes[i] = change{random.IntN(kinds), random.IntN(4), random.IntN(4), random.IntN(10)}
		}
		if err := w.write(ctx, changes...); err != nil {
			return err
		}
	}
	return nil
}

// testTogether feeds one view by two synchronisers, each with a shuffled and
// thinned feed of its own, while readers force both.
func testTogether(t *testing.T, h Harness) {
	for seed := range uint64(8) {
		w, view := newWorld(), h.New(t)
		if err := w.writeMany(t.Context(), rand.New(rand.NewPCG(seed, 0)), 60); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		group, ctx := errgroup.WithContext(ctx)
		for i := range uint64(2) {
			s, err := querysync.New(w.streams, []querysync.View{view}, nil)
			if err != nil {
				t.Fatal(err)
			}
			group.Go(func() error { feedBadly(s, w.told, rand.New(rand.NewPCG(seed, 1+i))); return nil })
			group.Go(func() error { return force(ctx, s, view, w, rand.New(rand.NewPCG(seed, 3+i))) })
			group.Go(func() error { return s.Sweep(ctx, time.Time{}) })
		}
		if err := group.Wait(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		cancel()
		h.equalsFold(t, t, w, view)
		claimsNoMore(t, t, w, view)
	}
}

func feedBadly(s *querysync.Synchroniser, told [][]eventstream.Commit, random *rand.Rand) {
	for range 2 * len(told) {
		at := random.IntN(len(told))
		s.Observe(told[at:min(len(told), at+1+random.IntN(3))])
	}
}

func force(ctx context.Context, s *querysync.Synchroniser, view querysync.View, w *world, random *rand.Rand) error {
	for range 200 {
		transaction := w.told[random.IntN(len(w.told))]
		commit := &transaction[random.IntN(len(transaction))]
		if err := s.Ensure(ctx, view, commit.Stream, commit.Seq); err != nil {
			return err
		}
		if err := s.Ensure(ctx, view, eventstream.LogStream, eventstream.Seq(commit.Log)); err != nil {
			return err
		}
	}
	return nil
}

// testCatchUp catches a new view up while the log grows under it. From then on
// the observer alone keeps it whole.
func testCatchUp(t *testing.T, h Harness) {
	for seed := range uint64(4) {
		w, view := newWorld(), h.New(t)
		if err := w.writeMany(t.Context(), rand.New(rand.NewPCG(seed, 0)), 500); err != nil {
			t.Fatal(err)
		}
		s, err := querysync.New(w.streams, []querysync.View{view}, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.observe = s.Observe
		var acknowledged atomic.Uint64
		group, ctx := errgroup.WithContext(t.Context())
		group.Go(func() error {
			random := rand.New(rand.NewPCG(seed, 1))
			for range 500 {
				if err := w.writeMany(ctx, random, 1); err != nil {
					return err
				}
				acknowledged.Add(1)
			}
			return nil
		})
		group.Go(func() error {
			if err := s.CatchUp(ctx, w.store, view, 2, nil); err != nil {
				return err
			}
			if want := 500 + acknowledged.Load(); view.Applied() < want {
				return fmt.Errorf("caught up, but not to %d, which was acknowledged", want)
			}
			return nil
		})
		if err := group.Wait(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		h.isWhole(t, w, view)
	}
}

// isWhole demands that the view is the fold of the whole log, and says so.
func (h Harness) isWhole(t *testing.T, w *world, view querysync.PositionedView) {
	t.Helper()
	if applied, end := view.Applied(), w.store.End(); applied != end {
		t.Fatalf("the view is at %d of the log, which ends at %d", applied, end)
	}
	h.equalsFold(t, t, w, view)
}
