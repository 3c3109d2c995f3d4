package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/httpapi"
)

// promoteCommand has a replica take over.
type promoteCommand struct {
	remoteFlags `embed:""`
	Lost        bool `help:"Take over although the followed service cannot be closed: what it acknowledged and did not tell is lost. Without this, nothing is."`
}

// Run has the running replica take over, or a store that follows another one and is
// at rest, whose source is lost.
func (p *promoteCommand) Run(c *console) error {
	if p.URL == "" {
		if err := p.existing(); err != nil {
			return err
		}
	}
	to, e, err := p.reach(c.ctx, followFlags{Feed: noFeed, Search: noSearch}, settings{noSearch: true})
	if err != nil {
		return err
	}
	if e != nil {
		return errors.Join(p.atRest(c, e), e.close())
	}
	return errors.Join(p.running(c, to), to.close())
}

// atRest takes over from a source that is lost.
func (p *promoteCommand) atRest(c *console, e engine) error {
	core := e.base()
	switch {
	case core.tookOver != nil:
		_, err := fmt.Fprintf(c.out, "epoch %s has begun already, which took over from %s\n", core.directory.Epoch, core.tookOver.Source)
		return err
	case core.follows == nil:
		return followsNone(c.ctx, core)
	case !p.Lost:
		return fmt.Errorf("no process follows: start `identity replicate --from %s`, so that nothing is lost, or give --lost if that service is no more", core.follows.Source)
	}
	begun, err := commands.BeginEpoch(c.ctx, core.streams, core.directory.Secret)
	if err == nil {
		err = e.records().forget(c.ctx)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "epoch %s begins; what had not come from %s is lost\n", begun.Epoch, core.follows.Source)
	return err
}

// followsNone says why there is nothing to take over. Whether a store was a replica is
// not kept, once it is none; one that was has lived another life before.
func followsNone(ctx context.Context, core *core) error {
	lived, err := lives(ctx, core.streams)
	switch {
	case err != nil:
		return err
	case len(lived) > 1:
		return fmt.Errorf("the store follows none, and lives a life of its own, epoch %s: if it was a replica, it has taken over already: serve it", core.directory.Epoch)
	}
	return errors.New("the store follows none: there is nothing to take over")
}

// Looking after a promotion.
const (
	promotionLook = 200 * time.Millisecond
	// absence is how long the service may be away while it begins anew.
	absence = time.Minute
)

func (p *promoteCommand) running(c *console, to *client) error {
	var standing httpapi.Standing
	if _, err := to.do(c.ctx, http.MethodPost, "/store:promote", httpapi.PromotionOrder{Lost: p.Lost}, &standing); err != nil {
		return p.refused(c, to, err)
	}
	seen := time.Now()
	for {
		switch ended := standing.Promotion; {
		case standing.Role == httpapi.PrimaryRole && ended != nil:
			return p.tell(c, ended, "begins")
		case standing.Role == httpapi.ReplicaRole && ended != nil && ended.Failed != "":
			return fmt.Errorf("not taken over: %s", ended.Failed)
		}
		if err := rest(c.ctx, promotionLook); err != nil {
			return err
		}
		standing = httpapi.Standing{}
		_, err := to.do(c.ctx, http.MethodGet, "/store", nil, &standing)
		if err == nil {
			seen = time.Now()
		} else if time.Since(seen) > absence {
			return fmt.Errorf("ask whether it has taken over: %w", err)
		}
	}
}

func rest(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refused tells, where a service follows none because it has taken over, that it has.
func (p *promoteCommand) refused(c *console, to *client, refusal error) error {
	var problem *problem
	if !errors.As(refusal, &problem) || problem.Code != "not_a_replica" {
		return refusal
	}
	var standing httpapi.Standing
	if _, err := to.do(c.ctx, http.MethodGet, "/store", nil, &standing); err != nil {
		return errors.Join(refusal, err)
	}
	if ended := standing.Promotion; ended != nil && ended.Epoch != "" {
		return p.tell(c, ended, "has begun already")
	}
	return fmt.Errorf("%w: if it was a replica, it has taken over already", refusal)
}

func (p *promoteCommand) tell(c *console, ended *httpapi.Promotion, epoch string) error {
	how := "the followed service was closed first; nothing is lost"
	if !ended.SourceClosed {
		how = "the followed service was given up; what it did not tell is lost"
	}
	if _, err := fmt.Fprintf(c.out, "epoch %s %s; %s\n", ended.Epoch, epoch, how); err != nil {
		return err
	}
	for _, dropped := range ended.Dropped {
		if _, err := fmt.Fprintf(c.out, "dropped: %s %d, of a transaction that had not come whole\n", dropped.Stream, dropped.Seq); err != nil {
			return err
		}
	}
	return nil
}
