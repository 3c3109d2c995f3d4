package changefeed_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/changefeed"
	"github.com/seed5b6a70b4/identity/sync/memlease"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

const expiry = 5 * time.Second

// carried is a change feed, and what was handed over of it.
type carried struct {
	changes *querysync.Changes
	source  *changefeed.Source
	leases  *memlease.Leases
	carrier *changefeed.Carrier

	mu     sync.Mutex
	told   map[eventstream.StreamID]eventstream.Seq
	before func() error // what a call of the handler meets
}

func newCarried() *carried {
	streams := eventstream.New(memstore.New(nil), nil)
	c := &carried{changes: querysync.NewChanges(streams, 2), leases: &memlease.Leases{}, told: map[eventstream.StreamID]eventstream.Seq{}}
	c.source = changefeed.New(streams, c.changes)
	c.carrier = changefeed.NewCarrier(c.source, c.leases, c.handle, expiry)
	return c
}

func (c *carried) handle(_ context.Context, positions []eventstream.Position) error {
	c.mu.Lock()
	before := c.before
	c.mu.Unlock()
	if before != nil {
		if err := before(); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, position := range positions {
		c.told[position.Stream] = max(c.told[position.Stream], position.Seq)
	}
	return nil
}

// announce writes notices of so many users, each by itself.
func (c *carried) announce(t *testing.T, users int) (announced map[eventstream.StreamID]eventstream.Seq) {
	t.Helper()
	announced = map[eventstream.StreamID]eventstream.Seq{}
	for range users {
		position := eventstream.Position{Stream: eventstream.UserStream(uuid.New()), Seq: 3}
		if err := c.changes.Announce(t.Context(), []querysync.Notice{{Position: position}}); err != nil {
			t.Fatal(err)
		}
		announced[position.Stream] = position.Seq
	}
	return announced
}

// reached demands that the checkpoints are at the ends, or that they are not.
func (c *carried) reached(t *testing.T, want bool) {
	t.Helper()
	heads, err := c.changes.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reached, err := changefeed.Reached(t.Context(), c.leases)
	if err != nil {
		t.Fatal(err)
	}
	if reached.Covers(heads) != want {
		t.Errorf("handled up to %v of %v", reached, heads)
	}
}

// Everything is handed over, then the checkpoints move; what was handed over
// before is not handed over again.
func TestCarry(t *testing.T) {
	c := newCarried()
	want := c.announce(t, 70)
	if err := c.carrier.Carry(t.Context()); err != nil || !maps.Equal(c.told, want) {
		t.Fatalf("%d of %d were handed over: %v", len(c.told), len(want), err)
	}
	c.reached(t, true)
	clear(c.told)
	want = c.announce(t, 1)
	if err := c.carrier.Carry(t.Context()); err != nil || !maps.Equal(c.told, want) {
		t.Errorf("handed over %v, not %v: %v", c.told, want, err)
	}
	c.reached(t, true)
}

// What could not be handled stays ahead of the checkpoint.
func TestFailureStaysAhead(t *testing.T) {
	c := newCarried()
	want := c.announce(t, 5)
	away := errors.New("the index is away")
	c.before = func() error { return away }
	if err := c.carrier.Carry(t.Context()); !errors.Is(err, away) {
		t.Errorf("carries with %v", err)
	}
	c.reached(t, false)
	c.before = nil
	if err := c.carrier.Carry(t.Context()); err != nil || !maps.Equal(c.told, want) {
		t.Errorf("handed over %v, not %v: %v", c.told, want, err)
	}
	c.reached(t, true)
}

// Several at once, also where one moves the checkpoint while another handles what
// is behind it, leave nothing.
func TestCarryTogether(t *testing.T) {
	c := newCarried()
	want := c.announce(t, 20)
	inner := changefeed.NewCarrier(c.source, c.leases, c.handle, expiry)
	c.before = func() error {
		c.before = nil
		if err := inner.Carry(t.Context()); err != nil {
			t.Error(err)
		}
		maps.Copy(want, c.announce(t, 20))
		return nil
	}
	if err := c.carrier.Carry(t.Context()); err != nil || !maps.Equal(c.told, want) {
		t.Errorf("%d of %d were handed over: %v", len(c.told), len(want), err)
	}
	c.reached(t, true)
}

// A part that a worker holds is left to it, until it shows no sign of life.
func TestHeldPartIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarried()
		want := c.announce(t, 20)
		var held []shardfeed.Lease
		for _, part := range c.changes.Streams() {
			lease, err := c.leases.Create(t.Context(), shardfeed.Lease{Shard: string(part), Owner: "a worker"})
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, lease)
		}
		for range 5 {
			time.Sleep(expiry - time.Second)
			for i, lease := range held {
				if held[i], _ = c.leases.Update(t.Context(), lease, lease); held[i].Counter == lease.Counter {
					t.Fatal("the lease was changed")
				}
			}
			if err := c.carrier.Carry(t.Context()); err != nil || len(c.told) > 0 {
				t.Fatalf("handed over %d: %v", len(c.told), err)
			}
		}
		time.Sleep(expiry)
		if err := c.carrier.Carry(t.Context()); err != nil || !maps.Equal(c.told, want) {
			t.Errorf("%d of %d were handed over: %v", len(c.told), len(want), err)
		}
		leases, err := c.leases.List(t.Context())
		if err != nil || slices.ContainsFunc(leases, func(l shardfeed.Lease) bool { return l.Owner != "" }) {
			t.Errorf("others cannot take %v at once: %v", leases, err)
		}
	})
}
