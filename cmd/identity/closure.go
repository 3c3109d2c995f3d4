package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries/closure"
)

// openClosure makes the graph of groups in groups, once there are streams.
func (c *core) openClosure() {
	c.closure = closure.New(c.streams, &closure.Options{Logger: c.settings.log})
}

// registerClosure measures the closure of a process that answers questions.
func registerClosure(to prometheus.Registerer, of *closure.Closure) {
	gauge := func(name, help string, value func() float64) {
		to.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("identity_closure_position", "Commits of nesting that the closure over groups has folded in.", func() float64 { return float64(of.Seq()) })
	gauge("identity_closure_lag_commits", "Commits of nesting that the closure has not folded in, where the store knows without being asked.",
		func() float64 { return float64(of.Behind(context.Background())) })
	gauge("identity_closure_parked", "1 while the closure cannot fold a commit in; effective memberships are not answered then.", func() float64 {
		if of.Parked() != nil {
			return 1
		}
		return 0
	})
	gauge("identity_closure_remembered_groups", "Groups in the reaches that the closure remembers.", func() float64 { return float64(of.Remembered()) })
}

// closureStatus tells how the closure is doing, by commits of nesting.
func (c *core) closureStatus() httpapi.ViewStatus {
	status := httpapi.ViewStatus{Name: closure.Name, Position: uint64(c.closure.Seq()), Behind: c.closure.Behind(context.Background()), Lag: -1}
	if parked := c.closure.Parked(); parked != nil {
		status.Parked = 1
		status.Streams = []httpapi.ParkedStream{{Stream: eventstream.NestingStream, Seq: parked.Seq, Reason: parkReason(parked.Err)}}
	}
	return status
}
