package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/internal/audit"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/closure"
)

// engine is everything behind the service, on one kind of store.
type engine interface {
	// base is what requests are answered with.
	base() *core
	// adminKey is the key that was kept for the engine, empty if none is.
	adminKey() (string, error)
	// run does what is part of no request, until ctx ends.
	run(ctx context.Context) error
	// settle waits until the search index shows what the view does.
	settle(ctx context.Context) error
	// status tells how everything is doing, now.
	status() ([]httpapi.ViewStatus, *httpapi.StoreStatus)
	// verify audits everything, while it is used or at rest.
	verify(ctx context.Context, options audit.Options) (audit.Report, error)
	// announce lets other commands find the service, until takeBack.
	announce(url, certificate string) (takeBack func())
	// answerable fails while nothing may be answered: what this process knows may be
	// old by now.
	answerable() error
	// views builds views anew; nil where that cannot be asked for.
	views() httpapi.Views
	// records keep the record of the store that this one follows.
	records() replicaRecords
	// announceAll sees to it that everything written shows in the events.
	announceAll(ctx context.Context) error
	// announceable fails with eventstream.ErrParked while something is not in the events
	// and will not be until an operator steps in.
	announceable(ctx context.Context) error
	// snapshot writes down what makes the next start fast.
	snapshot() error
	close() error
}

// core is what every engine has: what requests are answered with.
type core struct {
	settings  settings
	metrics   *storeMetrics // nil measures nothing
	streams   *eventstream.Streams
	directory commands.Directory
	commands  *commands.Handler
	closure   *closure.Closure
	reader    *queries.Reader
	parking   parking
	// events gives the commits, for copies.
	events transfer.Source
	// follows is the record of the store that this one follows; nil if it follows none.
	follows *replicaRecord
	// tookOver is the record that a promotion was cut off before it could forget; nil if
	// there was none.
	tookOver *replicaRecord
	// keyAge is how old what is known of an API key may be.
	keyAge time.Duration
}

func (c *core) base() *core { return c }

// settings say how an engine is opened. The zero value is good.
type settings struct {
	log        *slog.Logger
	registry   *prometheus.Registry
	tracing    trace.TracerProvider
	quarantine *time.Duration
	// rebuilding opens what cannot be asked, to make it anew.
	rebuilding bool
	// looking leaves it to whoever serves a copy to begin its life: nothing is written
	// to its log by opening it.
	looking bool
	// noSearch leaves the index out.
	noSearch bool
	// sweepEvery is querysync.Options.SweepEvery.
	sweepEvery time.Duration
	// freeSpace tells how much room the disk has; nil asks the system.
	freeSpace func() (uint64, error)
	// fatal is told when a sync failed and the process must end.
	fatal func(error)
	// derive changes what is put into Elasticsearch; nil does not.
	derive func(*queries.Document)
	// describe makes the documents of the embedded index otherwise than usual.
	describe *describing
	// progress is told how far the views have got while they catch up.
	progress func(applied, end uint64)
}

// openStreams makes the streams of a store, measured and traced.
func (c *core) openStreams(store eventstream.Store, traced func(trace.Tracer) eventstream.Store) {
	wiring := &eventstream.Options{}
	if m := c.metrics; m != nil {
		wiring.OnAppend, wiring.OnRetry = m.onAppend, m.onRetry
	}
	if tracer := c.tracer(); tracer != nil {
		store = traced(tracer)
	}
	c.streams = eventstream.New(store, wiring)
}

// openFollowing finds out whether the store follows another one. The record of one that
// has taken over since is left over from a promotion, and forgotten.
func (c *core) openFollowing(ctx context.Context, records replicaRecords) error {
	record, err := records.load(ctx)
	if err != nil || record == nil {
		return err
	}
	if record.Here && record.Epoch != c.directory.Epoch.String() {
		c.tookOver = record
		return records.forget(ctx)
	}
	c.follows = record
	return nil
}

// openCommands makes what decides on commands, once the directory is known.
func (c *core) openCommands() {
	options := &commands.Options{Quarantine: c.settings.quarantine, Tracer: c.settings.tracing, Follower: c.follows != nil}
	if c.metrics != nil {
		options.OnCommand = c.metrics.onCommand
	}
	c.commands = commands.New(c.streams, c.directory, options)
}

// openReader makes what answers questions.
func (c *core) openReader(first queries.Generation, notices queries.Notices) (err error) {
	if c.ownOrder() {
		notices = nil // its positions would be taken for those of the followed store
	}
	c.reader, err = queries.NewReader(queries.Config{
		Follower: c.follows != nil,
		Streams:  c.streams, View: first.View, Waiter: first.Waiter, Search: first.Search, SearchWaiter: first.SearchWaiter,
		Notices: notices, Closure: c.closure, ClaimSecret: c.directory.Secret, KeyAge: c.keyAge, Tracer: c.tracer(),
	})
	return err
}

// traced makes a span of each wait for what has a name, where spans are wanted.
func (c *core) traced(waiter queries.Waiter, name string) queries.Waiter {
	if tracer := c.tracer(); tracer != nil {
		return &tracedWaiter{waiter, name, tracer}
	}
	return waiter
}

// tracer makes the spans of what is put together here, nil where none are wanted.
func (c *core) tracer() trace.Tracer {
	if c.settings.tracing == nil {
		return nil
	}
	return c.settings.tracing.Tracer("github.com/seed5b6a70b4/identity")
}
