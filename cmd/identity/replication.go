package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/sync/replica"
)

// replication follows another service into the engine of a running one, until it
// takes over.
type replication struct {
	source replicaSource
	from   string
	log    *slog.Logger
	// promoted is called when the store has taken over.
	promoted func()

	engine   engine
	follower *replica.Follower
	orders   chan httpapi.PromotionOrder

	mu        sync.Mutex
	promoting bool
	last      *httpapi.Promotion
}

// open attaches the engine.
func (r *replication) open(e engine, registry *prometheus.Registry) (err error) {
	core := e.base()
	r.engine, r.orders = e, make(chan httpapi.PromotionOrder, 1)
	r.follower, err = replica.New(r.source, core.streams, &replicaNotes{e.records(), r.from}, r.log)
	if err != nil {
		return err
	}
	return r.register(registry)
}

func (r *replication) register(registry *prometheus.Registry) error {
	gauge := func(name, help string, value func(replica.State) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(r.follower.State()) })
	}
	for _, c := range []prometheus.Collector{
		gauge("identity_replica_lag_seconds", "For how long there has been something at the followed service that is not here; NaN until that is known.", func(s replica.State) float64 {
			if lag := lagOf(&s); lag >= 0 {
				return lag.Seconds()
			}
			return math.NaN()
		}),
		gauge("identity_replica_waiting_transactions", "Transactions that came before what they continue.", func(s replica.State) float64 { return float64(s.Waiting) }),
		gauge("identity_replica_failing", "1 while the followed service cannot be followed, also because it refuses.", func(s replica.State) float64 {
			if s.Err != nil {
				return 1
			}
			return 0
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "identity_replica_transactions_total", Help: "Transactions that the followed service gave."}, func() float64 {
			return float64(r.follower.State().Transactions)
		}),
	} {
		if err := registry.Register(c); err != nil {
			return fmt.Errorf("register the metrics of a replica: %w", err)
		}
	}
	return nil
}

// toldWithin is how often a followed service that lives tells at least where it stands.
const toldWithin = 20 * time.Second

// lagOf is for how long there has been something that is not here, as far as is
// known; negative if it is not.
func lagOf(s *replica.State) time.Duration {
	switch {
	case s.Err == nil && !s.Behind && !s.Caught.IsZero() && time.Since(s.Caught) < toldWithin:
		return 0
	case !s.Caught.IsZero():
		return time.Since(s.Caught)
	case !s.Newest.IsZero():
		return max(time.Since(s.Newest), 0)
	}
	return -1
}

// lag tells it, and whether it is known.
func (r *replication) lag() (time.Duration, bool) {
	state := r.follower.State()
	lag := lagOf(&state)
	return lag, lag >= 0
}

// status is the replication's among the views of /readyz.
func (r *replication) status() httpapi.ViewStatus {
	state := r.follower.State()
	return httpapi.ViewStatus{Name: "replica", Lag: lagOf(&state), Failing: failing(state.Err)}
}

// failing says why following fails, to everybody: without addresses, and without what
// another service says in its own words.
func failing(err error) string {
	var contradiction *eventstream.ImportError
	var refused *problem
	switch {
	case err == nil:
		return ""
	case errors.As(err, &contradiction):
		return "what comes contradicts what is here: nothing more is followed"
	case errors.Is(err, replica.ErrRefused) && errors.As(err, &refused):
		if refused.Code == "foreign_token" || refused.Code == "unknown_position" {
			return errStranger.Error() // the place that was noted is none of it
		}
		return fmt.Sprintf("the followed service refuses: %d %s", refused.Status, http.StatusText(refused.Status))
	case errors.Is(err, replica.ErrRefused), errors.Is(err, replica.ErrOver):
		return err.Error()
	}
	return "following fails for now"
}

// run follows until ctx ends or the store has taken over.
func (r *replication) run(ctx context.Context) error {
	for {
		following, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- r.follower.Run(following) }()
		select {
		case err := <-ended:
			stop()
			if err == nil || ctx.Err() != nil {
				return nil
			}
			// What is here can be read still, and taken over: it is not thrown away.
			r.log.Error("nothing more is followed", "error", err)
			select {
			case <-ctx.Done():
				return nil
			case order := <-r.orders:
				if r.promote(ctx, order) {
					return nil
				}
			}
		case order := <-r.orders:
			stop()
			if err := <-ended; err != nil {
				r.log.Error("nothing more was followed", "error", err)
			}
			if r.promote(ctx, order) {
				return nil
			}
		}
	}
}

// promote takes over, and tells whether that worked.
func (r *replication) promote(ctx context.Context, order httpapi.PromotionOrder) bool {
	outcome := &httpapi.Promotion{SourceClosed: !order.Lost}
	dropped, err := r.follower.Finish(ctx, order.Lost)
	if err == nil {
		core := r.engine.base()
		var begun commands.Directory
		if begun, err = commands.BeginEpoch(ctx, core.streams, core.directory.Secret); err == nil {
			outcome.Epoch = begun.Epoch.String()
			err = r.engine.records().forget(ctx)
		}
	}
	for _, position := range dropped {
		outcome.Dropped = append(outcome.Dropped, httpapi.CommitName{Stream: position.Stream, Seq: position.Seq})
	}
	outcome.EndedAt = httpapi.Instant{Time: time.Now()}
	if err != nil {
		outcome.Failed, outcome.SourceClosed = err.Error(), false
		r.log.Error("not taken over", "error", err)
	}
	r.mu.Lock()
	r.promoting, r.last = false, outcome
	r.mu.Unlock()
	if outcome.Epoch == "" {
		return false
	}
	r.promoted()
	return true
}

// outcome is what came of the last promotion, nil if nothing was taken over.
func (r *replication) outcome() *httpapi.Promotion {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || r.last.Epoch == "" {
		return nil
	}
	return r.last
}

// order has the store take over, unless it is at that already.
func (r *replication) order(order httpapi.PromotionOrder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.promoting || r.last != nil && r.last.Epoch != "" {
		return
	}
	r.promoting, r.last = true, nil
	r.orders <- order
}

// standing completes what the store is.
func (r *replication) standing(standing *httpapi.Standing) {
	state := r.follower.State()
	standing.Role = httpapi.ReplicaRole
	standing.Replica = &httpapi.ReplicaStanding{
		Source: r.from, Position: state.Place, Transactions: state.Transactions, Waiting: state.Waiting,
	}
	if lag := lagOf(&state); lag >= 0 {
		seconds := float64(lag.Milliseconds()) / 1000
		standing.Replica.LagSeconds = &seconds
	}
	if state.Err != nil {
		standing.Replica.Failing = state.Err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if standing.Promotion = r.last; r.promoting {
		standing.Role = httpapi.PromotingRole
	}
}

// checkFollowing refuses to serve a store that follows another one as if it did not,
// and attaches the replication.
func (s *service) checkFollowing() error {
	follows := s.engine.base().follows
	switch {
	case s.replication != nil && follows == nil:
		return errors.New("this store has taken over from the one that it followed: serve it")
	case s.replication != nil:
		return s.replication.open(s.engine, s.registry)
	case follows != nil:
		return fmt.Errorf("this store follows %s: serve it with `identity replicate --from %s`, or have it take over with `identity promote`", follows.Source, follows.Source)
	}
	return nil
}

// keeper implements httpapi.Keeper.
type keeper struct {
	engine      engine
	replication *replication
	promotion   *httpapi.Promotion
	closing     *closing
}

// newKeeper makes one, whose closing has to be run.
func newKeeper(e engine, replication *replication, promotion *httpapi.Promotion) *keeper {
	return &keeper{e, replication, promotion, newClosing(func(ctx context.Context) error {
		if err := e.announceable(ctx); err != nil {
			return err // before anybody is refused a write
		}
		if err := commands.CloseStore(ctx, e.base().streams); err != nil {
			return err
		}
		return e.announceAll(ctx)
	})}
}

var _ httpapi.Keeper = (*keeper)(nil)

// Standing implements httpapi.Keeper.
func (k *keeper) Standing(ctx context.Context) (httpapi.Standing, error) {
	core := k.engine.base()
	standing := httpapi.Standing{Epoch: core.directory.Epoch.String(), Role: httpapi.PrimaryRole, Promotion: k.promotion}
	if k.replication != nil {
		k.replication.standing(&standing)
		return standing, nil
	}
	closed, err := commands.Closed(ctx, core.streams)
	if closed {
		standing.Role = httpapi.ClosedRole
	}
	return standing, err
}

// Close implements httpapi.Keeper.
func (k *keeper) Close(ctx context.Context) (httpapi.Standing, error) {
	if k.replication != nil {
		return httpapi.Standing{}, commands.ErrFollower
	}
	if err := k.closing.order(ctx); err != nil {
		return httpapi.Standing{}, err
	}
	return k.Standing(ctx)
}

// Promote implements httpapi.Keeper.
func (k *keeper) Promote(_ context.Context, order httpapi.PromotionOrder) error {
	if k.replication == nil {
		return httpapi.ErrNotFollowing
	}
	k.replication.order(order)
	return nil
}
