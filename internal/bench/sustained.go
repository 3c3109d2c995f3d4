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
)

// sustained writes at a rate while others search, and tells how both fare.
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
	before := identity.cpu()
	var writes, reads load.Outcome
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		writes, err = load.Run(ctx, load.Plan{Address: identity.address, Connections: 64, Duration: sustainedFor, Rate: sustainedWrites, Next: rename, Want: 200})
		return err
	})
	group.Go(func() (err error) {
		reads, err = load.Run(ctx, load.Plan{Address: identity.address, Connections: 2, Duration: sustainedFor, Rate: 200, Next: search, Want: 200})
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	cpu := (identity.cpu() - before) / time.Duration(max(1, writes.Requests+reads.Requests))
	b.table(fmt.Sprintf("PATCH at %d/s while searching at 200/s, %v", sustainedWrites, sustainedFor),
		[]figure{{"PATCH", writes, cpu}, {"search, 3 letters", reads, cpu}})
	return nil
}
