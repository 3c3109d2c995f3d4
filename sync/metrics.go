package querysync

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counters of all views. What can be asked for when it is wanted
// (lag, parked streams) is a lagCollector's.
type metrics struct {
	applied *prometheus.CounterVec
	healed  *prometheus.CounterVec
	notices *prometheus.CounterVec
	phantom *prometheus.CounterVec
	waits   *prometheus.CounterVec
	waited  *prometheus.HistogramVec
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &metrics{
		applied: counter("identity_view_applied_commits_total", "Commits applied to a view.", "view"),
		healed:  counter("identity_view_healed_commits_total", "Commits that a view had missed and that were found in the log or by a sweep.", "view"),
		notices: counter("identity_view_announced_rows_total", "Rows of a view that were announced in the change feed.", "view"),
		phantom: counter("identity_view_unknown_positions_total", "Positions that a feed told of and the store does not have.", "view"),
		waits:   counter("identity_view_forced_waits_total", "Readers that demanded a position of a view, by outcome.", "view", "outcome"),
		waited: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "identity_view_forced_wait_seconds", Help: "How long readers waited for a view that was not yet there.",
			Buckets: []float64{.0001, .001, .005, .02, .1, .5, 2, 5},
		}, []string{"view"}),
	}
}

func (m *metrics) register(registerer prometheus.Registerer, s *Synchroniser) error {
	return errors.Join(
		registerer.Register(m.applied), registerer.Register(m.healed),
		registerer.Register(m.notices), registerer.Register(m.phantom),
		registerer.Register(m.waits), registerer.Register(m.waited),
		registerer.Register(&lagCollector{s}),
	)
}

// forget drops what was measured of a view.
func (m *metrics) forget(view string) {
	of := prometheus.Labels{"view": view}
	for _, counter := range []*prometheus.CounterVec{m.applied, m.healed, m.notices, m.phantom, m.waits} {
		counter.DeletePartialMatch(of)
	}
	m.waited.DeletePartialMatch(of)
}

func (m *metrics) of(view string) followerMetrics {
	outcome := func(name string) prometheus.Counter { return m.waits.WithLabelValues(view, name) }
	return followerMetrics{
		applied:   m.applied.WithLabelValues(view),
		healed:    m.healed.WithLabelValues(view),
		announced: m.notices.WithLabelValues(view),
		phantoms:  m.phantom.WithLabelValues(view),
		waits: waitMetrics{
			already: outcome("already"), reached: outcome("reached"), behind: outcome("behind"),
			parked: outcome("parked"), unknown: outcome("unknown_position"), failed: outcome("failed"),
			seconds: m.waited.WithLabelValues(view),
		},
	}
}

type followerMetrics struct {
	applied, healed, announced, phantoms prometheus.Counter
	waits                                waitMetrics
}

// waitMetrics count the readers that forced a view, by what came of it.
type waitMetrics struct {
	already, reached, behind, parked, unknown, failed prometheus.Counter
	seconds                                           prometheus.Observer
}

func (w *waitMetrics) count(err error, waited time.Duration) {
	w.seconds.Observe(waited.Seconds())
	switch {
	case err == nil:
		w.reached.Inc()
	case errors.Is(err, ErrBehind):
		w.behind.Inc()
	case errors.Is(err, ErrParked):
		w.parked.Inc()
	case errors.Is(err, ErrUnknownPosition):
		w.unknown.Inc()
	default:
		w.failed.Inc()
	}
}

// lagCollector looks, when it is asked, how far each view is behind its log.
type lagCollector struct{ s *Synchroniser }

var (
	lagPositions = prometheus.NewDesc("identity_view_lag_positions", "Transactions of the log that a view has not applied.", []string{"view"}, nil)
	lagSeconds   = prometheus.NewDesc("identity_view_lag_seconds", "Age of the oldest transaction that a view has not applied.", []string{"view"}, nil)
	parkedCount  = prometheus.NewDesc("identity_view_parked_streams", "Streams that a view cannot apply.", []string{"view"}, nil)
)

// Describe implements prometheus.Collector.
func (c *lagCollector) Describe(to chan<- *prometheus.Desc) {
	to <- lagPositions
	to <- lagSeconds
	to <- parkedCount
}

// Collect implements prometheus.Collector.
func (c *lagCollector) Collect(to chan<- prometheus.Metric) {
	for _, x := range c.s.allIndexers() {
		to <- prometheus.MustNewConstMetric(parkedCount, prometheus.GaugeValue, float64(x.parked.count.Load()), x.options.Name)
	}
	for _, f := range c.s.all() {
		name := f.view.Name()
		to <- prometheus.MustNewConstMetric(parkedCount, prometheus.GaugeValue, float64(f.parked.count.Load()), name)
		if lag, ok := f.lag(); ok {
			to <- prometheus.MustNewConstMetric(lagPositions, prometheus.GaugeValue, float64(lag.Positions), name)
			to <- prometheus.MustNewConstMetric(lagSeconds, prometheus.GaugeValue, lag.Age.Seconds(), name)
		}
	}
}

// Lag is how far a view is behind the log.
type Lag struct {
	View string
	// Positions counts transactions; Age is that of the oldest one.
	Positions uint64
	Age       time.Duration
}

// Lags tells how far each view is behind the log; views that know no positions
// are left out.
func (s *Synchroniser) Lags() []Lag {
	var lags []Lag
	for _, f := range s.all() {
		if lag, ok := f.lag(); ok {
			lags = append(lags, lag)
		}
	}
	return lags
}

func (f *follower) lag() (Lag, bool) {
	log := f.s.streams.Log()
	if f.positioned == nil || log == nil {
		return Lag{}, false
	}
	lag := Lag{View: f.view.Name()}
	applied, end := f.positioned.Applied(), log.End()
	if applied >= end {
		return lag, true
	}
	lag.Positions = end - applied
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for transaction, err := range log.Tail(ctx, applied) {
		if err == nil && len(transaction) > 0 {
			lag.Age = max(0, f.s.options.Now().Sub(transaction[0].Time))
		}
		break
	}
	return lag, true
}
