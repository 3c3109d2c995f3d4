package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Next makes the n-th request of a worker; each worker counts from 0.
type Next func(worker, n int) Request

// Plan is a load: so many connections, each asking as fast as it is answered,
// or all together at a rate, for so long.
type Plan struct {
	Address     string
	Connections int
	Duration    time.Duration
	// Rate is in requests a second over all connections; 0 is as fast as can be.
	Rate float64
	Next Next
	// Want is the status that every answer must have; 0 is any success.
	Want int
}

// Outcome is what a load met with.
type Outcome struct {
	Requests int
	Elapsed  time.Duration
	// Latencies are sorted. At a rate they count from when the request was due,
	// so that waiting for a slow answer before it counts too.
	Latencies []time.Duration
}

// Rate is in requests a second.
func (o Outcome) Rate() float64 { return float64(o.Requests) / o.Elapsed.Seconds() }

// Quantile is a latency: 0.99 for p99.
func (o Outcome) Quantile(q float64) time.Duration {
	if len(o.Latencies) == 0 {
		return 0
	}
	return o.Latencies[min(int(q*float64(len(o.Latencies))), len(o.Latencies)-1)]
}

// Join adds outcomes up, as one load after the other.
func Join(outcomes []Outcome) Outcome {
	var all Outcome
	for _, o := range outcomes {
		all.Requests += o.Requests
		all.Elapsed += o.Elapsed
		all.Latencies = append(all.Latencies, o.Latencies...)
	}
	slices.Sort(all.Latencies)
	return all
}

// Run carries a plan out with a client that costs as little as can be. An answer with
// another status than wanted ends it.
func Run(ctx context.Context, plan Plan) (Outcome, error) {
	return run(ctx, plan, func() (asker, error) { return Dial(plan.Address) })
}

// RunStandard carries a plan out with the client of net/http, as most programs would.
func RunStandard(ctx context.Context, plan Plan) (Outcome, error) {
	return run(ctx, plan, func() (asker, error) { return newStandard(plan.Address), nil })
}

// asker is a client with one connection.
type asker interface {
	Do(Request) (Response, error)
	Close() error
}

func run(ctx context.Context, plan Plan, dial func() (asker, error)) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, plan.Duration)
	defer cancel()
	latencies := make([][]time.Duration, plan.Connections)
	failures := make([]error, plan.Connections)
	start := time.Now()
	var workers sync.WaitGroup
	for worker := range plan.Connections {
		workers.Go(func() {
			latencies[worker], failures[worker] = work(ctx, plan, dial, worker, start)
		})
	}
	workers.Wait()
	elapsed := time.Since(start)
	all := slices.Concat(latencies...)
	slices.Sort(all)
	return Outcome{Requests: len(all), Elapsed: elapsed, Latencies: all}, errors.Join(failures...)
}

func work(ctx context.Context, plan Plan, dial func() (asker, error), worker int, start time.Time) ([]time.Duration, error) {
	conn, err := dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	latencies := make([]time.Duration, 0, 1<<14)
	for n := 0; ctx.Err() == nil; n++ {
		begun := time.Now()
		if plan.Rate > 0 {
			begun = start.Add(time.Duration(float64(n*plan.Connections+worker) / plan.Rate * float64(time.Second)))
			select {
			case <-ctx.Done():
				return latencies, nil
			case <-time.After(time.Until(begun)):
			}
		}
		response, err := conn.Do(plan.Next(worker, n))
		if err != nil {
			return latencies, err
		}
		if response.Status != plan.Want && (plan.Want != 0 || response.Status >= 300) {
			return latencies, fmt.Errorf("answered %d, not %d: %s", response.Status, plan.Want, response.Body)
		}
		latencies = append(latencies, time.Since(begun))
	}
	return latencies, nil
}
