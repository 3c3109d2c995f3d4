package main

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
)

// storeMetrics measure the log and the commands that write to it. The other
// packages register their own.
type storeMetrics struct {
	commits, transactions, bytes, conflicts prometheus.Counter
	retries, refused                        *prometheus.CounterVec
	batch, sync, write                      prometheus.Histogram
	free                                    prometheus.Gauge
	commands                                *prometheus.HistogramVec
}

// newStoreMetrics registers its metrics and those of Go and of the process.
func newStoreMetrics(to prometheus.Registerer) *storeMetrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	seconds := []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	m := &storeMetrics{
		commits:      counter("identity_store_commits_total", "Commits written."),
		transactions: counter("identity_store_transactions_total", "Transactions written."),
		bytes:        counter("identity_store_written_bytes_total", "Bytes written to the log."),
		conflicts:    counter("identity_store_conflicts_total", "Appends that found another one was first."),
		retries:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "identity_store_retries_total", Help: "Decisions made again, by cause."}, []string{"cause"}),
		refused:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "identity_store_failed_appends_total", Help: "Appends that wrote nothing, by cause."}, []string{"cause"}),
		batch:        histogram("identity_store_batch_transactions", "Transactions made durable by one sync.", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}),
		sync:         histogram("identity_store_sync_seconds", "How long one sync of the log took.", seconds),
		write:        histogram("identity_store_batch_seconds", "How long it took to write and sync a batch.", seconds),
		free:         prometheus.NewGauge(prometheus.GaugeOpts{Name: "identity_store_disk_free_bytes", Help: "Free space on the log's disk, before the last batch."}),
		commands: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "identity_command_seconds", Help: "How long commands took, by name and outcome.", Buckets: seconds,
		}, []string{"command", "outcome"}),
	}
	to.MustRegister(m.commits, m.transactions, m.bytes, m.conflicts, m.retries, m.refused, m.batch, m.sync, m.write, m.free, m.commands,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *storeMetrics) onBatch(b logstore.Batch) {
	m.commits.Add(float64(b.Commits))
	m.transactions.Add(float64(b.Transactions))
	m.bytes.Add(float64(b.Bytes))
	m.batch.Observe(float64(b.Transactions))
	m.sync.Observe(b.Sync.Seconds())
	m.write.Observe(b.Write.Seconds())
	m.free.Set(float64(b.Free))
}

func (m *storeMetrics) onAppend(_ int, err error) {
	if errors.Is(err, eventstream.ErrConflict) {
		m.conflicts.Inc()
	}
	if err != nil {
		m.refused.WithLabelValues(cause(err)).Inc()
	}
}

func (m *storeMetrics) onRetry(err error) { m.retries.WithLabelValues(cause(err)).Inc() }

func (m *storeMetrics) onCommand(name string, outcome commands.Outcome, took time.Duration) {
	m.commands.WithLabelValues(name, string(outcome)).Observe(took.Seconds())
}

// cause names why an append wrote nothing, in a word.
func cause(err error) string {
	for _, known := range []struct {
		err  error
		name string
	}{
		{eventstream.ErrConflict, "conflict"},
		{eventstream.ErrThrottled, "throttled"},
		{eventstream.ErrUnknownOutcome, "unknown_outcome"},
		{eventstream.ErrUnavailable, "unavailable"},
		{eventstream.ErrTooLarge, "too_large"},
		{eventstream.ErrInvalid, "invalid"},
	} {
		if errors.Is(err, known.err) {
			return known.name
		}
	}
	return "other"
}
