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

// TestAChildIsAsOldAsItsParent has nobody read for so long after a shard ended that
// its successor, which is known only now, has lost records.
func TestAChildIsAsOldAsItsParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, false)
		w.calm = true
		w.shards = []*shard{{id: "child", parents: []string{"parent"}}}
		w.leases.Create(t.Context(), shardfeed.Lease{Shard: "parent", Ended: true, Since: time.Now()})
		w.write(1)
		time.Sleep(retention + time.Minute)
		w.mu.Lock()
		w.start(planted{})
		w.mu.Unlock()
		w.within(t, time.Minute, "the loss is told", func() bool { return len(w.lost()) == 0 })
		w.mu.Lock()
		defer w.mu.Unlock()
		w.end(w.workers[0], func(time.Duration) {})
	})
}

// TestWhatIsGoneEarlyIsALoss takes away what was not read yet, long before the
// source said that it would: a shard, or the records in it.
func TestWhatIsGoneEarlyIsALoss(t *testing.T) {
	for name, take := range map[string]func(*shard){
		"the shard":   func(s *shard) { s.closed = time.Now().Add(-retention) },
		"its records": func(s *shard) { s.cut = len(s.records) },
	} {
		t.Run(name, func(t *testing.T) {
			calmWorld(t, 3, 1, func(t *testing.T, w *world) {
				w.mu.Lock()
				w.dynamo = true
				w.write(30)
				w.mu.Unlock()
				time.Sleep(10 * time.Second)
				w.mu.Lock()
				w.end(w.workers[0], func(time.Duration) {})
				w.write(30)
				for _, s := range w.shards[1:] {
					take(s)
				}
				w.write(30)
				w.start(planted{})
				w.mu.Unlock()
				w.within(t, 2*time.Minute, "all is handled or told of", func() bool { return len(w.lost()) == 0 })
				time.Sleep(time.Minute)
				w.mu.Lock()
				told := len(w.alarms)
				if told != 2 {
					t.Errorf("%d losses were told, in 2 shards", told)
				}
				w.write(30)
				w.mu.Unlock()
				time.Sleep(10 * time.Minute)
				w.mu.Lock()
				defer w.mu.Unlock()
				w.judge()
				if len(w.alarms) > told {
					t.Errorf("%d losses were told again", len(w.alarms)-told)
				}
			})
		})
	}
}

// TestAShardThatIsDeniedIsNotGone has the source say that there are no such shards,
// though it lists them, or for a short while.
func TestAShardThatIsDeniedIsNotGone(t *testing.T) {
	for name, test := range map[string]struct {
		hidden  bool
		minutes float64
	}{
		"it is listed": {false, 5}, "for a moment": {true, 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			calmWorld(t, 3, 2, func(t *testing.T, w *world) {
				lasts := time.Duration(test.minutes * float64(time.Minute))
				w.mu.Lock()
				w.end(w.workers[0], func(time.Duration) {})
				w.denied, w.hidden = time.Now().Add(lasts), test.hidden
				w.start(planted{})
				w.write(50)
				w.mu.Unlock()
				time.Sleep(lasts + 10*time.Minute)
				w.mu.Lock()
				defer w.mu.Unlock()
				w.judge()
				if len(w.alarms) > 0 {
					t.Errorf("losses were told: %v", w.alarms)
				}
			})
		})
	}
}
