package changefeed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// Carrier handles what is new in the change feed when it is told to, for those who
// run only now and then, such as functions. The checkpoints are those of the
// leases that a shardfeed.Feed of the same group works by; both may be there at
// once. Its methods may be called concurrently.
type Carrier struct {
	source *Source
	leases shardfeed.Leases
	handle func(context.Context, []eventstream.Position) error
	expiry time.Duration

	mu   sync.Mutex
	seen map[string]sighting
}

// sighting is when a lease was first seen as it is, by this process's own clock.
type sighting struct {
	owner   string
	counter uint64
	at      time.Time
}

// NewCarrier makes a carrier that hands notices to handle: they may repeat. A part
// whose holder shows a sign of life within expiry is left to it.
func NewCarrier(source *Source, leases shardfeed.Leases, handle func(context.Context, []eventstream.Position) error, expiry time.Duration) *Carrier {
	return &Carrier{source: source, leases: leases, handle: handle, expiry: expiry, seen: map[string]sighting{}}
}

// Carry handles everything that was announced before it was called, but for the
// parts that a living worker holds, and moves the checkpoints over it. After an error,
// what was handled and noted before remains so.
func (c *Carrier) Carry(ctx context.Context) error {
	list, err := c.leases.List(ctx)
	if err != nil {
		return fmt.Errorf("carry the change feed: %w", err)
	}
	known := make(map[string]shardfeed.Lease, len(list))
	for _, lease := range list {
		known[lease.Shard] = lease
	}
	for _, stream := range c.source.changes.Streams() {
		if err := c.carry(ctx, string(stream), known[string(stream)]); err != nil {
			return fmt.Errorf("carry the change feed: %w", err)
		}
	}
	return nil
}

// carry handles what is new in one part, whose lease is the zero one if there is
// none.
func (c *Carrier) carry(ctx context.Context, part string, lease shardfeed.Lease) error {
	for {
		if c.isHeld(part, &lease) {
			return nil
		}
		page, err := c.source.Read(ctx, part+at+startOf(lease.Checkpoint))
		if err != nil {
			return err
		}
		if page.Last == "" {
			return nil
		}
		if err := c.handle(ctx, page.Positions); err != nil {
			return err
		}
		noted, err := c.note(ctx, part, &lease, &page)
		if err != nil || noted && !page.More {
			return err
		}
	}
}

// note moves the checkpoint behind a page, and the lease to what is there. If
// somebody else has changed it, the checkpoint is theirs: what lies between is
// handled once more.
func (c *Carrier) note(ctx context.Context, part string, lease *shardfeed.Lease, page *shardfeed.Page) (noted bool, err error) {
	next := *lease
	next.Shard, next.Owner, next.Checkpoint = part, "", page.Last
	if !page.Until.IsZero() {
		next.Since = page.Until
	}
	var stored shardfeed.Lease
	if lease.Counter == 0 {
		stored, err = c.leases.Create(ctx, next)
	} else {
		stored, err = c.leases.Update(ctx, *lease, next)
	}
	if err != nil && !errors.Is(err, shardfeed.ErrLost) {
		return false, err
	}
	*lease = stored
	return err == nil, nil
}

func startOf(checkpoint string) string {
	if checkpoint == "" {
		return "0"
	}
	return checkpoint
}

// isHeld tells whether another worker has the part and is alive, as far as is known
// here.
func (c *Carrier) isHeld(part string, lease *shardfeed.Lease) bool {
	if lease.Owner == "" {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	last, now := c.seen[part], time.Now()
	if last.owner != lease.Owner || last.counter != lease.Counter {
		c.seen[part] = sighting{lease.Owner, lease.Counter, now}
		return true
	}
	return now.Sub(last.at) < c.expiry
}
