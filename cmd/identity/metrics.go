package main

import (
	"errors"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore"
)

// storeMetrics measure appends and the commands that make them. The other packages
// register their own.
type storeMetrics struct {
	commits, transactions, conflicts prometheus.Counter
	retries, refused                 *prometheus.CounterVec
	commands                         *prometheus.HistogramVec
}

var shortTimes = []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}

func newCounter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

// newStoreMetrics registers its metrics and those of Go and of the process.
func newStoreMetrics(to prometheus.Registerer) *storeMetrics {
	m := &storeMetrics{
		commits:      newCounter("identity_store_commits_total", "Commits written."),
		transactions: newCounter("identity_store_transactions_total", "Transactions written."),
		conflicts:    newCounter("identity_store_conflicts_total", "Appends that found another one was first."),
		retries:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "identity_store_retries_total", Help: "Decisions made again, by cause."}, []string{"cause"}),
		refused:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "identity_store_failed_appends_total", Help: "Appends that wrote nothing, by cause."}, []string{"cause"}),
		commands: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "identity_command_seconds", Help: "How long commands took, by name and outcome.", Buckets: shortTimes,
		}, []string{"command", "outcome"}),
	}
	to.MustRegister(m.commits, m.transactions, m.conflicts, m.retries, m.refused, m.commands,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// logMetrics measure the log of the embedded store.
type logMetrics struct {
	bytes              prometheus.Counter
	batch, sync, write prometheus.Histogram
}

// newLogMetrics asks how much room the disk has whenever the metrics are read: it may
// fill up, and get empty, while nothing is written.
func newLogMetrics(to prometheus.Registerer, diskFree func() (uint64, error)) *logMetrics {
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	m := &logMetrics{
		bytes: newCounter("identity_store_written_bytes_total", "Bytes written to the log."),
		batch: histogram("identity_store_batch_transactions", "Transactions made durable by one sync.", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}),
		sync:  histogram("identity_store_sync_seconds", "How long one sync of the log took.", shortTimes),
		write: histogram("identity_store_batch_seconds", "How long it took to write and sync a batch.", shortTimes),
	}
	free := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "identity_store_disk_free_bytes", Help: "Free space on the log's disk."}, func() float64 {
		bytes, err := diskFree()
		if err != nil {
			return math.NaN()
		}
		return float64(bytes)
	})
	to.MustRegister(m.bytes, m.batch, m.sync, m.write, free)
	return m
}

func (m *logMetrics) onBatch(b logstore.Batch) {
	m.bytes.Add(float64(b.Bytes))
	m.batch.Observe(float64(b.Transactions))
	m.sync.Observe(b.Sync.Seconds())
	m.write.Observe(b.Write.Seconds())
}

func (m *storeMetrics) onAppend(commits int, err error) {
	switch {
	case err == nil:
		m.commits.Add(float64(commits))
		m.transactions.Inc()
		return
	case errors.Is(err, eventstream.ErrConflict):
		m.conflicts.Inc()
	}
	m.refused.WithLabelValues(cause(err)).Inc()
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
