package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// rebuildCommand builds views anew beside those that answer.
type rebuildCommand struct {
	remoteFlags `embed:""`
	followFlags `embed:""`
	View        string `default:"all" placeholder:"NAME" help:"What to build: rows, search, closure or all (default). What is made from rows is built with them."`
	Force       bool   `help:"Switch also to what differs from the generation that answers."`
	Rate        int    `placeholder:"N" help:"The most commits, rows or documents that are handled in a second, so that others are left room; as many as can be if 0, the default."`
	Back        bool   `help:"Go back to the generation that is kept."`
	Drop        bool   `help:"Let go of the generation that is kept, or is being built."`
}

// errRebuild is why rebuild fails although the service could be spoken to.
var errRebuild = errors.New("the rebuild failed")

// Run rebuilds, and shows how that does until it has ended. A rebuild that is
// under way already is followed.
func (r *rebuildCommand) Run(c *console) error {
	if err := r.checkRebuild(); err != nil {
		return err
	}
	meter := newMeter(c.err)
	defer meter.finish()
	follow := followFlags{Feed: noFeed}
	if r.Store == dynamoStore && r.URL == "" {
		if err := r.fill(r.Store); err != nil {
			return err
		}
		follow = r.followFlags
	}
	to, e, err := r.reach(c.ctx, follow, settings{rebuilding: true, progress: func(done, total uint64) { meter.show("catching up", done, total) }})
	if err != nil {
		return err
	}
	if e == nil {
		return errors.Join(r.ask(c, to, meter), to.close())
	}
	return r.atRest(c, e, meter)
}

func (r *rebuildCommand) checkRebuild() error {
	if r.Back && r.Drop {
		return misused("--back, --drop: one of them at a time")
	}
	if (r.Back || r.Drop) && r.Force {
		return misused("--force: is for building, not for --back or --drop")
	}
	if r.Rate < 0 || r.Rate > httpapi.MaxRebuildRate {
		return misused("--rate: %d is not from 0 to %d", r.Rate, httpapi.MaxRebuildRate)
	}
	if (r.Back || r.Drop) && r.Rate > 0 {
		return misused("--rate: is for building, not for --back or --drop")
	}
	if err := oneOf("--view", r.View, "all", httpapi.RowsView, httpapi.SearchView, httpapi.ClosureView); err != nil {
		return err
	}
	return r.lookable()
}

// atRest has an engine of this process rebuild what no service runs, or, over tables
// that others may serve, with them.
func (r *rebuildCommand) atRest(c *console, e engine, meter *meter) error {
	ctx, end := context.WithCancel(c.ctx)
	background, ctx := errgroup.WithContext(ctx)
	background.Go(func() error { return e.run(ctx) })
	background.Go(func() error { return tuneCollector(ctx) })
	err := e.settle(ctx)
	if err == nil {
		var to *client
		if to, err = serveBeside(e); err == nil {
			err = errors.Join(r.ask(c, to, meter), to.close())
		}
	}
	if shared, is := e.(*cloud); is && r.Drop && err == nil {
		err = shared.rid(c.ctx)
	}
	end()
	err = errors.Join(err, background.Wait())
	return errors.Join(err, e.snapshot(), e.close())
}

// ask speaks to the service.
func (r *rebuildCommand) ask(c *console, to *client, meter *meter) error {
	var g httpapi.Generations
	switch {
	case r.Back:
		return r.askOnce(c, to, "/views:back", &g)
	case r.Drop:
		return r.askOnce(c, to, "/views:drop", &g)
	}
	order, err := r.order(c.ctx, to)
	if err != nil {
		return err
	}
	_, err = to.do(c.ctx, http.MethodPost, "/views:rebuild", order, &g)
	var refusal *problem
	if errors.As(err, &refusal) && refusal.Code == "rebuilding" {
		_, _ = fmt.Fprintln(c.err, "a rebuild is under way already; this shows how it does")
		_, err = to.do(c.ctx, http.MethodGet, "/views", nil, &g)
	}
	if err != nil {
		return err
	}
	if g.Rebuild == nil {
		return fmt.Errorf("%w: the service does not know of it", errRebuild)
	}
	return r.follow(c, to, meter, g.Rebuild.Number)
}

func (r *rebuildCommand) askOnce(c *console, to *client, path string, g *httpapi.Generations) error {
	if _, err := to.do(c.ctx, http.MethodPost, path, nil, g); err != nil {
		return err
	}
	return tellGenerations(c, g)
}

// order names the views; all are those that the service has.
func (r *rebuildCommand) order(ctx context.Context, to *client) (httpapi.RebuildOrder, error) {
	order := httpapi.RebuildOrder{Views: []string{r.View}, Force: r.Force, Rate: r.Rate}
	if r.View != "all" {
		return order, nil
	}
	var g httpapi.Generations
	if _, err := to.do(ctx, http.MethodGet, "/views", nil, &g); err != nil {
		return order, err
	}
	order.Views = nil
	for _, view := range g.Views {
		order.Views = append(order.Views, view.View)
	}
	return order, nil
}

// followEvery is how often a running rebuild is asked how it does.
const followEvery = 250 * time.Millisecond

// follow shows how a rebuild does until it has ended.
func (r *rebuildCommand) follow(c *console, to *client, meter *meter, number uint64) error {
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		var g httpapi.Generations
		if _, err := to.do(c.ctx, http.MethodGet, "/views", nil, &g); err != nil {
			return err
		}
		if g.Rebuild == nil || g.Rebuild.Number != number {
			return fmt.Errorf("%w: the service has forgotten it; was it started again?", errRebuild)
		}
		if g.Rebuild.State != httpapi.Running {
			meter.finish()
			return tellRebuild(c, &g)
		}
		meter.show(g.Rebuild.Stage, g.Rebuild.Done, g.Rebuild.Total)
		select {
		case <-ticker.C:
		case <-c.ctx.Done():
			_, _ = fmt.Fprintln(c.err, "the rebuild goes on if the service does; start this again to follow it")
			return c.ctx.Err()
		}
	}
}

// tellRebuild prints what came of a rebuild.
func tellRebuild(c *console, g *httpapi.Generations) error {
	for _, compared := range g.Rebuild.Comparisons {
		_, err := fmt.Fprintf(c.out, "%s: %d compared in %d buckets, %d field by field, %d differ\n",
			compared.View, compared.Compared, compared.Buckets, compared.Sampled, compared.Differing)
		if err != nil {
			return err
		}
		for _, d := range compared.Differences {
			if _, err := fmt.Fprintf(c.out, "  %s@%d: %s\n", d.Stream, d.Seq, strings.Join(d.Fields, ", ")); err != nil {
				return err
			}
		}
	}
	if g.Rebuild.State != httpapi.Done {
		return fmt.Errorf("%w: %s", errRebuild, g.Rebuild.Reason)
	}
	return tellGenerations(c, g)
}

func tellGenerations(c *console, g *httpapi.Generations) error {
	for _, view := range g.Views {
		for _, generation := range view.Generations {
			if _, err := fmt.Fprintf(c.out, "%s: generation %d (%s) %s\n", view.View, generation.Number, generation.Name, generation.State); err != nil {
				return err
			}
		}
	}
	return nil
}
