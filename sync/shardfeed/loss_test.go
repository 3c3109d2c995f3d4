package shardfeed_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// TestAPastThatNobodyKnowsIsALoss has a shard between the last that was read and
// the one that is there: nobody has ever seen it, and it is gone.
func TestAPastThatNobodyKnowsIsALoss(t *testing.T) {
	for name, parents := range map[string][]string{
		"a parent that is not known":     {"between"},
		"one parent of two is not known": {"last", "between"},
		"no parent":                      nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(0, false)
				w.calm = true
				w.shards = []*shard{{id: "between", parents: []string{"last"}}}
				w.leases.Create(t.Context(), shardfeed.Lease{Shard: "last", Ended: true, Since: time.Now()})
				w.write(1)
				time.Sleep(time.Minute)
				w.shards[0].closed = time.Now()
				w.shards = append(w.shards, &shard{id: "newest", parents: parents})
				time.Sleep(retention)
				w.mu.Lock()
				w.start(planted{})
				w.mu.Unlock()
				w.within(t, time.Minute, "the loss is told", func() bool { return len(w.lost()) == 0 })
				w.mu.Lock()
				defer w.mu.Unlock()
				w.end(w.workers[0], func(time.Duration) {})
			})
		})
	}
}

// TestTheFirstStartIsNoLoss has a group begin while several processes start at
// once, and shards that have parents which nobody knows.
func TestTheFirstStartIsNoLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, false)
		w.mu.Lock()
		w.calm = true
		for range 6 {
			w.add("unknown")
		}
		for range 3 {
			w.start(planted{})
		}
		w.write(100)
		w.mu.Unlock()
		w.within(t, time.Minute, "all is handled", func() bool { return len(w.lost()) == 0 })
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.alarms) > 0 {
			t.Errorf("losses were told: %v", w.alarms)
		}
		for len(w.workers) > 0 {
			w.end(w.workers[0], func(time.Duration) {})
		}
	})
}

// TestNothingIsReadBeforeItIsKnownHowLongRecordsAreKept has the source trim in
// silence what nobody read.
func TestNothingIsReadBeforeItIsKnownHowLongRecordsAreKept(t *testing.T) {
	calmWorld(t, 2, 1, func(t *testing.T, w *world) {
		w.mu.Lock()
		w.end(w.workers[0], func(time.Duration) {})
		w.write(10)
		w.mu.Unlock()
		time.Sleep(retention)
		w.mu.Lock()
		w.unlistable = time.Now().Add(10 * time.Minute)
		w.start(planted{})
		w.mu.Unlock()
		time.Sleep(9 * time.Minute)
		w.within(t, 2*time.Minute, "the loss is told", func() bool { return len(w.lost()) == 0 })
	})
}
