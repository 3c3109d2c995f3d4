package shardfeed_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// action is one step of a simulation.
type action struct {
	kind string
	n    int
}

// kinds of action, the frequent ones repeated.
var kinds = []string{
	"write", "write", "write", "write", "pass", "pass", "pass", "split", "rotate", "rotate", "merge",
	"start", "start", "stop", "kill", "pause", "steal", "refuse", "away", "outage",
}

var actions = rapid.Custom(func(t *rapid.T) action {
	return action{rapid.SampledFrom(kinds).Draw(t, "kind"), rapid.IntRange(0, 99).Draw(t, "n")}
})

// do is one action.
func (w *world) do(a action, plant planted) {
	w.mu.Lock()
	defer w.mu.Unlock()
	pass := func(d time.Duration) {
		w.mu.Unlock()
		time.Sleep(d)
		w.mu.Lock()
	}
	some := func() *worker {
		if len(w.workers) == 0 {
			return nil
		}
		return w.workers[a.n%len(w.workers)]
	}
	switch a.kind {
	case "write":
		w.write(1 + a.n/4)
	case "pass":
		pass(time.Duration(a.n*a.n) * 5 * time.Millisecond)
	case "split":
		w.split(2)
	case "rotate":
		w.split(1)
	case "merge":
		w.merge()
	case "start":
		if len(w.workers) < 4 {
			w.start(plant)
		}
	case "stop", "kill":
		if one := some(); one != nil {
			one.dead = a.kind == "kill"
			w.end(one, pass)
		}
	case "pause":
		if one := some(); one != nil {
			one.paused = time.Now().Add(time.Duration(a.n) * time.Second)
		}
	case "steal":
		w.steal(a.n)
	case "refuse":
		w.refusing = time.Now().Add(time.Duration(a.n) * time.Second)
	case "away":
		w.away = time.Now().Add(time.Duration(a.n) * time.Second)
	case "outage":
		if a.n%4 > 0 { // otherwise they live, and cannot read
			for len(w.workers) > 0 {
				w.workers[0].dead = true
				w.end(w.workers[0], pass)
			}
		}
		w.away = time.Now().Add(time.Duration(a.n) * 4 * time.Minute)
		pass(time.Duration(a.n) * 4 * time.Minute)
	}
}

// end ends a worker and waits for it.
func (w *world) end(one *worker, pass func(time.Duration)) {
	w.workers = slices.DeleteFunc(w.workers, func(other *worker) bool { return other == one })
	one.cancel()
	w.mu.Unlock()
	err := <-one.done
	w.mu.Lock()
	pass(0)
	if err != nil {
		w.fault("a worker ended with %v", err)
	}
}

// steal writes a lease as somebody would who believes that it is his, and dies.
func (w *world) steal(n int) {
	leases, _ := w.leases.List(context.Background())
	if len(leases) == 0 {
		return
	}
	was := leases[n%len(leases)]
	next := was
	if next.Owner = "thief"; n%2 == 0 {
		next.Owner = ""
	}
	w.leases.Update(context.Background(), was, next)
}

// simulate plays a schedule, lets things calm down, and gives what was wrong.
func simulate(t *testing.T, seed uint64, dynamo bool, schedule []action, plant planted) (faults []string) {
	synctest.Test(t, func(*testing.T) {
		w := newWorld(seed, dynamo)
		w.mu.Lock()
		w.calm = true // until all shards have leases: what was written before is not promised
		w.start(plant)
		w.mu.Unlock()
		time.Sleep(time.Minute)
		w.mu.Lock()
		w.calm = false
		w.mu.Unlock()
		for _, a := range schedule {
			w.do(a, plant)
		}
		w.mu.Lock()
		w.calm, w.refusing, w.away = true, time.Time{}, time.Time{}
		for _, one := range w.workers {
			one.paused = time.Time{}
		}
		if len(w.workers) == 0 {
			w.start(plant)
		}
		w.mu.Unlock()
		time.Sleep(6 * time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.judge()
		for len(w.workers) > 0 {
			w.end(w.workers[0], func(time.Duration) {})
		}
		faults = w.faults
	})
	return faults
}

// judge looks at a world that has calmed down.
func (w *world) judge() {
	if lost := w.lost(); len(lost) > 0 {
		w.fault("%d of %d records were lost and nobody was told", len(lost), len(w.records))
	}
	if n := len(w.alarms); n > 0 && time.Since(w.alarms[n-1].at) < 2*time.Minute {
		w.fault("losses are told without end")
	}
	leases, _ := w.leases.List(context.Background())
	owned := map[string]int{}
	for _, s := range w.shards {
		i := slices.IndexFunc(leases, func(l shardfeed.Lease) bool { return l.Shard == s.id })
		switch {
		case !s.listed():
			isParent := func(l shardfeed.Lease) bool { return slices.Contains(l.Parents, s.id) }
			if i >= 0 && time.Since(s.closed) > retention+3*time.Minute && slices.ContainsFunc(leases, isParent) {
				w.fault("%s was not forgotten", s.id)
			}
		case i < 0:
			w.fault("%s has no lease", s.id)
		case s.closed.IsZero():
			owned[leases[i].Owner]++
		case !leases[i].Ended:
			w.fault("%s was not read to its end", s.id)
		}
	}
	most, least := 0, len(w.shards)
	for _, one := range w.workers {
		most, least = max(most, owned[one.name]), min(least, owned[one.name])
		delete(owned, one.name)
	}
	if len(owned) > 0 || most > least+1 {
		w.fault("of %d workers one holds %d shards and one %d; by others are held %v", len(w.workers), most, least, owned)
	}
}

func play(t *testing.T, plant planted) func(*rapid.T) {
	return func(r *rapid.T) {
		seed := rapid.Uint64().Draw(r, "seed")
		dynamo := rapid.Bool().Draw(r, "dynamo")
		schedule := rapid.SliceOfN(actions, 5, 60).Draw(r, "schedule")
		if faults := simulate(t, seed, dynamo, schedule, plant); len(faults) > 0 {
			r.Fatalf("%s", strings.Join(faults, "\n"))
		}
	}
}

// TestSuccession plays shards that are split, merged and rotated, records that are
// trimmed, workers that come, go, stop and die, leases that are lost, and calls
// that fail: every record is handed over, or a loss is told that covers it, and no
// checkpoint goes back or passes what was not handled.
func TestSuccession(t *testing.T) {
	rapid.Check(t, play(t, planted{}))
}

// TestPlantedFaultsAreFound holds the simulation itself to its purpose.
func TestPlantedFaultsAreFound(t *testing.T) {
	for name, plant := range map[string]planted{
		"a child is read before its parents":      {noParents: true},
		"a child is read from its latest":         {latest: true},
		"leases are not fenced":                   {unfenced: true},
		"the checkpoint moves before the handler": {tooEarly: true},
		"losses are not told":                     {silentLoss: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range 300 {
				schedule := rapid.SliceOfN(actions, 40, 60).Example(seed)
				if faults := simulate(t, uint64(seed), seed%2 == 0, schedule, plant); len(faults) > 0 {
					t.Logf("found by schedule %d: %s", seed, faults[0])
					return
				}
			}
			t.Error("nothing was found")
		})
	}
}
