package shardfeed_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/memlease"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

const (
	retention    = 4 * time.Hour
	iteratorLife = 5 * time.Minute
	pageSize     = 7
)

// world is a stream in shards, its leases, and who reads it, in the time of a
// synctest bubble. It notes what must not be.
type world struct {
	mu      sync.Mutex // never held while time passes
	random  *rand.Rand
	dynamo  bool // it says what was trimmed, but not how far behind a reader is
	calm    bool // no more faults
	shards  []*shard
	records map[eventstream.Position]*record
	leases  memlease.Leases
	alarms  []alarm
	faults  []string

	refusing, away time.Time // until when handlers refuse, and the source is away
	unlistable     time.Time // until when shards cannot be listed
	denied         time.Time // until when the source says that there is no such shard
	hidden         bool      // and does not list any
	workers        []*worker
	started        int
	planted        planted
}

type shard struct {
	id      string
	parents []string
	born    time.Time
	closed  time.Time // zero while it is open
	records []*record
	cut     int // so many records were trimmed before their time
}

type record struct {
	position eventstream.Position
	number   string
	written  time.Time
	handled  bool
}

// alarm says that what was written between two instants is looked for otherwise.
type alarm struct{ since, at time.Time }

func newWorld(seed uint64, dynamo bool) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 1)), dynamo: dynamo, records: map[eventstream.Position]*record{}}
	for range 1 + seed%3 {
		w.add()
	}
	return w
}

func (w *world) add(parents ...string) {
	id := fmt.Sprintf("shard-%04d-%d", w.random.IntN(10000), len(w.shards))
	w.shards = append(w.shards, &shard{id: id, parents: parents, born: time.Now()})
}

// fault notes what must not be.
func (w *world) fault(format string, args ...any) {
	if fault := fmt.Sprintf(format, args...); !slices.Contains(w.faults, fault) {
		w.faults = append(w.faults, fault)
	}
}

func (w *world) open() (open []*shard) {
	for _, s := range w.shards {
		if s.closed.IsZero() {
			open = append(open, s)
		}
	}
	return open
}

// listed tells whether the source still knows a shard.
func (s *shard) listed() bool { return s.closed.IsZero() || time.Since(s.closed) < retention }

func (r *record) trimmed() bool { return time.Since(r.written) >= retention }

func (w *world) shard(id string) *shard {
	i := slices.IndexFunc(w.shards, func(s *shard) bool { return s.id == id })
	if i < 0 || !w.shards[i].listed() {
		return nil
	}
	return w.shards[i]
}

// after is the index of the record that follows a number.
func (s *shard) after(number string) (int, bool) {
	i := slices.IndexFunc(s.records, func(r *record) bool { return r.number == number })
	return i + 1, i >= 0
}

// horizon is the index of the oldest record that is kept.
func (s *shard) horizon() int {
	i := slices.IndexFunc(s.records, func(r *record) bool { return !r.trimmed() })
	if i < 0 {
		return len(s.records)
	}
	return max(i, s.cut)
}

func (w *world) write(n int) {
	for range n {
		open := w.open()
		s := open[w.random.IntN(len(open))]
		r := &record{
			position: eventstream.Position{Stream: "nesting", Seq: eventstream.Seq(len(w.records) + 1)},
			number:   fmt.Sprintf("%08x", w.random.Uint32()), written: time.Now(),
		}
		s.records = append(s.records, r)
		w.records[r.position] = r
	}
}

// split closes a shard; so many children succeed it.
func (w *world) split(children int) {
	open := w.open()
	s := open[w.random.IntN(len(open))]
	s.closed = time.Now()
	for range children {
		w.add(s.id)
	}
}

func (w *world) merge() {
	open := w.open()
	if len(open) < 2 {
		return
	}
	i := w.random.IntN(len(open) - 1)
	open[i].closed, open[i+1].closed = time.Now(), time.Now()
	w.add(open[i].id, open[i+1].id)
}

// delay lets time pass as a call takes it, and tells whether it fails.
func (w *world) delay(ctx context.Context) error {
	w.mu.Lock()
	wait, fails := time.Duration(w.random.IntN(100))*time.Millisecond, false
	if !w.calm {
		if w.random.IntN(50) == 0 {
			wait *= 200
		}
		fails = w.random.IntN(25) == 0
	}
	w.mu.Unlock()
	if err := sleep(ctx, wait); err != nil {
		return err
	}
	if fails {
		return errors.New("a fault")
	}
	return nil
}

func sleep(ctx context.Context, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

// lost are the records that nobody handled and nobody looks for.
func (w *world) lost() (lost []*record) {
	for _, r := range w.records {
		isSought := slices.ContainsFunc(w.alarms, func(a alarm) bool { return !a.since.After(r.written) && !a.at.Before(r.written) })
		if !r.handled && !isSought {
			lost = append(lost, r)
		}
	}
	return lost
}

// mayRead tells whether all parents of a shard were handled to their end or are
// gone.
func (w *world) mayRead(s *shard) bool {
	leases, _ := w.leases.List(context.Background())
	for _, parent := range s.parents {
		i := slices.IndexFunc(leases, func(l shardfeed.Lease) bool { return l.Shard == parent })
		if w.shard(parent) != nil && (i < 0 || !leases[i].Ended) {
			return false
		}
	}
	return true
}

// inspect demands that a lease goes forward only, and only over what was handled
// or is gone.
func (w *world) inspect(was, now *shardfeed.Lease) {
	i := slices.IndexFunc(w.shards, func(s *shard) bool { return s.id == now.Shard })
	s := w.shards[i]
	from, _ := s.after(was.Checkpoint)
	to, known := s.after(now.Checkpoint)
	switch {
	case now.Checkpoint != "" && !known:
		w.fault("%s: the checkpoint is of another shard", s.id)
	case to < from:
		w.fault("%s: the checkpoint went back from %d to %d", s.id, from, to)
	case was.Ended && !now.Ended:
		w.fault("%s: the shard had ended and is read again", s.id)
	case now.Ended && s.closed.IsZero():
		w.fault("%s: the shard has ended and is open", s.id)
	}
	if now.Ended {
		to = len(s.records)
	}
	for i, r := range s.records[:to] {
		if !r.handled && i >= s.horizon() && s.listed() {
			w.fault("%s: the checkpoint passed record %d, which nobody had handled", s.id, r.position.Seq)
		}
	}
}
