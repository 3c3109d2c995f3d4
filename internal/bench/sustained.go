package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

const (
	sustainedWrites = 10_000 // a second
	sustainedFor    = 30 * time.Second
	// sustainedShare of what the machine gives, where that is less.
	sustainedShare = 0.75
	searchesBeside = 200 // a second
)

// sustained writes at a rate while others search, and tells how both fare: at as
// many writes as the machine gives, to know that, and then at what it can bear.
func (b *bench) sustained(ctx context.Context, _, identity *process) error {
	users, err := sample(identity, sampled)
	if err != nil {
		return err
	}
	rename := func(worker, n int) load.Request {
		body := fmt.Appendf(nil, `{"givenName":"Renamed %d"}`, n)
		return load.NewRequest("PATCH", "/users/"+users[(worker*7919+n)%len(users)].ID, adminKey, body)
	}
	search := each(ask(users, func(u someone) load.Request {
		return get("/users?limit=20&q=" + url.QueryEscape(prefix(u.Name, 3)+" "))
	}))
	saturated, err := b.writeAndSearch(ctx, identity, rename, search, 0, 5*time.Second)
	if err != nil {
		return err
	}
	rate := min(sustainedWrites, sustainedShare*saturated.Rate())
	_, err = b.writeAndSearch(ctx, identity, rename, search, rate, sustainedFor)
	return err
}

// writeAndSearch writes at a rate, or as fast as can be if that is 0.
func (b *bench) writeAndSearch(ctx context.Context, identity *process, write, search load.Next, rate float64, duration time.Duration) (load.Outcome, error) {
	before := identity.cpu()
	var writes, reads load.Outcome
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		writes, err = load.Run(ctx, load.Plan{Address: identity.address, Connections: 64, Duration: duration, Rate: rate, Next: write, Want: 200})
		return err
	})
	group.Go(func() (err error) {
		reads, err = load.Run(ctx, load.Plan{Address: identity.address, Connections: 2, Duration: duration, Rate: searchesBeside, Next: search, Want: 200})
		return err
	})
	if err := group.Wait(); err != nil {
		return load.Outcome{}, err
	}
	cpu := (identity.cpu() - before) / time.Duration(max(1, writes.Requests+reads.Requests))
	asked := "as fast as can be"
	if rate > 0 {
		asked = fmt.Sprintf("at %.0f/s", rate)
	}
	b.table(fmt.Sprintf("PATCH %s while searching at %d/s, %v", asked, searchesBeside, duration),
		[]figure{{"PATCH", writes, cpu}, {"search, 3 letters", reads, cpu}})
	return writes, nil
}
