package querysync

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// forwarderMetrics measure one Forwarder.
type forwarderMetrics struct {
	pushed, failures, slowed prometheus.Counter

	waiting, lag *prometheus.Desc
}

func newForwarderMetrics(name string) forwarderMetrics {
	labels := prometheus.Labels{"to": name}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels})
	}
	return forwarderMetrics{
		pushed:   counter("identity_forward_entities_total", "Entities pushed from the view to what follows it."),
		failures: counter("identity_forward_failures_total", "Pushes that failed and were tried again."),
		slowed:   counter("identity_forward_slowed_seconds_total", "Time for which writers were made to wait."),
		waiting:  prometheus.NewDesc("identity_forward_waiting", "Entities that wait to be pushed.", nil, labels),
		lag:      prometheus.NewDesc("identity_forward_lag_positions", "Transactions by which what follows is behind its view.", nil, labels),
	}
}

func (m *forwarderMetrics) register(registerer prometheus.Registerer, state func() (waiting int, lag uint64)) error {
	return errors.Join(
		registerer.Register(m.pushed), registerer.Register(m.failures), registerer.Register(m.slowed),
		registerer.Register(&forwarderCollector{m, state}),
	)
}

func (m *forwarderMetrics) unregister(registerer prometheus.Registerer, state func() (waiting int, lag uint64)) {
	for _, collector := range []prometheus.Collector{m.pushed, m.failures, m.slowed, &forwarderCollector{m, state}} {
		registerer.Unregister(collector)
	}
}

// state tells how many entities wait, and how far behind the view that is.
func (f *Forwarder[E]) state() (waiting int, lag uint64) {
	passed := f.Applied()
	applied := f.view.Applied()
	f.mu.Lock()
	defer f.mu.Unlock()
	return int(f.issued - f.done), applied - min(applied, passed)
}

// forwarderCollector looks when it is asked.
type forwarderCollector struct {
	metrics *forwarderMetrics
	state   func() (waiting int, lag uint64)
}

// Describe implements prometheus.Collector.
func (c *forwarderCollector) Describe(to chan<- *prometheus.Desc) {
	to <- c.metrics.waiting
	to <- c.metrics.lag
}

// Collect implements prometheus.Collector.
func (c *forwarderCollector) Collect(to chan<- prometheus.Metric) {
	waiting, lag := c.state()
	to <- prometheus.MustNewConstMetric(c.metrics.waiting, prometheus.GaugeValue, float64(waiting))
	to <- prometheus.MustNewConstMetric(c.metrics.lag, prometheus.GaugeValue, float64(lag))
}
