package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memsearch"
	"github.com/seed5b6a70b4/identity/queries/memview"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/lognotices"
	"github.com/seed5b6a70b4/identity/sync/tailfeed"
)

const adminKey = "an-admin-key-for-tests-of-32-letters"

// directory is a whole directory in memory, with everything that is real.
type directory struct {
	streams  *eventstream.Streams
	of       commands.Directory
	view     *memview.View
	commands *commands.Handler
	queries  *queries.Reader
}

// wiring lets a test put something between the parts.
type wiring struct {
	store    func(eventstream.Store) eventstream.Store
	waiter   func(queries.Waiter) queries.Waiter
	noSearch bool
}

func newDirectory(t testing.TB, w wiring) *directory {
	t.Helper()
	var feed tailfeed.Feed
	var notices *lognotices.Notices
	memory := memstore.New(&memstore.Options{Observe: func(transactions [][]eventstream.Commit) {
		feed.Observe(transactions)
		if notices != nil {
			notices.Observe(transactions)
		}
	}})
	store := eventstream.Store(memory)
	if w.store != nil {
		store = w.store(memory)
	}
	d := &directory{streams: eventstream.New(store, nil)}
	var err error
	if d.of, err = commands.OpenDirectory(t.Context(), eventstream.New(memory, nil), domain.ClaimSecret{1}, 1); err != nil {
		t.Fatal(err)
	}
	var forwarder *querysync.Forwarder[memview.Entity]
	d.view = memview.New(&memview.Options{OnChange: func(changed []memview.Entity) { forwarder.Changed(changed) }})
	synchroniser, err := querysync.New(eventstream.New(memory, nil), []querysync.View{d.view}, nil)
	if err != nil {
		t.Fatal(err)
	}
	index := memsearch.New(memsearch.Options{})
	forwarder, err = querysync.NewForwarder(synchroniser, d.view, querysync.ForwarderOptions[memview.Entity]{
		Name: "search", Push: d.pushTo(index), Touches: touches,
	})
	if err != nil {
		t.Fatal(err)
	}
	feed.Follow(synchroniser)
	if err := synchroniser.CatchUp(t.Context(), memory, d.view, 1, nil); err != nil {
		t.Fatal(err)
	}
	if err := forwarder.CatchUp(t.Context(), memory, 0, nil); err != nil {
		t.Fatal(err)
	}
	runUntilEnd(t, forwarder.Run, index.Run, d.view.Run)

	notices = lognotices.New(memory, d.view.Applied)
	d.commands = commands.New(d.streams, d.of, nil)
	waiter, err := synchroniser.Waiter(d.view)
	if err != nil {
		t.Fatal(err)
	}
	config := queries.Config{Streams: d.streams, View: d.view, Waiter: waiter, Notices: notices, ClaimSecret: d.of.Secret}
	if w.waiter != nil {
		config.Waiter = w.waiter(waiter)
	}
	if !w.noSearch {
		config.Search, config.SearchWaiter = forwarded{index, forwarder}, forwarder
	}
	if d.queries, err = queries.NewReader(config); err != nil {
		t.Fatal(err)
	}
	return d
}

// forwarded is the index with the position of what fills it.
type forwarded struct {
	*memsearch.Index
	forwarder *querysync.Forwarder[memview.Entity]
}

// Position implements queries.Search.
func (f forwarded) Position(ctx context.Context) (eventstream.Token, error) {
	f.SetApplied(f.forwarder.Applied())
	return f.Index.Position(ctx)
}

func (d *directory) pushTo(index *memsearch.Index) func(context.Context, []memview.Entity) error {
	return func(ctx context.Context, changed []memview.Entity) error {
		documents := make([]queries.Document, 0, len(changed))
		for _, entity := range changed {
			document, err := d.view.Document(ctx, entity.Kind, entity.ID)
			if err != nil {
				return err
			}
			if document.Revision > 0 {
				documents = append(documents, document)
			}
		}
		return index.Put(ctx, documents)
	}
}

func touches(_ context.Context, stream eventstream.StreamID) ([]memview.Entity, error) {
	ids := stream.UUIDs()
	switch stream.Kind() {
	case eventstream.UserKind:
		return []memview.Entity{{Kind: domain.UserMember, ID: ids[0]}}, nil
	case eventstream.GroupKind:
		return []memview.Entity{{Kind: domain.GroupMember, ID: ids[0]}}, nil
	case eventstream.MemberKind:
		return []memview.Entity{{Kind: domain.UserMember, ID: ids[1]}, {Kind: domain.GroupMember, ID: ids[1]}}, nil
	}
	return nil, nil
}

func runUntilEnd(t testing.TB, runs ...func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range runs {
		group.Go(func() error { return run(ctx) })
	}
	t.Cleanup(func() {
		cancel()
		if err := group.Wait(); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
}

// handler makes the HTTP handler of the directory; change may alter its config.
func (d *directory) handler(t testing.TB, change func(*httpapi.Config)) http.Handler {
	t.Helper()
	config := httpapi.Config{
		Commands: d.commands, Queries: d.queries, Epoch: d.of.Epoch,
		Parking: parkingLot{}, AdminKeys: []httpapi.KeyHash{httpapi.HashKey("another-admin-key-of-32-letters-xx"), httpapi.HashKey(adminKey)},
	}
	if change != nil {
		change(&config)
	}
	handler, err := httpapi.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// serve serves the handler as in production.
func serve(t testing.TB, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config = httpapi.NewServer(handler, nil)
	server.Start()
	t.Cleanup(server.Close)
	return server
}
