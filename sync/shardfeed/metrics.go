package shardfeed

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics measure a feed in one process.
type metrics struct {
	records, unknown, losses, takeovers, lost prometheus.Counter
	failures                                  *prometheus.CounterVec
	unowned                                   prometheus.Gauge
	held, lag                                 prometheus.Collector

	mu       sync.Mutex
	holdings map[*holding]struct{}
}

func newMetrics(feed string) *metrics {
	labels := prometheus.Labels{"feed": feed}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels})
	}
	gauge := func(name, help string) prometheus.GaugeOpts {
		return prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}
	}
	m := &metrics{
		holdings:  map[*holding]struct{}{},
		records:   counter("identity_feed_records_total", "Records that were handled."),
		unknown:   counter("identity_feed_unknown_records_total", "Records that tell of no commit, and were left."),
		losses:    counter("identity_feed_losses_total", "Times that records were gone before they were read."),
		takeovers: counter("identity_feed_takeovers_total", "Shards taken from another process, alive or dead."),
		lost:      counter("identity_feed_leases_lost_total", "Shards lost to another process."),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "identity_feed_failures_total", Help: "What went wrong and was tried again, by kind.", ConstLabels: labels,
		}, []string{"what"}),
		unowned: prometheus.NewGauge(gauge("identity_feed_unowned_shards", "Shards to be read that no living process held when this one looked last.")),
	}
	m.held = prometheus.NewGaugeFunc(gauge("identity_feed_leases_held", "Shards that this process reads."), m.countHeld)
	m.lag = prometheus.NewGaugeFunc(gauge("identity_feed_lag_seconds", "How far the shard that is behind most is behind its latest record."), m.longestLag)
	return m
}

func (m *metrics) register(registerer prometheus.Registerer) error {
	var errs []error
	for _, collector := range []prometheus.Collector{m.records, m.unknown, m.losses, m.takeovers, m.lost, m.failures, m.unowned, m.held, m.lag} {
		errs = append(errs, registerer.Register(collector))
	}
	return errors.Join(errs...)
}

func (m *metrics) failure(what string) { m.failures.WithLabelValues(what).Inc() }

func (m *metrics) hold(h *holding) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.holdings[h] = struct{}{}
}

func (m *metrics) drop(h *holding) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.holdings, h)
}

func (m *metrics) countHeld() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return float64(len(m.holdings))
}

func (m *metrics) longestLag() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var longest time.Duration
	for h := range m.holdings {
		longest = max(longest, h.lag())
	}
	return longest.Seconds()
}
