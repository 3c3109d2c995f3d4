// Package leasetest holds implementations of shardfeed.Leases to their contract.
package leasetest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// Run holds leases to the contract, one sentence a subtest. open gives the leases
// of a group, as another process would see them: the same for the same name, and
// none at first for a name that is new.
func Run(t *testing.T, open func(t *testing.T, group string) shardfeed.Leases) {
	for _, sentence := range []struct {
		says string
		test func(*testing.T, func(string) shardfeed.Leases)
	}{
		{"what was written is listed", testListed},
		{"there is one lease for a shard", testCreate},
		{"a change counts, and whoever has not seen it is refused", testFence},
		{"the owner fences too", testOwner},
		{"a lease that was changed is not removed", testDelete},
		{"of those who take a lease at once one wins", testRace},
		{"a long list is complete", testLong},
		{"groups do not see each other", testGroups},
		{"nothing is done once the context has ended", testContext},
	} {
		t.Run(sentence.says, func(t *testing.T) {
			sentence.test(t, func(group string) shardfeed.Leases { return open(t, t.Name()+group) })
		})
	}
}

var example = shardfeed.Lease{
	Shard: "shardId-000000000002", Parents: []string{"shardId-000000000001", "shardId-000000000000"},
	Owner: "worker", Checkpoint: "49590338271490256608559692538361571095921575989136588898", Ended: true, Since: time.Unix(1700000000, 0),
}

func must(t *testing.T) func(shardfeed.Lease, error) shardfeed.Lease {
	return func(lease shardfeed.Lease, err error) shardfeed.Lease {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return lease
	}
}

// lists demands that exactly these leases are there.
func lists(t *testing.T, leases shardfeed.Leases, want ...shardfeed.Lease) {
	t.Helper()
	got, err := leases.List(t.Context())
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d leases are listed (%v), want %d", len(got), err, len(want))
	}
	for i := range want {
		found := false
		for j := range got {
			found = found || got[j].Equal(&want[i])
		}
		if !found {
			t.Errorf("listed are %+v, without %+v", got, want[i])
		}
	}
}

func testListed(t *testing.T, open func(string) shardfeed.Leases) {
	leases := open("")
	lists(t, leases)
	created := must(t)(leases.Create(t.Context(), example))
	want := example
	want.Counter = 1
	if !created.Equal(&want) {
		t.Errorf("created is %+v, want %+v", created, want)
	}
	bare := must(t)(leases.Create(t.Context(), shardfeed.Lease{Shard: "bare"}))
	lists(t, open(""), want, bare)
	want.Owner, want.Checkpoint, want.Ended, want.Since = "", "7", false, time.Unix(1700000001, 0)
	updated := must(t)(leases.Update(t.Context(), created, want))
	want.Counter = 2
	if !updated.Equal(&want) {
		t.Errorf("updated is %+v, want %+v", updated, want)
	}
	lists(t, open(""), want, bare)
	if err := errors.Join(leases.Delete(t.Context(), bare), leases.Delete(t.Context(), bare)); err != nil {
		t.Error("remove it twice:", err)
	}
	lists(t, open(""), want)
}

func testCreate(t *testing.T, open func(string) shardfeed.Leases) {
	leases := open("")
	first := must(t)(leases.Create(t.Context(), example))
	other := example
	other.Owner, other.Checkpoint = "other", ""
	if stored, err := leases.Create(t.Context(), other); !errors.Is(err, shardfeed.ErrLost) || !stored.Equal(&first) {
		t.Errorf("a second one: %+v, %v", stored, err)
	}
	lists(t, leases, first)
}

func testFence(t *testing.T, open func(string) shardfeed.Leases) {
	leases := open("")
	first := must(t)(leases.Create(t.Context(), example))
	moved := first
	moved.Checkpoint = "later"
	second := must(t)(leases.Update(t.Context(), first, moved))
	late := first
	late.Checkpoint = "stale"
	if stored, err := leases.Update(t.Context(), first, late); !errors.Is(err, shardfeed.ErrLost) || !stored.Equal(&second) {
		t.Errorf("a stale change: %+v, %v", stored, err)
	}
	lists(t, leases, second)
	if err := leases.Delete(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if stored, err := leases.Update(t.Context(), second, late); !errors.Is(err, shardfeed.ErrLost) || !stored.Equal(&shardfeed.Lease{}) {
		t.Errorf("a change of what is gone: %+v, %v", stored, err)
	}
	lists(t, leases)
}

func testOwner(t *testing.T, open func(string) shardfeed.Leases) {
	leases := open("")
	first := must(t)(leases.Create(t.Context(), example))
	if err := leases.Delete(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	other := example
	other.Owner = "other"
	again := must(t)(leases.Create(t.Context(), other)) // with the same counter
	if _, err := leases.Update(t.Context(), first, example); !errors.Is(err, shardfeed.ErrLost) {
		t.Errorf("the lease of another owner was changed: %v", err)
	}
	if err := leases.Delete(t.Context(), first); !errors.Is(err, shardfeed.ErrLost) {
		t.Errorf("the lease of another owner was removed: %v", err)
	}
	lists(t, leases, again)
}

func testDelete(t *testing.T, open func(string) shardfeed.Leases) {
	leases := open("")
	first := must(t)(leases.Create(t.Context(), example))
	second := must(t)(leases.Update(t.Context(), first, example))
	if err := leases.Delete(t.Context(), first); !errors.Is(err, shardfeed.ErrLost) {
		t.Errorf("remove what has changed: %v", err)
	}
	lists(t, leases, second)
}

func testRace(t *testing.T, open func(string) shardfeed.Leases) {
	leases := open("")
	stored := must(t)(leases.Create(t.Context(), shardfeed.Lease{Shard: "shard"}))
	const racers, rounds = 8, 5
	for range rounds {
		type result struct {
			lease shardfeed.Lease
			err   error
		}
		results := make(chan result, racers)
		var group sync.WaitGroup
		for i := range racers {
			group.Go(func() {
				next := stored
				next.Owner = strconv.Itoa(i)
				lease, err := leases.Update(t.Context(), stored, next)
				results <- result{lease, err}
			})
		}
		group.Wait()
		close(results)
		var won []shardfeed.Lease
		for r := range results {
			if r.err == nil {
				won = append(won, r.lease)
			} else if !errors.Is(r.err, shardfeed.ErrLost) {
				t.Error(r.err)
			}
		}
		if len(won) != 1 {
			t.Fatalf("%d workers have the lease", len(won))
		}
		stored = won[0]
		lists(t, leases, stored)
	}
}

func testLong(t *testing.T, open func(string) shardfeed.Leases) {
	leases := open("")
	var want []shardfeed.Lease
	long := make([]byte, 60_000) // so that they do not fit one answer of a database
	for i := range long {
		long[i] = 'x'
	}
	for i := range 20 {
		want = append(want, must(t)(leases.Create(t.Context(), shardfeed.Lease{Shard: strconv.Itoa(i), Checkpoint: string(long)})))
	}
	lists(t, leases, want...)
}

func testGroups(t *testing.T, open func(string) shardfeed.Leases) {
	a, b := open("a"), open("b")
	of := must(t)(a.Create(t.Context(), example))
	lists(t, b)
	if _, err := b.Update(t.Context(), of, of); !errors.Is(err, shardfeed.ErrLost) {
		t.Errorf("another group's lease was changed: %v", err)
	}
	if err := b.Delete(t.Context(), of); err != nil {
		t.Errorf("remove what is not there: %v", err)
	}
	lists(t, a, of)
}

func testContext(t *testing.T, open func(string) shardfeed.Leases) {
	leases := open("")
	of := must(t)(leases.Create(t.Context(), example))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, listed := leases.List(ctx)
	_, created := leases.Create(ctx, shardfeed.Lease{Shard: "other"})
	_, updated := leases.Update(ctx, of, of)
	for what, err := range map[string]error{"list": listed, "create": created, "update": updated, "delete": leases.Delete(ctx, of)} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
	lists(t, leases, of)
}
