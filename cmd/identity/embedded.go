package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memview"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/tailfeed"
)

// embedded is everything behind the service, over one data directory.
type embedded struct {
	core
	data dataDirectory
	feed tailfeed.Feed

	store        *logstore.Store
	view         *memview.View
	synchroniser *querysync.Synchroniser
	search       *searcher // nil when search is off

	forwarding atomic.Pointer[querysync.Forwarder[memview.Entity]]
	// snapshotted is the position of the last snapshot.
	snapshotted uint64
}

// openEmbedded opens the log, loads what was derived from it, and brings that to
// the log's end.
func openEmbedded(ctx context.Context, path string, s settings) (*embedded, error) {
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	b := &embedded{core: core{settings: s}}
	if s.registry != nil {
		b.metrics = newStoreMetrics(s.registry)
	}
	var err error
	if b.data, err = openDataDirectory(path); err != nil {
		return nil, err
	}
	if b.data.open() {
		s.log.Warn("others than the owner may look into the data directory", "data", b.data.path)
	}
	if err := b.open(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *embedded) open(ctx context.Context) error {
	if err := b.openStore(); err != nil {
		return err
	}
	if err := b.openDirectory(ctx); err != nil {
		return err
	}
	return b.openViews(ctx)
}

func (b *embedded) openStore() error {
	options := &logstore.Options{
		Logger: b.settings.log, Fatal: b.settings.fatal, FreeSpace: b.settings.freeSpace, Observe: b.feed.Observe,
	}
	if b.settings.registry != nil {
		options.OnBatch = newLogMetrics(b.settings.registry).onBatch
	}
	var err error
	if b.store, err = logstore.Open(b.data.log(), options); err != nil {
		return err
	}
	b.openStreams(b.store, func(tracer trace.Tracer) eventstream.Store { return &tracedLog{b.store, tracedStore{b.store, tracer}} })
	return nil
}

func (b *embedded) openDirectory(ctx context.Context) error {
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
	b.openCommands()
	return nil
}

// openViews makes the views and brings them to the end of the log.
func (b *embedded) openViews(ctx context.Context) error {
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
	return b.openQueries()
}

// onChange forwards what changes in the view, once something follows it: until
// then it catches up, and what follows it will too.
func (b *embedded) onChange(changed []memview.Entity) {
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
func (b *embedded) load(search *searcher) error {
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
func (b *embedded) reaches(position uint64) error {
	if end := b.store.End(); position > end {
		return fmt.Errorf("the log ends at %d, but a snapshot rests on %d: acknowledged data is missing", end, position)
	}
	return nil
}

func (b *embedded) openQueries() error {
	waiter, err := b.synchroniser.Waiter(b.view)
	if err != nil {
		return err
	}
	if b.search == nil {
		return b.openReader(queries.Generation{View: b.view, Waiter: b.traced(waiter, b.view.Name())})
	}
	return b.openReader(queries.Generation{View: b.view, Waiter: b.traced(waiter, b.view.Name()), Search: b.search, SearchWaiter: b.traced(b.search.forwarder, "memsearch")})
}

// run implements engine.
func (b *embedded) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return b.store.Run(ctx) })
	group.Go(func() error { return b.synchroniser.Run(ctx) })
	group.Go(func() error { return b.snapshotRegularly(ctx) })
	group.Go(func() error { return b.runViews(ctx) })
	return group.Wait()
}

// runViews carries on what changes in the view, until ctx ends.
func (b *embedded) runViews(ctx context.Context) error {
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

// adminKey implements engine: the key is made when there is none.
func (b *embedded) adminKey() (string, error) { return b.data.adminKey() }

// views implements engine.
func (b *embedded) views() httpapi.Views { return nil }

// answerable implements engine: nobody else changes what answers.
func (b *embedded) answerable() error { return nil }

// announce implements engine. A full disk is no reason not to serve what is there.
func (b *embedded) announce(url, certificate string) (takeBack func()) {
	takeBack = func() { _ = os.Remove(b.data.file(addressFile)) }
	if err := b.data.announce(url, certificate); err != nil {
		takeBack() // it may tell of an earlier process
		b.settings.log.Warn(addressFile+" was not written; other commands need --url", "error", err)
	}
	return takeBack
}

// settle implements engine.
func (b *embedded) settle(ctx context.Context) error {
	if b.search == nil {
		return nil
	}
	return b.search.forwarder.Flush(ctx)
}

func (b *embedded) close() error {
	if b.store == nil {
		return nil
	}
	return b.store.Close()
}
