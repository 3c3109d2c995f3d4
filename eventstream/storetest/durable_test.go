package storetest_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/eventstream/storetest"
)

// disk keeps commits between the sessions of a store, as long as the test runs.
type disk struct {
	*memstore.Store
	mu      sync.Mutex
	options storetest.Options
}

func newDisk() *disk {
	d := &disk{}
	d.Store = memstore.New(&memstore.Options{
		Now: func() time.Time {
			if now := d.given().Now; now != nil {
				return now()
			}
			return time.Now()
		},
		Observe: func(transactions [][]eventstream.Commit) {
			if observe := d.given().Observe; observe != nil {
				observe(transactions)
			}
		},
	})
	return d
}

func (d *disk) given() storetest.Options {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.options
}

// session is a disk while it is open: a store of all features. Its open function
// says what a call finds after it was closed.
type session struct {
	*disk
	mu      sync.Mutex
	closed  bool
	appends sync.WaitGroup
}

func open(d *disk, options storetest.Options) *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.options = options
	return &session{disk: d}
}

func (s *session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *session) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.appends.Add(1)
	}
	return !s.closed
}

func (s *session) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	if !s.begin() {
		return nil, eventstream.ErrClosed
	}
	defer s.appends.Done()
	return s.disk.Append(ctx, tx)
}

func (s *session) Enqueue(ctx context.Context, tx eventstream.Transaction) (eventstream.Appending, error) {
	commits, err := s.Append(ctx, tx)
	var conflict *eventstream.ConflictError
	if err != nil && !errors.As(err, &conflict) {
		return nil, err
	}
	return waiting(func(context.Context) ([]eventstream.Commit, error) { return commits, err }), nil
}

// waiting is an append that was begun.
type waiting func(context.Context) ([]eventstream.Commit, error)

func (w waiting) Wait(ctx context.Context) ([]eventstream.Commit, error) { return w(ctx) }

func (s *session) Import(ctx context.Context, transactions [][]eventstream.Commit) (int, error) {
	if !s.begin() {
		return 0, eventstream.ErrClosed
	}
	defer s.appends.Done()
	return s.disk.Import(ctx, transactions)
}

func (s *session) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	return whileOpen(s, s.disk.Read(ctx, stream, after))
}

func (s *session) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	if s.isClosed() {
		return eventstream.Commit{}, eventstream.ErrClosed
	}
	return s.disk.Last(ctx, stream)
}

func (s *session) Head(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	last, err := s.Last(ctx, stream)
	return last.Seq, err
}

func (s *session) Recent(ctx context.Context, since time.Time) iter.Seq2[eventstream.Position, error] {
	return whileOpen(s, s.disk.Recent(ctx, since))
}

func (s *session) Tail(ctx context.Context, after uint64) iter.Seq2[[]eventstream.Commit, error] {
	return whileOpen(s, s.disk.Tail(ctx, after))
}

func (s *session) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.appends.Wait()
	return nil
}

func whileOpen[T any](s *session, sequence iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if s.isClosed() {
			var none T
			yield(none, eventstream.ErrClosed)
			return
		}
		sequence(yield)
	}
}

// harness makes stores of all features, after break has done to each what it
// will.
func harness(broken sabotage) storetest.Harness {
	return storetest.Harness{
		Name: "saboteur",
		New: func(_ *testing.T, options storetest.Options) eventstream.Store {
			return broken.open(newDisk(), options)
		},
		Reopen: func(t *testing.T, store eventstream.Store, options storetest.Options) eventstream.Store {
			s := store.(*saboteur)
			if err := s.session.Close(); err != nil {
				t.Fatal(err)
			}
			return broken.reopen(s.session.disk, options)
		},
	}
}
