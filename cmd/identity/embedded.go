package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/closure"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/lognotices"
	"github.com/seed5b6a70b4/identity/sync/tailfeed"
)

// embedded is everything behind the service, over one data directory.
type embedded struct {
	core
	data dataDirectory
	feed tailfeed.Feed

	store        *logstore.Store
	synchroniser *querysync.Synchroniser
	host         host
	rebuilder    rebuilder
	// describe makes what the index knows of somebody.
	describe describing

	// notices is nil until there is a view to follow.
	notices atomic.Pointer[lognotices.Notices]
	source  atomic.Pointer[transfer.Log]
	// observing is the closure, once there is one.
	observing atomic.Pointer[closure.Closure]
	// searchNumber is the index's generation on record, where search is off.
	searchNumber uint64
	// answering is the generation that answers; nil until the views are open.
	answering atomic.Pointer[generation]

	snapshotting sync.Mutex
	// snapshotted is the position of the last snapshot.
	snapshotted uint64
}

// openEmbedded opens the log, loads what was derived from it, and brings that to
// the log's end.
func openEmbedded(ctx context.Context, path string, s settings) (*embedded, error) {
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	b := &embedded{core: core{settings: s}, describe: standardDocument}
	if s.describe != nil {
		b.describe = *s.describe
	}
	b.rebuilder.init(b)
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
		Logger: b.settings.log, Fatal: b.settings.fatal, FreeSpace: b.settings.freeSpace, Observe: b.observe,
	}
	if b.settings.registry != nil {
		options.OnBatch = newLogMetrics(b.settings.registry, b.diskFree).onBatch
	}
	var err error
	if b.store, err = logstore.Open(b.data.log(), options); err != nil {
		return err
	}
	if err := b.data.finished(); err != nil { // it may have been begun just before
		return err
	}
	if b.data.open() {
		b.settings.log.Warn("others than the owner may look into the data directory", "data", b.data.path)
	}
	source := transfer.NewLog(b.store)
	b.events = source
	b.source.Store(source)
	b.openStreams(b.store, func(tracer trace.Tracer) eventstream.Store { return &tracedLog{b.store, tracedStore{b.store, tracer}} })
	b.openClosure()
	b.observing.Store(b.closure)
	return nil
}

// observe brings the views up to date and then wakes those who follow them.
func (b *embedded) observe(transactions [][]eventstream.Commit) {
	b.feed.Observe(transactions)
	if known := b.observing.Load(); known != nil {
		known.Observe(transactions)
	}
	if notices := b.notices.Load(); notices != nil {
		notices.Observe(transactions)
	}
	if source := b.source.Load(); source != nil {
		source.Observe(transactions)
	}
}

func (b *embedded) openDirectory(ctx context.Context) error {
	last, err := b.store.Last(ctx, eventstream.StoreStream)
	if err != nil {
		return fmt.Errorf("read the stream store: %w", err)
	}
	if err := b.unborn(ctx, last.Seq == 0); err != nil {
		return err
	}
	secret, err := b.data.claimSecret(last.Seq == 0)
	if err != nil {
		return err
	}
	b.directory, err = commands.OpenDirectory(ctx, b.streams, secret, 1)
	if errors.Is(err, commands.ErrForeignSecret) {
		err = fmt.Errorf("%s: %w: put the file back that was made with this directory, from a copy", b.data.file(claimFile), err)
	}
	if err != nil {
		return err
	}
	if err := b.beginNewLife(ctx, secret); err != nil {
		return err
	}
	if err := b.openFollowing(ctx, b.records()); err != nil {
		return err
	}
	b.openCommands()
	return nil
}

// openViews makes the views and brings them to the end of the log.
func (b *embedded) openViews(ctx context.Context) error {
	record, err := b.readRecord()
	if err != nil {
		return err
	}
	b.searchNumber = record.Search
	first := &generation{rows: b.newRows(record.Rows)}
	options := &querysync.Options{Directory: b.data.snapshots(), Logger: b.settings.log, Reason: parkReason}
	if b.settings.registry != nil {
		options.Metrics = b.settings.registry
	}
	if b.synchroniser, err = querysync.New(b.streams, []querysync.View{first.rows.view}, options); err != nil {
		return err
	}
	if !b.settings.noSearch {
		if first.search, err = b.newSearcher(first.rows, record.Search, b.measured()); err != nil {
			return err
		}
	}
	if err := b.load(first); err != nil {
		return err
	}
	b.parking = parking{b.synchroniser}
	b.feed.Follow(b.synchroniser)
	// More workers than processors: their shares of the log are uneven.
	const catchUpWorkers = 4
	if err := b.synchroniser.CatchUp(ctx, b.store, first.rows.view, catchUpWorkers*runtime.GOMAXPROCS(0), b.settings.progress); err != nil {
		return err
	}
	if first.search != nil {
		first.rows.tell(first.search.forwarder)
		if err := first.search.catchUp(ctx, b.store, b.settings.progress); err != nil {
			return err
		}
	}
	b.start(first)
	b.answering.Store(first)
	return b.openQueries(first)
}

// measured registers metrics; nil where nothing is measured.
func (b *embedded) measured() prometheus.Registerer {
	if b.settings.registry == nil {
		return nil
	}
	return b.settings.registry
}

// parkReason names why a stream cannot be applied.
func parkReason(err error) string {
	if errors.Is(err, domain.ErrUnknownEvent) {
		return "unknown_event"
	}
	return "refused"
}

// load loads the snapshots, both at once.
func (b *embedded) load(first *generation) error {
	view, search := first.rows.view, first.search
	var group errgroup.Group
	indexed := true
	group.Go(func() error {
		position, found, err := view.Load(b.data.snapshots())
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

func (b *embedded) openQueries(first *generation) error {
	answers, err := b.answers(first)
	if err != nil {
		return err
	}
	notices := lognotices.New(b.store, func() uint64 { return b.answering.Load().rows.view.Applied() })
	b.notices.Store(notices)
	return b.openReader(answers, notices)
}

// answers is a generation as a reader is given it.
func (b *embedded) answers(g *generation) (queries.Generation, error) {
	waiter, err := b.synchroniser.Waiter(g.rows.view)
	if err != nil {
		return queries.Generation{}, err
	}
	answers := queries.Generation{View: g.rows.view, Waiter: b.traced(waiter, g.rows.view.Name())}
	if g.search != nil {
		answers.Search, answers.SearchWaiter = g.search, b.traced(g.search.forwarder, g.search.name)
	}
	return b.shown(answers), nil
}

// records implements engine.
func (b *embedded) records() replicaRecords { return replicaRecordFile{b.data} }

// announceAll implements engine: the log has everything.
func (b *embedded) announceAll(context.Context) error { return nil }

// announceable implements engine.
func (b *embedded) announceable(context.Context) error { return nil }

// run implements engine.
func (b *embedded) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return b.store.Run(ctx) })
	group.Go(func() error { return b.synchroniser.Run(ctx) })
	group.Go(func() error { return b.snapshotRegularly(ctx) })
	group.Go(func() error { return b.host.run(ctx) })
	return group.Wait()
}

// adminKey implements engine: the key is made when there is none.
func (b *embedded) adminKey() (string, error) { return b.data.adminKey() }

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
	if search := b.answering.Load().search; search != nil {
		return search.forwarder.Flush(ctx)
	}
	return nil
}

func (b *embedded) close() error {
	if b.store == nil {
		return nil
	}
	return b.store.Close()
}
