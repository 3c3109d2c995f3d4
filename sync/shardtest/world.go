package shardtest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// patience is how long the kit waits for what should come within seconds.
const patience = time.Minute

// ledger is what handlers were given.
type ledger struct {
	mu      sync.Mutex
	times   map[eventstream.Position]int
	changed chan struct{} // closed and made anew at each change
}

func newLedger() *ledger {
	return &ledger{times: map[eventstream.Position]int{}, changed: make(chan struct{})}
}

func (l *ledger) handle(_ context.Context, positions []eventstream.Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range positions {
		l.times[p]++
	}
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

func (l *ledger) count(p eventstream.Position) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.times[p]
}

// missing is how many of the positions were not handed over, and a channel that is
// closed at the next change.
func (l *ledger) missing(want []eventstream.Position) (missing int, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range want {
		if l.times[p] == 0 {
			missing++
		}
	}
	return missing, l.changed
}

// await waits until all positions were handed over.
func (l *ledger) await(t *testing.T, want []eventstream.Position) {
	t.Helper()
	deadline := time.After(patience)
	for {
		missing, changed := l.missing(want)
		if missing == 0 {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%d of %d positions did not come", missing, len(want))
		}
	}
}

// size is how many positions were handed over, whatever they are.
func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.times)
}

// commits makes n positions of streams of their own.
func commits(n int) []eventstream.Position {
	positions := make([]eventstream.Position, n)
	for i := range positions {
		positions[i] = eventstream.Position{Stream: eventstream.UserStream(uuid.New()), Seq: eventstream.Seq(i + 1)}
	}
	return positions
}

func write(t *testing.T, s Stream, n int) []eventstream.Position {
	t.Helper()
	positions := commits(n)
	if err := s.Write(t.Context(), positions); err != nil {
		t.Fatal(err)
	}
	return positions
}

// process is a worker as one process has it.
type process struct {
	leases  *mortal
	metrics *prometheus.Registry
	stop    func()
}

// start runs a worker until the test ends or it is stopped.
func start(t *testing.T, s Stream, handle func(context.Context, []eventstream.Position) error) *process {
	t.Helper()
	p := &process{leases: &mortal{Leases: s.Leases}, metrics: prometheus.NewRegistry()}
	feed, err := shardfeed.New(s.Source(), p.leases, handle, &shardfeed.Options{
		Name: "test", Poll: 100 * time.Millisecond, Expiry: 3 * time.Second, ListEvery: 2 * time.Second, Metrics: p.metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- feed.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error("run:", err)
		}
	})
	t.Cleanup(p.stop)
	return p
}

// kill stops the worker without a word to others.
func (p *process) kill() {
	p.leases.mu.Lock()
	p.leases.dead = true
	p.leases.mu.Unlock()
	p.stop()
}

// value is what a metric says, the sum over its labels.
func (p *process) value(t *testing.T, name string) float64 {
	t.Helper()
	families, err := p.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return sum
}

// mortal are leases as a process writes them that may be killed.
type mortal struct {
	shardfeed.Leases
	mu   sync.Mutex
	dead bool
}

func (m *mortal) Update(ctx context.Context, was, next shardfeed.Lease) (shardfeed.Lease, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return shardfeed.Lease{}, errors.New("the process is dead")
	}
	return m.Leases.Update(ctx, was, next)
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() (bool, error)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		so, err := is()
		if so {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it did not come to be that %s (%v)", what, err)
		}
		<-tick.C
	}
}
