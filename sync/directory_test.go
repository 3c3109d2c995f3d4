package querysync_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

var (
	ada, bob    = eventstream.UserStream(uuid.UUID{1}), eventstream.UserStream(uuid.UUID{2})
	users       = eventstream.UsersStream(0)
	errBroken   = fmt.Errorf("broken by the test: %w", eventstream.ErrUnavailable)
	unknown     = []byte(`[{"type":"SetShoeSize","v":1,"data":{}}]`)
	errNotKnown = errors.New("not known to this build")
)

// directory is a store that counts what is read of it, and can be made to fail.
type directory struct {
	*memstore.Store
	t       *testing.T
	streams *eventstream.Streams
	told    [][]eventstream.Commit
	observe eventstream.Observer
	reads   atomic.Int64
	failing atomic.Bool
}

func newDirectory(t *testing.T) *directory {
	d := &directory{t: t}
	d.Store = memstore.New(&memstore.Options{Observe: func(transactions [][]eventstream.Commit) {
		d.told = append(d.told, transactions...)
		if d.observe != nil {
			d.observe(transactions)
		}
	}})
	d.streams = eventstream.New(d, nil)
	return d
}

func (d *directory) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	d.reads.Add(1)
	if d.failing.Load() {
		return func(yield func(eventstream.Commit, error) bool) { yield(eventstream.Commit{}, errBroken) }
	}
	return d.Store.Read(ctx, stream, after)
}

func (d *directory) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	if d.failing.Load() {
		return eventstream.Commit{}, errBroken
	}
	return d.Store.Last(ctx, stream)
}

// write appends one commit to each stream, in one transaction: an event that any
// user may have, unless data says otherwise.
func (d *directory) write(streams ...eventstream.StreamID) {
	d.t.Helper()
	data, err := domain.EncodeEvents([]domain.Event{domain.SetActive{Active: true}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.writeData(data, streams...)
}

// writeUnknown appends a commit that no view can apply.
func (d *directory) writeUnknown(streams ...eventstream.StreamID) {
	d.t.Helper()
	d.writeData(unknown, streams...)
}

func (d *directory) writeData(data []byte, streams ...eventstream.StreamID) {
	d.t.Helper()
	tx := eventstream.Transaction{Command: uuid.New(), Actor: "test"}
	for _, stream := range streams {
		last, err := d.Last(d.t.Context(), stream)
		if err != nil {
			d.t.Fatal(err)
		}
		tx.Entries = append(tx.Entries, eventstream.Entry{Stream: stream, Expect: eventstream.Exactly(last.Seq), Data: data})
	}
	if _, err := d.streams.Append(d.t.Context(), tx); err != nil {
		d.t.Fatal(err)
	}
}

// unnumbered is what a feed tells that knows no log.
func unnumbered(transaction []eventstream.Commit) [][]eventstream.Commit {
	var copied []eventstream.Commit
	for _, commit := range transaction {
		commit.Log = 0
		copied = append(copied, commit)
	}
	return [][]eventstream.Commit{copied}
}

func follow(t *testing.T, d *directory, options *querysync.Options, views ...querysync.View) *querysync.Synchroniser {
	t.Helper()
	s, err := querysync.New(d.streams, views, options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// unplaced hides from a view that it knows positions.
type unplaced struct{ querysync.View }

func row(t *testing.T, view querysync.View, stream eventstream.StreamID, want eventstream.Seq) {
	t.Helper()
	if got, err := view.Seq(t.Context(), stream); err != nil || got != want {
		t.Errorf("the row of %s is at %d, %v, not %d", stream, got, err, want)
	}
}

func applied(t *testing.T, view *feedtest.Model, want uint64) {
	t.Helper()
	if got := view.Applied(); got != want {
		t.Errorf("the view is at %d of the log, not %d", got, want)
	}
}

func isErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		t.Errorf("%s: %v, not: %v", what, err, want)
	}
}

func rowAtLeast(t *testing.T, view querysync.View, stream eventstream.StreamID, want eventstream.Seq) {
	t.Helper()
	if got, err := view.Seq(t.Context(), stream); err != nil || got < want {
		t.Errorf("the row of %s is at %d, %v, not at least %d", stream, got, err, want)
	}
}
