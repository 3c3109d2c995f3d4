package shardtest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

func testDelivery(t *testing.T, s Stream) {
	before := write(t, s, 120)
	l := newLedger()
	p := start(t, s, l.handle)
	l.await(t, before)
	l.await(t, write(t, s, 120))
	eventually(t, "the lag is nothing again", func() (bool, error) { return p.value(t, "identity_feed_lag_seconds") == 0, nil })
	if got := p.value(t, "identity_feed_losses_total"); got != 0 {
		t.Errorf("%v losses were told", got)
	}
}

func testRefused(t *testing.T, s Stream) {
	want := write(t, s, 30)
	l := newLedger()
	var mu sync.Mutex
	refusals := 6
	p := start(t, s, func(ctx context.Context, positions []eventstream.Position) error {
		mu.Lock()
		defer mu.Unlock()
		if refusals--; refusals >= 0 {
			return errors.New("not now")
		}
		return l.handle(ctx, positions)
	})
	l.await(t, want)
	if got := p.value(t, "identity_feed_failures_total"); got < 6 {
		t.Errorf("%v failures were counted of 6", got)
	}
}

func testUnknown(t *testing.T, s Stream) {
	unknown, err := s.WriteUnknown(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := write(t, s, 10)
	l := newLedger()
	p := start(t, s, l.handle)
	l.await(t, want)
	eventually(t, "all of them are counted", func() (bool, error) {
		return p.value(t, "identity_feed_unknown_records_total") >= float64(unknown), nil
	})
	if got := l.size(); got != len(want) {
		t.Errorf("%d positions were handed over, %d were written", got, len(want))
	}
}

func testRestart(t *testing.T, s Stream) {
	before := write(t, s, 50)
	l := newLedger()
	first := start(t, s, l.handle)
	l.await(t, before)
	eventually(t, "something is noted", func() (bool, error) {
		leases, err := s.Leases.List(t.Context())
		return slices.ContainsFunc(leases, func(l shardfeed.Lease) bool { return l.Checkpoint != "" }), err
	})
	first.stop()
	after := write(t, s, 50)
	second := start(t, s, l.handle)
	l.await(t, after)
	if second.value(t, "identity_feed_takeovers_total") > 0 {
		t.Error("the second process waited for leases to expire, though the first gave its shards back")
	}
	again := 0
	for _, p := range before {
		again += l.count(p) - 1
	}
	// The last page of each shard may have been handled and not been noted.
	if again == len(before) {
		t.Error("everything was handed over again")
	}
	t.Logf("%d of %d came again", again, len(before))
}

func testKilled(t *testing.T, s Stream) {
	l := newLedger()
	first := start(t, s, l.handle)
	l.await(t, write(t, s, 20))
	first.kill()
	want := write(t, s, 20)
	began := time.Now()
	second := start(t, s, l.handle)
	l.await(t, want)
	t.Logf("taken over after %v", time.Since(began))
	if second.value(t, "identity_feed_takeovers_total") == 0 {
		t.Error("no takeover was counted")
	}
}

// holdings is how many shards each owner has that are not ended.
func holdings(ctx context.Context, leases shardfeed.Leases) (map[string]int, error) {
	all, err := leases.List(ctx)
	owners := map[string]int{}
	for _, lease := range all {
		if !lease.Ended {
			owners[lease.Owner]++
		}
	}
	return owners, err
}

func testHalf(t *testing.T, s Stream) {
	l := newLedger()
	start(t, s, l.handle)
	l.await(t, write(t, s, 50))
	began := time.Now()
	second := start(t, s, l.handle)
	eventually(t, "two processes have as many shards each", func() (bool, error) {
		owners, err := holdings(t.Context(), s.Leases)
		total, most := 0, 0
		for _, n := range owners {
			total, most = total+n, max(most, n)
		}
		return len(owners) == 2 && most == (total+1)/2, err
	})
	t.Logf("shared out after %v", time.Since(began))
	l.await(t, write(t, s, 50))
	second.stop()
	l.await(t, write(t, s, 50))
	eventually(t, "one has all", func() (bool, error) {
		owners, err := holdings(t.Context(), s.Leases)
		return len(owners) == 1 && owners[""] == 0, err
	})
}

func testReshard(t *testing.T, s Stream) {
	l := newLedger()
	one := start(t, s, l.handle)
	two := start(t, s, l.handle)
	ctx, cancel := context.WithCancel(t.Context())
	written := make(chan []eventstream.Position, 1)
	failed := make(chan error, 1)
	go func() {
		var all []eventstream.Position
		defer func() { written <- all }()
		for ctx.Err() == nil {
			some := commits(20)
			if err := s.Write(context.WithoutCancel(ctx), some); err != nil {
				failed <- err
				return
			}
			all = append(all, some...)
		}
	}()
	for range 4 {
		if err := s.Reshard(t.Context()); err != nil {
			t.Error(err)
		}
	}
	cancel()
	all := <-written
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
	l.await(t, all)
	if got := one.value(t, "identity_feed_losses_total") + two.value(t, "identity_feed_losses_total"); got != 0 {
		t.Errorf("%v losses were told", got)
	}
	t.Logf("%d positions over 4 changes of the shards", len(all))
}
