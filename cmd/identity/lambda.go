package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/seed5b6a70b4/identity/sync/changefeed"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/lambdafeed"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// lambdaVar is set by the Lambda runtime: the address at which it hands out
// events.
const lambdaVar = "AWS_LAMBDA_RUNTIME_API"

func inLambda() bool { return os.Getenv(lambdaVar) != "" }

const (
	// sweepGroup is the group of the one lease that says since when to sweep.
	sweepGroup = "sweep"
	// firstSweep is how far the first sweep of all goes back: as long as DynamoDB keeps
	// records of its streams.
	firstSweep = 24 * time.Hour
	// sweepOverlap is how far sweeps go back behind the one before.
	sweepOverlap = 5 * time.Minute
	// carryTime bounds how long a batch is held up by the search index.
	carryTime = 5 * time.Second
)

// function is sync as the Lambda runtime runs it: events bring commits, a schedule
// sweeps. It reads no feed and holds no lease.
type function struct {
	*cloud
	sweeps shardfeed.Leases
	// carriers are those of the indexes that were followed by now, by their number.
	mu       sync.Mutex
	carriers map[int]*changefeed.Carrier
}

// answerLambda takes events of the Lambda runtime for as long as it hands out any.
func (s *syncCommand) answerLambda(c *console) error {
	lines, log, _ := newLogs(c.err, s.LogFormat)
	defer func() { _ = lines.Flush() }()
	follow := s.followFlags
	follow.Feed = noFeed
	engine, err := openCloud(c.ctx, s.TablePrefix, follow, settings{log: log})
	if err != nil {
		return err
	}
	f := &function{cloud: engine, sweeps: dynamolease.New(engine.dynamodb, engine.names.State, sweepGroup), carriers: map[int]*changefeed.Carrier{}}
	lambda.StartWithOptions(lambdafeed.New(engine.synchroniser.Handle, &lambdafeed.Options{
		Table: engine.names.Events, Handled: f.handled, Scheduled: f.scheduled, Logger: log,
		OnUnknown: func(records int) { log.Warn("records tell of no commit, and were left", "records", records) },
	}), lambda.WithContext(c.ctx))
	return errors.New("the Lambda runtime hands out no events any more")
}

// handled carries what a batch changed on to the search index. Where that fails,
// the next batch or schedule does: the views do not wait for it.
func (f *function) handled(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, carryTime)
	defer cancel()
	if err := f.carry(ctx); err != nil {
		f.settings.log.Warn("the search index is behind", "error", err)
	}
}

// carry carries on what is new to every index that is followed.
func (f *function) carry(ctx context.Context) error {
	_, search := f.followed.all()
	for _, g := range search {
		if g.foreign != nil {
			continue
		}
		if err := f.carrier(g).Carry(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *function) carrier(g *searchGeneration) *changefeed.Carrier {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.carriers[g.number] == nil {
		f.carriers[g.number] = changefeed.NewCarrier(changefeed.New(f.streams, f.changes), g.leases, g.indexer.Handle, leaseExpiry)
	}
	return f.carriers[g.number]
}

// scheduled finds what no event told of, and goes on where the search index was
// away.
func (f *function) scheduled(ctx context.Context) error {
	return errors.Join(f.sweep(ctx), f.carry(ctx))
}

// sweep compares everything that has moved since the last sweep with the views.
func (f *function) sweep(ctx context.Context) error {
	began := time.Now()
	leases, err := f.sweeps.List(ctx)
	if err != nil {
		return fmt.Errorf("read when the last sweep was: %w", err)
	}
	last := shardfeed.Lease{Shard: sweepGroup, Since: began.Add(-firstSweep)}
	if len(leases) > 0 {
		last = leases[0]
	}
	if err := f.synchroniser.Sweep(ctx, last.Since.Add(-sweepOverlap)); err != nil {
		return err
	}
	next := last
	next.Since = began
	if len(leases) > 0 {
		_, err = f.sweeps.Update(ctx, last, next)
	} else {
		_, err = f.sweeps.Create(ctx, next)
	}
	if err != nil && !errors.Is(err, shardfeed.ErrLost) { // lost to another that swept at the same time
		return fmt.Errorf("note when the sweep was: %w", err)
	}
	return nil
}
