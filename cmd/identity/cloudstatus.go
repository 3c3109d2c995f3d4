package main

import (
	"context"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
)

// checkpoints are how far the change feed and what follows it have got, as they
// were when somebody last asked: /readyz is asked for often, and needs no key.
type checkpoints struct {
	mu             sync.Mutex
	asked          time.Time
	heads, reached eventstream.Token
}

// How old what is told may be, and how long the tables are waited for.
const (
	checkpointAge  = 2 * time.Second
	checkpointTime = time.Second
)

// status implements engine. What cannot be asked for now is left out.
func (c *cloud) status() ([]httpapi.ViewStatus, *httpapi.StoreStatus) {
	heads, reached := c.checkpoints.now(c)
	views := []httpapi.ViewStatus{{Name: c.view.Name(), Checkpoint: heads, Lag: c.lag(0)}}
	if c.indexer != nil {
		index := httpapi.ViewStatus{Name: indexName, Checkpoint: reached, Lag: c.lag(1)}
		for _, head := range heads {
			index.Behind += uint64(head.Seq - min(head.Seq, reached.Seq(head.Stream)))
		}
		views = append(views, index)
	}
	addParked(views, c.synchroniser.Parked())
	return append(views, c.closureStatus()), nil
}

// lag is that of one of the feeds that this process reads.
func (c *cloud) lag(feed int) time.Duration {
	if feed >= len(c.feeds) {
		return -1
	}
	lag, known := c.feeds[feed].Lag()
	if !known {
		return -1
	}
	return lag
}

func (p *checkpoints) now(c *cloud) (heads, reached eventstream.Token) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.asked) < checkpointAge {
		return p.heads, p.reached
	}
	ctx, cancel := context.WithTimeout(context.Background(), checkpointTime)
	defer cancel()
	var err error
	if p.heads, err = c.changes.Heads(ctx); err != nil {
		p.heads = nil
	}
	p.reached = nil
	if c.reached != nil && p.heads != nil {
		p.reached, _ = c.reached(ctx) // nothing is told of it then
	}
	p.asked = time.Now()
	return p.heads, p.reached
}
