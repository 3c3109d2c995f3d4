package shardfeed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// coordinator is one run of a feed: which shards it holds, and what it has seen
// of the others.
type coordinator struct {
	*Feed
	held    map[string]*holding
	holders sync.WaitGroup
	wake    chan struct{} // something that is held has come to its end

	seen     map[string]sighting
	listing  Listing
	listed   time.Time            // when
	missing  map[string]time.Time // shards that have leases and are not listed, and since when
	awaiting map[string]int       // shards that ended here and have no successor yet, and how often to look for one
}

// sighting is when a lease was first seen with its counter, by this process's own
// clock.
type sighting struct {
	owner   string
	counter uint64
	at      time.Time
}

// Run reads this worker's share of the shards until ctx ends, and then gives them
// back for others to take at once. What fails is tried again: the error is nil.
// It may be called once at a time.
func (f *Feed) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	c := &coordinator{Feed: f, held: map[string]*holding{}, wake: make(chan struct{}, 1), seen: map[string]sighting{}, awaiting: map[string]int{}}
	defer c.holders.Wait()
	defer cancel()
	beat := time.NewTimer(0)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		case <-beat.C:
		}
		c.dropFinished()
		if err := c.beat(ctx); err != nil {
			f.failed(ctx, "lease", "", err)
		}
		every := f.beatEvery()
		beat.Reset(every*3/4 + rand.N(every/2+1))
	}
}

// beat looks at all leases, and takes what this worker should have.
func (c *coordinator) beat(ctx context.Context) error {
	leases, err := c.listLeases(ctx)
	if err != nil {
		return err
	}
	c.see(leases)
	c.list(ctx)
	if c.listed.IsZero() {
		return nil // nobody can tell yet what may be read, nor how long records are kept
	}
	l := newLineage(c.listing.Shards, leases)
	if err := c.create(ctx, l); err != nil {
		return err
	}
	if err := c.take(ctx, l); err != nil {
		return err
	}
	return c.forget(ctx, l)
}

func (c *coordinator) listLeases(ctx context.Context) ([]Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	leases, err := c.leases.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the leases: %w", err)
	}
	return leases, nil
}

// see remembers when leases changed.
func (c *coordinator) see(leases []Lease) {
	now, seen := time.Now(), make(map[string]sighting, len(leases))
	for _, lease := range leases {
		last := c.seen[lease.Shard]
		if last.counter != lease.Counter || last.owner != lease.Owner {
			last = sighting{lease.Owner, lease.Counter, now}
		}
		seen[lease.Shard] = last
	}
	c.seen = seen
}

// list asks the source for its shards when that is due. If it fails, what was
// listed before is good enough.
func (c *coordinator) list(ctx context.Context) {
	now := time.Now()
	if !c.listed.IsZero() && len(c.awaiting) == 0 && now.Sub(c.listed) < c.options.ListEvery {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	listing, err := c.source.Shards(ctx)
	if err != nil {
		c.failed(ctx, "list", "", err)
		return
	}
	c.listing, c.listed = listing, now
	c.retention.Store(int64(listing.Retention))
	l := newLineage(listing.Shards, nil)
	for ended, times := range c.awaiting {
		c.awaiting[ended] = times - 1
		if times <= 1 || l.hasChild(ended) {
			delete(c.awaiting, ended)
		}
	}
	for id, h := range c.held {
		h.closed.Store(l.listed[id].Closed)
	}
}

// create makes leases for shards that have none.
func (c *coordinator) create(ctx context.Context, l *lineage) error {
	started, oldest := l.started(), time.Time{}
	for _, lease := range l.leases {
		if oldest.IsZero() || lease.Since.Before(oldest) {
			oldest = lease.Since
		}
	}
	for _, shard := range c.listing.Shards {
		if _, leased := l.leases[shard.ID]; leased {
			continue
		}
		lease := Lease{Shard: shard.ID, Parents: shard.Parents, Since: c.options.Now()}
		for _, parent := range shard.Parents {
			if of, leased := l.leases[parent]; leased && of.Since.Before(lease.Since) {
				lease.Since = of.Since
			}
		}
		if started && l.isOrphan(&shard) {
			if err := c.lose(ctx, shard.ID, "nobody has read what was before the shard", oldest); err != nil {
				return err
			}
			lease.Since = c.options.Now()
		}
		created, err := c.newLease(ctx, lease)
		if err != nil && !errors.Is(err, ErrLost) {
			return fmt.Errorf("make a lease for a shard: %w", err)
		}
		l.leases[shard.ID] = created
	}
	return nil
}

// take takes leases until this worker has its share.
func (c *coordinator) take(ctx context.Context, l *lineage) error {
	var open []Lease
	unowned := 0
	for _, lease := range l.leases {
		if !l.mayBeRead(&lease) {
			continue
		}
		open = append(open, lease)
		if c.isFree(&lease) {
			unowned++
		}
	}
	c.metrics.unowned.Set(float64(unowned))
	for _, claim := range share(open, c.options.Worker, len(c.held), c.isFree) {
		if err := c.claim(ctx, claim, l); err != nil {
			return err
		}
	}
	return nil
}

// isFree tells whether a lease may be taken at once: nobody has it, or who has it
// gave no sign of life for too long, or it is this worker's, which does not know
// it any more.
func (c *coordinator) isFree(lease *Lease) bool {
	if _, isHeld := c.held[lease.Shard]; isHeld {
		return false
	}
	if lease.Owner == "" || lease.Owner == c.options.Worker {
		return true
	}
	seen, known := c.seen[lease.Shard]
	return known && seen.counter == lease.Counter && time.Since(seen.at) >= c.options.Expiry
}

// claim takes one lease, unless somebody else does.
func (c *coordinator) claim(ctx context.Context, claim claim, l *lineage) error {
	const tries = 5 // for its holder may move the checkpoint at any moment
	if _, isHeld := c.held[claim.lease.Shard]; isHeld {
		return nil
	}
	was := claim.lease
	for range tries {
		next := was
		next.Owner = c.options.Worker
		asked := time.Now()
		stored, err := c.update(ctx, was, next)
		if err == nil {
			if was.Owner != "" && was.Owner != c.options.Worker {
				c.metrics.takeovers.Inc()
			}
			c.options.Logger.Info("shard taken", "shard", was.Shard, "from", was.Owner, "alive", claim.from != "")
			c.hold(ctx, stored, asked, l.listed[was.Shard].Closed)
			return nil
		}
		if !errors.Is(err, ErrLost) {
			return fmt.Errorf("take a lease: %w", err)
		}
		if claim.from == "" || stored.Owner != claim.from || stored.Ended {
			return nil
		}
		was = stored
	}
	return nil
}

// newLease adds a lease, or gives the one that is there.
func (c *coordinator) newLease(ctx context.Context, lease Lease) (Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	return c.leases.Create(ctx, lease)
}

// hold starts to read a shard.
func (c *coordinator) hold(ctx context.Context, lease Lease, renewed time.Time, closed bool) {
	h := newHolding(c.Feed, lease, renewed)
	h.closed.Store(closed)
	c.held[lease.Shard] = h
	c.metrics.hold(h)
	c.holders.Go(func() {
		h.run(ctx)
		c.metrics.drop(h)
		select {
		case c.wake <- struct{}{}:
		default:
		}
	})
}

// dropFinished forgets what is held no more.
func (c *coordinator) dropFinished() {
	for id, h := range c.held {
		select {
		case <-h.finished:
			delete(c.held, id)
			if h.ended.Load() {
				c.awaiting[id] = awaitChildren
			}
		default:
		}
	}
}

// forget removes leases that nobody needs any more. A listing may be old: a shard
// is gone when it was missing for a while.
func (c *coordinator) forget(ctx context.Context, l *lineage) error {
	missing := map[string]time.Time{}
	for _, lease := range l.leases {
		if !l.mayBeForgotten(&lease) {
			continue
		}
		since, known := c.missing[lease.Shard]
		if !known {
			since = time.Now()
		}
		missing[lease.Shard] = since
		if c.listed.Sub(since) < 2*c.options.ListEvery {
			continue
		}
		if err := c.deleteLease(ctx, lease); err != nil && !errors.Is(err, ErrLost) {
			return fmt.Errorf("remove the lease of a shard that is gone: %w", err)
		}
		c.options.Logger.Info("shard forgotten", "shard", lease.Shard)
	}
	c.missing = missing
	return nil
}

func (c *coordinator) deleteLease(ctx context.Context, lease Lease) error {
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	return c.leases.Delete(ctx, lease)
}
