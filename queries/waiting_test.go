package queries_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries"
)

// outlasting is a waiter that is behind with all streams, when the time is up, but
// for one that it finds parked a little later than that.
type outlasting struct {
	parked eventstream.StreamID
	behind chan struct{}
}

func (w *outlasting) Ensure(ctx context.Context, stream eventstream.StreamID, _ eventstream.Seq) error {
	<-ctx.Done()
	if stream == w.parked {
		select {
		case <-w.behind:
			return eventstream.ErrParked
		case <-time.After(time.Minute):
			return errors.New("the other is not waited for at the same time")
		}
	}
	defer close(w.behind)
	return fmt.Errorf("%w: %w", eventstream.ErrBehind, ctx.Err())
}

func (*outlasting) Complete() error { return nil }

func TestWhatIsParkedIsSaidBeforeWhatIsLate(t *testing.T) {
	d := newDirectoryOn(t, func(s *memstore.Store) eventstream.Store { return struct{ eventstream.Store }{s} })
	ada := d.user("ada")
	waiter := &outlasting{parked: eventstream.UserStream(ada.User.ID.UUID), behind: make(chan struct{})}
	reader, err := queries.NewReader(queries.Config{Streams: d.streams, View: d.view, Waiter: waiter, Search: search{d}, SearchWaiter: waiter})
	if err != nil {
		t.Fatal(err)
	}
	_, err = reader.User(t.Context(), ada.User.ID, quick(at(waiter.parked, 1), at(usersShard, 1)))
	isErr(t, "user", err, eventstream.ErrParked)
}

// endless is a waiter that gets nowhere, with its own error.
type endless struct{}

func (endless) Ensure(ctx context.Context, _ eventstream.StreamID, _ eventstream.Seq) error {
	<-ctx.Done()
	return fmt.Errorf("%w: %w", eventstream.ErrBehind, ctx.Err())
}

func (endless) Complete() error { return nil }

// More positions than are waited for at a time are behind too: some of them are only
// looked at when the time is up.
func TestManyPositionsAreBehindTogether(t *testing.T) {
	d := newDirectoryOn(t, func(s *memstore.Store) eventstream.Store { return struct{ eventstream.Store }{s} })
	ada := d.user("ada")
	reader, err := queries.NewReader(queries.Config{Streams: d.streams, View: d.view, Waiter: endless{}, Search: search{d}, SearchWaiter: endless{}})
	if err != nil {
		t.Fatal(err)
	}
	positions := []eventstream.Position{at(eventstream.NestingStream, 1)}
	for range 40 {
		positions = append(positions, at(eventstream.GroupStream(uuid.New()), 1))
	}
	_, err = reader.User(t.Context(), ada.User.ID, quick(positions...))
	isErr(t, "user", err, eventstream.ErrBehind)
}

// deadlines is a waiter that notes how long it may wait at most.
type deadlines struct{ least, pause time.Duration }

func (w *deadlines) Ensure(ctx context.Context, _ eventstream.StreamID, _ eventstream.Seq) error {
	deadline, _ := ctx.Deadline()
	w.least = time.Until(deadline)
	if w.pause > 0 {
		<-time.After(w.pause)
	}
	return nil
}

func (*deadlines) Complete() error { return nil }

func TestWaitingIsBounded(t *testing.T) {
	d := newDirectory(t)
	ada := d.user("ada").User
	waiter := &deadlines{}
	reader, err := queries.NewReader(queries.Config{Streams: d.streams, View: d.view, Waiter: waiter, Search: search{d}, SearchWaiter: waiter})
	if err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[time.Duration]time.Duration{0: 500 * time.Millisecond, time.Second: time.Second, time.Hour: 5 * time.Second} {
		fresh := queries.Freshness{AtLeast: eventstream.Token{at(usersShard, 1)}, Wait: asked}
		ask := func(what string, want time.Duration, ask func() error) {
			began := time.Now()
			isErr(t, what, ask(), nil)
			if waiter.least > want || waiter.least < want-time.Since(began) {
				t.Errorf("%s may wait %v when asked for %v", what, waiter.least, asked)
			}
		}
		ask("user", want, func() error { _, err := reader.User(t.Context(), ada.ID, fresh); return err })
		ask("users", want, func() error {
			_, err := reader.Users(t.Context(), queries.Criteria{}, queries.Listing{}, fresh)
			return err
		})
		if asked == 0 {
			want = 2 * time.Second
		}
		ask("search", want, func() error {
			_, err := reader.Users(t.Context(), queries.Criteria{Text: "ada"}, queries.Listing{}, fresh)
			return err
		})
	}
}

// Who asks is looked up before all else, so nobody gains by giving up early.
func TestTheHolderOfAKeyIsWaitedForLongest(t *testing.T) {
	d := newDirectory(t)
	key := d.do(commands.CreateKey{Label: text(t, "key"), Scopes: []domain.Scope{domain.ReadScope}}).Key
	waiter := &deadlines{}
	config := d.config
	config.Waiter, config.KeyAge = waiter, time.Second
	reader, err := queries.NewReader(config)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err = reader.Holder(t.Context(), key.ID)
	isErr(t, "holder", err, nil)
	if waiter.least > queries.MaxWait || waiter.least < queries.MaxWait-time.Since(began) {
		t.Errorf("it may wait %v", waiter.least)
	}

	owned := d.do(commands.CreateKey{Label: text(t, "own"), Scopes: []domain.Scope{domain.ReadScope}, Owner: d.user("ada").User.ID}).Key
	waiter.pause = 20 * time.Millisecond
	began = time.Now()
	_, err = reader.Holder(t.Context(), owned.ID)
	isErr(t, "holder with an owner", err, nil)
	if waiter.least > queries.MaxWait-waiter.pause || waiter.least < queries.MaxWait-time.Since(began) {
		t.Errorf("for the owner it may wait %v", waiter.least)
	}
}
