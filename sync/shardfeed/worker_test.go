package shardfeed_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// planted are faults that the simulation must find.
type planted struct {
	noParents  bool // parents are not looked at
	latest     bool // children are read from their latest record
	unfenced   bool // leases are written whatever they are
	tooEarly   bool // batches are acknowledged before they are handled
	silentLoss bool // losses are not told
}

// worker is a process that reads the world, and the world as it sees it.
type worker struct {
	*world
	name   string
	skew   time.Duration // of its clock
	cancel context.CancelFunc
	done   chan error
	dead   bool      // as if it had been killed
	paused time.Time // until when it stands still
	unable time.Time // until when it cannot write leases

	metrics *prometheus.Registry
	calls   map[string]int
}

var errDead = errors.New("the process is dead")

func (w *world) start(plant planted) {
	w.started++
	ctx, cancel := context.WithCancel(context.Background())
	one := &worker{
		world: w, name: "worker-" + strconv.Itoa(w.started), cancel: cancel, done: make(chan error, 1),
		skew:    time.Duration(w.random.IntN(240)-120) * time.Second,
		metrics: prometheus.NewRegistry(), calls: map[string]int{},
	}
	w.workers, w.planted = append(w.workers, one), plant
	feed, err := shardfeed.New(simSource{one}, simLeases{one}, one.handle, &shardfeed.Options{
		Worker: one.name, OnLoss: one.onLoss, Metrics: one.metrics, Now: func() time.Time { return time.Now().Add(one.skew) },
	})
	if err != nil {
		panic(err)
	}
	go func() { one.done <- feed.Run(ctx) }()
}

// enter passes the time that a call takes.
func (one *worker) enter(ctx context.Context) error {
	err := one.delay(ctx)
	one.mu.Lock()
	pause := time.Until(one.paused)
	one.mu.Unlock()
	if pause > 0 {
		err = errors.Join(err, sleep(ctx, pause))
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.dead {
		return errDead
	}
	return err
}

func (one *worker) handle(ctx context.Context, positions []eventstream.Position) error {
	one.mu.Lock()
	tooEarly := one.planted.tooEarly
	one.mu.Unlock()
	if tooEarly {
		go one.handleNow(context.Background(), positions)
		return nil
	}
	return one.handleNow(ctx, positions)
}

func (one *worker) handleNow(ctx context.Context, positions []eventstream.Position) error {
	if err := one.enter(ctx); err != nil {
		return err
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	if time.Now().Before(one.refusing) {
		return errors.New("refused")
	}
	for _, p := range positions {
		one.records[p].handled = true
	}
	return nil
}

func (one *worker) onLoss(ctx context.Context, since time.Time) error {
	if err := one.enter(ctx); err != nil {
		return err
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	if !one.planted.silentLoss {
		one.alarms = append(one.alarms, alarm{since, time.Now()})
	}
	return nil
}

// simSource is the source as a worker reaches it.
type simSource struct{ *worker }

func (s simSource) reach(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case time.Now().Before(s.away):
		return errors.New("the source is away")
	case !s.calm && s.random.IntN(30) == 0:
		return shardfeed.ErrThrottled
	}
	return nil
}

func (s simSource) Shards(ctx context.Context) (shardfeed.Listing, error) {
	if err := s.reach(ctx); err != nil {
		return shardfeed.Listing{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.unlistable) {
		return shardfeed.Listing{}, errors.New("shards cannot be listed")
	}
	listing, asOf := shardfeed.Listing{Retention: retention}, time.Now()
	if !s.calm && s.random.IntN(2) == 0 { // what is listed may be old
		asOf = asOf.Add(-time.Duration(s.random.IntN(5000)) * time.Millisecond)
	}
	for _, shard := range s.shards {
		if !shard.listed() || shard.born.After(asOf) || s.hidden && time.Now().Before(s.denied) {
			continue
		}
		described := shardfeed.Shard{ID: shard.id, Parents: shard.parents, Closed: !shard.closed.IsZero() && !shard.closed.After(asOf)}
		if s.planted.noParents {
			described.Parents = nil
		}
		listing.Shards = append(listing.Shards, described)
	}
	return listing, nil
}

func (s simSource) Open(ctx context.Context, id, after string) (string, error) {
	if err := s.reach(ctx); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	shard := s.shard(id)
	if shard == nil || time.Now().Before(s.denied) || !s.calm && s.random.IntN(20) == 0 {
		return "", shardfeed.ErrGone
	}
	index, horizon := 0, shard.horizon()
	if after != "" {
		known := false
		if index, known = shard.after(after); !known {
			s.fault("%s was opened after a number that it does not have", id)
		}
		if s.dynamo && index <= horizon && horizon > 0 {
			return "", shardfeed.ErrTrimmed
		}
	}
	if after == "" && s.planted.latest && len(shard.parents) > 0 {
		index = len(shard.records)
	}
	return iterator(id, max(index, horizon)), nil
}

func iterator(id string, index int) string {
	return fmt.Sprintf("%s|%d|%d", id, index, time.Now().Unix())
}

func (s simSource) Read(ctx context.Context, from string) (shardfeed.Page, error) {
	if err := s.reach(ctx); err != nil {
		return shardfeed.Page{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls["read"]++
	parts := strings.Split(from, "|")
	index, _ := strconv.Atoi(parts[1])
	issued, _ := strconv.ParseInt(parts[2], 10, 64)
	shard := s.shard(parts[0])
	switch {
	case time.Since(time.Unix(issued, 0)) > iteratorLife:
		return shardfeed.Page{}, shardfeed.ErrExpired
	case shard == nil:
		return shardfeed.Page{}, shardfeed.ErrGone
	case index < shard.horizon() && s.dynamo:
		return shardfeed.Page{}, shardfeed.ErrTrimmed
	case !s.mayRead(shard):
		s.fault("%s is read before its parents were", shard.id)
	}
	return s.page(shard, max(index, shard.horizon())), nil
}

func (s simSource) page(shard *shard, index int) shardfeed.Page {
	var page shardfeed.Page
	end := min(index+pageSize, len(shard.records))
	if s.dynamo && s.random.IntN(5) == 0 {
		end = index // a page may be empty though there are records
	}
	for _, r := range shard.records[index:end] {
		page.Positions, page.Last = append(page.Positions, r.position), r.number
		if s.dynamo {
			page.Until = r.written.Add(-time.Minute)
		}
	}
	if end < len(shard.records) {
		page.More, page.Behind = !s.dynamo || end > index, time.Since(shard.records[end].written)
	}
	if end < len(shard.records) || shard.closed.IsZero() {
		page.Next = iterator(shard.id, end)
	}
	if !s.dynamo && page.Next != "" {
		page.Until = time.Now().Add(s.skew - page.Behind)
	}
	return page
}

// simLeases are the leases as a worker reaches them.
type simLeases struct{ *worker }

func (l simLeases) List(ctx context.Context) ([]shardfeed.Lease, error) {
	if err := l.enter(ctx); err != nil {
		return nil, err
	}
	return l.leases.List(ctx)
}

func (l simLeases) Create(ctx context.Context, lease shardfeed.Lease) (shardfeed.Lease, error) {
	if err := l.enter(ctx); err != nil {
		return shardfeed.Lease{}, err
	}
	return l.leases.Create(ctx, lease)
}

// Update may fail without being made, though it was made, and before it is made.
func (l simLeases) Update(ctx context.Context, was, next shardfeed.Lease) (shardfeed.Lease, error) {
	err := l.enter(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls["update"]++
	switch {
	case errors.Is(err, errDead):
		return shardfeed.Lease{}, err
	case time.Now().Before(l.unable):
		return shardfeed.Lease{}, errors.New("leases cannot be written")
	case err != nil:
		switch l.random.IntN(3) {
		case 0:
			l.put(was, next)
		case 1:
			time.AfterFunc(time.Duration(l.random.IntN(20_000))*time.Millisecond, func() {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.put(was, next)
			})
		}
		return shardfeed.Lease{}, err
	}
	stored, err := l.put(was, next)
	if !l.calm && l.random.IntN(40) == 0 {
		return shardfeed.Lease{}, errors.New("the reply was lost")
	}
	return stored, err
}

func (l simLeases) put(was, next shardfeed.Lease) (shardfeed.Lease, error) {
	all, _ := l.leases.List(context.Background())
	i := slices.IndexFunc(all, func(lease shardfeed.Lease) bool { return lease.Shard == was.Shard })
	if l.planted.unfenced && i >= 0 {
		was = all[i]
	}
	stored, err := l.leases.Update(context.Background(), was, next)
	if err == nil {
		l.inspect(&all[i], &stored)
	}
	return stored, err
}

func (l simLeases) Delete(ctx context.Context, was shardfeed.Lease) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shard(was.Shard) != nil {
		l.fault("%s is forgotten and still there", was.Shard)
	}
	return l.leases.Delete(ctx, was)
}
