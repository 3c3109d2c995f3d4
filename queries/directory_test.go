package queries_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memsearch"
	"github.com/seed5b6a70b4/identity/queries/memview"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// directory is everything behind a Reader, on a store in memory. The index is
// behind until the test calls run, and the view is while it is deaf; but readers
// can force both.
type directory struct {
	t         testing.TB
	store     *memstore.Store
	wrapped   eventstream.Store
	streams   *eventstream.Streams
	settled   commands.Directory
	handler   *commands.Handler
	view      *memview.View
	index     *memsearch.Index
	forwarder *querysync.Forwarder[memview.Entity]
	reader    *queries.Reader
	config    queries.Config // the reader's
	clock     time.Time
	deaf      atomic.Bool
}

var secret = domain.ClaimSecret{1, 2, 3}

func newDirectory(t testing.TB) *directory {
	return newDirectoryOn(t, func(s *memstore.Store) eventstream.Store { return s })
}

func newDirectoryOn(t testing.TB, wrap func(*memstore.Store) eventstream.Store) *directory {
	t.Helper()
	d := &directory{t: t, clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	var synchroniser *querysync.Synchroniser
	d.store = memstore.New(&memstore.Options{
		Now: func() time.Time { return d.clock },
		Observe: func(transactions [][]eventstream.Commit) {
			if synchroniser != nil && !d.deaf.Load() {
				synchroniser.Observe(transactions)
			}
		},
	})
	d.wrapped = wrap(d.store)
	d.streams = eventstream.New(d.wrapped, nil)
	var err error
	if d.settled, err = commands.OpenDirectory(t.Context(), d.streams, secret, 1); err != nil {
		t.Fatal(err)
	}
	d.handler = commands.New(d.streams, d.settled, nil)
	d.view = memview.New(&memview.Options{OnChange: func(changed []memview.Entity) { d.forwarder.Changed(changed) }})
	made, err := querysync.New(d.streams, []querysync.View{d.view}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.index = memsearch.New(memsearch.Options{})
	d.forwarder, err = querysync.NewForwarder(made, d.view, querysync.ForwarderOptions[memview.Entity]{Name: "index", Push: d.push, Touches: d.touches})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(made.CatchUp(t.Context(), d.store, d.view, 1, nil), d.forwarder.CatchUp(t.Context(), d.store, 0, nil)); err != nil {
		t.Fatal(err)
	}
	synchroniser = made
	waiter, err := made.Waiter(d.view)
	if err != nil {
		t.Fatal(err)
	}
	d.config = queries.Config{
		Streams: d.streams, View: d.view, Waiter: waiter, Search: search{d}, SearchWaiter: d.forwarder, ClaimSecret: secret,
	}
	d.reader, err = queries.NewReader(d.config)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// run runs the forwarder until the test ends.
func (d *directory) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var group errgroup.Group
	group.Go(func() error { return d.forwarder.Run(ctx) })
	d.t.Cleanup(func() {
		cancel()
		if err := group.Wait(); err != nil {
			d.t.Errorf("run the forwarder: %v", err)
		}
	})
}

func (d *directory) push(ctx context.Context, entities []memview.Entity) error {
	var documents []queries.Document
	for _, entity := range entities {
		document, err := d.view.Document(ctx, entity.Kind, entity.ID)
		if err != nil {
			return err
		}
		documents = append(documents, document)
	}
	return d.index.Put(ctx, documents)
}

func (d *directory) touches(ctx context.Context, stream eventstream.StreamID) ([]memview.Entity, error) {
	ids := stream.UUIDs()
	switch stream.Kind() {
	case eventstream.UserKind:
		return []memview.Entity{{Kind: domain.UserMember, ID: ids[0]}}, nil
	case eventstream.GroupKind:
		return []memview.Entity{{Kind: domain.GroupMember, ID: ids[0]}}, nil
	case eventstream.MemberKind:
		edge, err := d.view.Membership(ctx, domain.GroupID{UUID: ids[0]}, ids[1])
		return []memview.Entity{{Kind: edge.Kind, ID: ids[1]}}, err
	}
	return nil, nil
}

// search is the index, at the forwarder's position.
type search struct{ *directory }

func (s search) Search(ctx context.Context, criteria queries.Criteria, from []byte, limit int) (queries.Found, error) {
	return s.index.Search(ctx, criteria, from, limit)
}

func (s search) Position(context.Context) (eventstream.Token, error) {
	return eventstream.Token{{Stream: eventstream.LogStream, Seq: eventstream.Seq(s.forwarder.Applied())}}, nil
}

func (d *directory) do(command commands.Command) commands.Result {
	d.t.Helper()
	result, err := d.handler.Do(d.t.Context(), commands.Request{Actor: "test", Correlation: "test"}, command)
	if err != nil {
		d.t.Fatal(err)
	}
	return result
}

// user makes a user, and answers what was written.
func (d *directory) user(username string) commands.Result {
	d.t.Helper()
	return d.do(commands.CreateUser{Username: parsed(d.t, domain.ParseUsername, username), Active: true})
}

func (d *directory) rename(id domain.UserID, username string) commands.Result {
	d.t.Helper()
	return d.do(commands.UpdateUser{ID: id, Username: commands.To(parsed(d.t, domain.ParseUsername, username))})
}

func (d *directory) group(name string) commands.Result {
	d.t.Helper()
	return d.do(commands.CreateGroup{Name: parsed(d.t, domain.ParseGroupName, name)})
}

func (d *directory) addMember(group domain.GroupID, member uuid.UUID) commands.Result {
	d.t.Helper()
	return d.do(commands.AddMember{Group: group, Member: member})
}

func parsed[V any](t testing.TB, parse func(string) (V, error), text string) V {
	t.Helper()
	value, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func text(t testing.TB, value string) domain.Text {
	t.Helper()
	return parsed(t, func(text string) (domain.Text, error) { return domain.ParseText(text, domain.MaxText) }, value)
}

func isErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		t.Errorf("%s: %v, not: %v", what, err, want)
	}
}

// refusedField demands that an error is Invalid and points at a value.
func refusedField(t *testing.T, what string, err error, pointer string) {
	t.Helper()
	var refusal *domain.Error
	if !errors.As(err, &refusal) || refusal.Kind != domain.Invalid || len(refusal.Fields) != 1 || refusal.Fields[0].Pointer != pointer {
		t.Errorf("%s: %v, which does not refuse %s", what, err, pointer)
	}
}

func shows(t *testing.T, what string, got eventstream.Token, want ...eventstream.Position) {
	t.Helper()
	wanted := eventstream.NewToken(want...)
	if !got.Covers(wanted) || !wanted.Covers(got) {
		t.Errorf("%s: %v, not %v", what, got, wanted)
	}
}

// quick is a freshness that is not waited for long.
func quick(token ...eventstream.Position) queries.Freshness {
	return queries.Freshness{AtLeast: eventstream.NewToken(token...), Wait: time.Millisecond}
}
