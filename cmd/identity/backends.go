package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memview"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/tailfeed"
)

// settings say how the backends are opened. The zero value is good.
type settings struct {
	log        *slog.Logger
	registry   *prometheus.Registry
	tracing    trace.TracerProvider
	quarantine *time.Duration
	// noSearch leaves the index out.
	noSearch bool
	// freeSpace tells how much room the disk has; nil asks the system.
	freeSpace func() (uint64, error)
	// fatal is told when a sync failed and the process must end.
	fatal func(error)
	// progress is told how far the views have got while they catch up.
	progress func(applied, end uint64)
}

// backends are everything behind the service, over one data directory.
type backends struct {
	settings settings
	data     dataDirectory

	metrics *storeMetrics // nil measures nothing
	feed    tailfeed.Feed

	store        *logstore.Store
	streams      *eventstream.Streams
	directory    commands.Directory
	commands     *commands.Handler
	view         *memview.View
	synchroniser *querysync.Synchroniser
	search       *searcher // nil when search is off
	reader       *queries.Reader

	forwarding atomic.Pointer[querysync.Forwarder[memview.Entity]]
	// snapshotted is the position of the last snapshot.
	snapshotted uint64
}

// openBackends opens the log, loads what was derived from it, and brings that to
// the log's end.
func openBackends(ctx context.Context, path string, s settings) (*backends, error) {
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	b := &backends{settings: s}
	if s.registry != nil {
		b.metrics = newStoreMetrics(s.registry)
	}
	var err error
	if b.data, err = openDataDirectory(path); err != nil {
		return nil, err
	}
	if err := b.open(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *backends) open(ctx context.Context) error {
	if err := b.openStore(); err != nil {
		return err
	}
	if err := b.openDirectory(ctx); err != nil {
		return err
	}
	return b.openViews(ctx)
}

func (b *backends) openStore() error {
	options := &logstore.Options{
		Logger: b.settings.log, Fatal: b.settings.fatal, FreeSpace: b.settings.freeSpace, Observe: b.feed.Observe,
	}
	wiring := &eventstream.Options{}
	if m := b.metrics; m != nil {
		options.OnBatch, wiring.OnAppend, wiring.OnRetry = m.onBatch, m.onAppend, m.onRetry
	}
	var err error
	if b.store, err = logstore.Open(b.data.log(), options); err != nil {
		return err
	}
	if tracer := b.tracer(); tracer != nil {
		b.streams = eventstream.New(&tracedStore{b.store, tracer}, wiring)
	} else {
		b.streams = eventstream.New(b.store, wiring)
	}
	return nil
}

func (b *backends) openDirectory(ctx context.Context) error {
	last, err := b.store.Last(ctx, eventstream.StoreStream)
	if err != nil {
		return fmt.Errorf("read the stream store: %w", err)
	}
	secret, err := b.data.claimSecret(last.Seq == 0)
	if err != nil {
		return err
	}
	if b.directory, err = commands.OpenDirectory(ctx, b.streams, secret, 1); err != nil {
		return err
	}
	options := &commands.Options{Quarantine: b.settings.quarantine, Tracer: b.settings.tracing}
	if b.metrics != nil {
		options.OnCommand = b.metrics.onCommand
	}
	b.commands = commands.New(b.streams, b.directory, options)
	return nil
}

// openViews makes the views and brings them to the end of the log.
func (b *backends) openViews(ctx context.Context) error {
	b.view = memview.New(&memview.Options{Logger: b.settings.log, Source: b.directory.Epoch.String(), OnChange: b.onChange})
	options := &querysync.Options{Directory: b.data.snapshots(), Logger: b.settings.log, Reason: parkReason}
	if b.settings.registry != nil {
		options.Metrics = b.settings.registry
	}
	var err error
	if b.synchroniser, err = querysync.New(b.streams, []querysync.View{b.view}, options); err != nil {
		return err
	}
	var search *searcher
	if !b.settings.noSearch {
		if search, err = b.newSearcher(b.settings.registry); err != nil {
			return err
		}
	}
	if err := b.load(search); err != nil {
		return err
	}
	b.feed.Follow(b.synchroniser)
	// More workers than processors: their shares of the log are uneven.
	const catchUpWorkers = 4
	if err := b.synchroniser.CatchUp(ctx, b.store, b.view, catchUpWorkers*runtime.GOMAXPROCS(0), b.settings.progress); err != nil {
		return err
	}
	if search != nil {
		b.search = search
		b.forwarding.Store(search.forwarder)
		if err := search.catchUp(ctx, b.store, b.settings.progress); err != nil {
			return err
		}
	}
	return b.openReader()
}

// onChange forwards what changes in the view, once something follows it: until
// then it catches up, and what follows it will too.
func (b *backends) onChange(changed []memview.Entity) {
	if f := b.forwarding.Load(); f != nil {
		f.Changed(changed)
	}
}

// parkReason names why a stream cannot be applied.
func parkReason(err error) string {
	if errors.Is(err, domain.ErrUnknownEvent) {
		return "unknown_event"
	}
	return "refused"
}

// load loads the snapshots, both at once.
func (b *backends) load(search *searcher) error {
	var group errgroup.Group
	indexed := true
	group.Go(func() error {
		position, found, err := b.view.Load(b.data.snapshots())
		if found {
			b.snapshotted = position
		}
		return errors.Join(err, b.reaches(position))
	})
	if search != nil {
		group.Go(func() (err error) {
			indexed, err = search.index.Load(b.data.snapshots(), func(file string, reason error) {
				b.settings.log.Warn("snapshot passed over", "file", file, "reason", reason)
			})
			return errors.Join(err, b.reaches(search.index.Applied()))
		})
	}
	err := group.Wait()
	if !indexed {
		b.snapshotted = 0 // the index has none
	}
	return err
}

// reaches makes sure that the log has all that a snapshot was made from.
func (b *backends) reaches(position uint64) error {
	if end := b.store.End(); position > end {
		return fmt.Errorf("the log ends at %d, but a snapshot rests on %d: acknowledged data is missing", end, position)
	}
	return nil
}

func (b *backends) openReader() error {
	waiter, err := b.synchroniser.Waiter(b.view)
	if err != nil {
		return err
	}
	config := queries.Config{Streams: b.streams, View: b.view, Waiter: waiter, ClaimSecret: b.directory.Secret}
	if b.search != nil {
		config.Search, config.SearchWaiter = b.search, b.search.forwarder
	}
	if tracer := b.tracer(); tracer != nil {
		config.Tracer, config.Waiter = tracer, &tracedWaiter{waiter, b.view.Name(), tracer}
		if b.search != nil {
			config.SearchWaiter = &tracedWaiter{b.search.forwarder, "memsearch", tracer}
		}
	}
	b.reader, err = queries.NewReader(config)
	return err
}

// tracer makes the spans of what is put together here, nil where none are wanted.
func (b *backends) tracer() trace.Tracer {
	if b.settings.tracing == nil {
		return nil
	}
	return b.settings.tracing.Tracer("github.com/seed5b6a70b4/identity")
}

// run does what is not part of any request, until ctx ends.
func (b *backends) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return b.store.Run(ctx) })
	group.Go(func() error { return b.synchroniser.Run(ctx) })
	group.Go(func() error { return b.snapshotRegularly(ctx) })
	group.Go(func() error { return b.runViews(ctx) })
	return group.Wait()
}

// runViews carries on what changes in the view, until ctx ends.
func (b *backends) runViews(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return b.view.Run(running) })
	if b.search != nil {
		group.Go(func() error { return b.search.forwarder.Run(running) })
		group.Go(func() error { return b.search.index.Run(running) })
	}
	if err := group.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

func (b *backends) close() error {
	if b.store == nil {
		return nil
	}
	return b.store.Close()
}
