package main

import (
	"context"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// checkpoints are how far the change feed and what follows it have got, as they
// were when somebody last asked: /readyz is asked for often, and needs no key.
type checkpoints struct {
	mu      sync.Mutex
	asked   time.Time
	heads   eventstream.Token
	reached map[int]eventstream.Token // of each generation of the index
}

// How old what is told may be, and how long the tables are waited for.
const (
	checkpointAge  = 2 * time.Second
	checkpointTime = time.Second
)

// status implements engine, for every generation. What cannot be asked for now is
// left out.
func (c *cloud) status() ([]httpapi.ViewStatus, *httpapi.StoreStatus) {
	rows, search := c.followed.all()
	heads, reached := c.checkpoints.now(c, search)
	var views []httpapi.ViewStatus
	for _, g := range rows {
		views = append(views, httpapi.ViewStatus{Name: g.view.Name(), Checkpoint: heads, Lag: feedLag(c.feed)})
	}
	for _, g := range search {
		at := reached[g.number]
		index := httpapi.ViewStatus{Name: numbered(indexName, g.number), Checkpoint: at, Lag: feedLag(g.feed)}
		for _, head := range heads {
			index.Behind += uint64(head.Seq - min(head.Seq, at.Seq(head.Stream)))
		}
		views = append(views, index)
	}
	addParked(views, c.synchroniser.Parked())
	return append(views, c.closureStatus()), nil
}

// feedLag is that of a feed, if this process reads it.
func feedLag(feed *shardfeed.Feed) time.Duration {
	if feed == nil {
		return -1
	}
	lag, known := feed.Lag()
	if !known {
		return -1
	}
	return lag
}

func (p *checkpoints) now(c *cloud, search []*searchGeneration) (heads eventstream.Token, reached map[int]eventstream.Token) {
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
	p.reached = map[int]eventstream.Token{}
	for _, g := range search {
		if p.heads != nil {
			p.reached[g.number], _ = g.reached(ctx) // nothing is told of it then
		}
	}
	p.asked = time.Now()
	return p.heads, p.reached
}
