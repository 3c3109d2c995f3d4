package shardfeed_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// within waits until something is so, and fails if that takes too long.
func (w *world) within(t *testing.T, longest time.Duration, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		w.mu.Lock()
		so := is()
		w.mu.Unlock()
		if took := time.Since(began); so {
			t.Logf("%s after %v", what, took)
			return
		} else if took > longest {
			t.Errorf("it took longer than %v until %s", longest, what)
			return
		}
	}
}

// owns counts the leases that a worker has.
func (w *world) owns(one *worker) (n int) {
	leases, _ := w.leases.List(context.Background())
	for _, lease := range leases {
		if lease.Owner == one.name {
			n++
		}
	}
	return n
}

// calmWorld has shards, and workers that have shared them.
func calmWorld(t *testing.T, shards, workers int, play func(*testing.T, *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, false)
		w.mu.Lock()
		for w.calm = true; len(w.shards) < shards; {
			w.add()
		}
		for range workers {
			w.start(planted{})
		}
		w.mu.Unlock()
		time.Sleep(30 * time.Second)
		play(t, w)
		w.mu.Lock()
		defer w.mu.Unlock()
		for len(w.workers) > 0 {
			w.end(w.workers[0], func(time.Duration) {})
		}
		if len(w.faults) > 0 {
			t.Error(w.faults)
		}
	})
}

func TestShardsMoveWithinSeconds(t *testing.T) {
	calmWorld(t, 8, 1, func(t *testing.T, w *world) {
		first := w.workers[0]
		w.mu.Lock()
		w.start(planted{})
		second := w.workers[1]
		w.mu.Unlock()
		w.within(t, 5*time.Second, "a new process has half", func() bool { return w.owns(first) == 4 && w.owns(second) == 4 })
		w.mu.Lock()
		w.end(second, func(time.Duration) {})
		w.mu.Unlock()
		w.within(t, 5*time.Second, "one that stopped has given back all", func() bool { return w.owns(first) == 8 })
		w.mu.Lock()
		w.start(planted{})
		third := w.workers[1]
		w.mu.Unlock()
		w.within(t, 5*time.Second, "another has half", func() bool { return w.owns(third) == 4 })
		w.mu.Lock()
		third.dead = true
		w.end(third, func(time.Duration) {})
		w.mu.Unlock()
		w.within(t, 15*time.Second, "one that was killed has lost all", func() bool { return w.owns(first) == 8 })
	})
}

// TestAStopIsQuickAtAnyMoment stops a worker in the middle of whatever it does.
func TestAStopIsQuickAtAnyMoment(t *testing.T) {
	calmWorld(t, 6, 1, func(t *testing.T, w *world) {
		for i := range 20 {
			w.mu.Lock()
			w.start(planted{})
			second := w.workers[1]
			w.mu.Unlock()
			w.within(t, 5*time.Second, "a new process has half", func() bool { return w.owns(second) == 3 })
			w.mu.Lock()
			w.write(200)
			w.mu.Unlock()
			time.Sleep(time.Duration(i) * 37 * time.Millisecond)
			w.mu.Lock()
			w.end(second, func(time.Duration) {})
			w.mu.Unlock()
			w.within(t, 5*time.Second, "all were given back", func() bool { return w.owns(w.workers[0]) == 6 })
		}
		w.within(t, 10*time.Second, "all is handled", func() bool { return len(w.lost()) == 0 })
	})
}

// TestWhoCannotRenewStopsReading has a worker behave as others take it to be.
func TestWhoCannotRenewStopsReading(t *testing.T) {
	calmWorld(t, 2, 1, func(t *testing.T, w *world) {
		held := func() bool { return gauge(t, w.workers[0], "identity_feed_leases_held") > 0 }
		w.mu.Lock()
		w.workers[0].unable = time.Now().Add(time.Minute)
		w.mu.Unlock()
		w.within(t, 15*time.Second, "it reads nothing", func() bool { return !held() })
		time.Sleep(30 * time.Second)
		if held() {
			t.Error("it reads though it cannot renew")
		}
		w.within(t, 30*time.Second, "it reads again", held)
	})
}

// TestAChildIsReadSoon has shards rotate: their successors are read without waiting
// for the next time that shards are listed anyway.
func TestAChildIsReadSoon(t *testing.T) {
	calmWorld(t, 3, 1, func(t *testing.T, w *world) {
		for range 3 {
			w.mu.Lock()
			w.split(1)
			w.write(30)
			w.mu.Unlock()
			w.within(t, 8*time.Second, "all is handled", func() bool { return len(w.lost()) == 0 })
		}
	})
}

func TestLagGrowsWhileNothingIsHandled(t *testing.T) {
	calmWorld(t, 2, 1, func(t *testing.T, w *world) {
		lag := func() float64 { return gauge(t, w.workers[0], "identity_feed_lag_seconds") }
		for _, what := range []string{"refusing", "away"} {
			w.mu.Lock()
			until := map[string]*time.Time{"refusing": &w.refusing, "away": &w.away}[what]
			*until = time.Now().Add(5 * time.Minute)
			w.write(20)
			w.mu.Unlock()
			time.Sleep(4 * time.Minute)
			if got := lag(); got < 225 || got > 245 {
				t.Errorf("%s for 240 seconds: a lag of %v", what, got)
			}
			w.within(t, 90*time.Second, "it caught up", func() bool { return lag() == 0 && len(w.lost()) == 0 })
		}
		if held := gauge(t, w.workers[0], "identity_feed_leases_held"); held != 2 {
			t.Errorf("%v leases are held", held)
		}
	})
}

func gauge(t *testing.T, one *worker, name string) float64 {
	t.Helper()
	families, err := one.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// TestAnIdleShardCostsLittle holds what is sent for shards in which nothing
// happens: a read a second, and a write of the lease every two.
func TestAnIdleShardCostsLittle(t *testing.T) {
	calmWorld(t, 4, 1, func(t *testing.T, w *world) {
		w.mu.Lock()
		clear(w.workers[0].calls)
		w.mu.Unlock()
		time.Sleep(100 * time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		if reads, writes := w.workers[0].calls["read"], w.workers[0].calls["update"]; reads > 400 || reads < 300 || writes > 204 || writes < 190 {
			t.Errorf("%d reads and %d writes of leases for 4 shards in 100 seconds", reads, writes)
		}
	})
}
