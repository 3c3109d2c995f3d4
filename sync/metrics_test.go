package querysync_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

// gathered gives the values of all counters and gauges, by name and labels.
func gathered(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.Metric {
			var labels []string
			for _, label := range metric.Label {
				labels = append(labels, label.GetValue())
			}
			name := fmt.Sprintf("%s{%s}", strings.TrimPrefix(family.GetName(), "identity_"), strings.Join(labels, ","))
			values[name] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return values
}

func wantValues(t *testing.T, registry *prometheus.Registry, want map[string]float64) {
	t.Helper()
	got := gathered(t, registry)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, not %v", name, got[name], value)
		}
	}
}

func TestWhatIsMeasured(t *testing.T) {
	d, view := newDirectory(t), &feedtest.Model{}
	registry := prometheus.NewRegistry()
	later := time.Now().Add(time.Hour)
	s := follow(t, d, &querysync.Options{Metrics: registry, Now: func() time.Time { return later }}, view)
	d.write(ada)
	d.write(ada)
	wantValues(t, registry, map[string]float64{"view_lag_positions{model}": 2})
	if seconds := gathered(t, registry)["view_lag_seconds{model}"]; seconds < 3590 || seconds > 3601 {
		t.Errorf("the lag is %v seconds", seconds)
	}
	if lags := s.Lags(); len(lags) != 1 || lags[0].View != "model" || lags[0].Positions != 2 {
		t.Errorf("lags: %v", lags)
	}
	d.observe = s.Observe
	d.write(ada)
	d.writeUnknown(bob)
	broken, cancel := context.WithCancel(t.Context())
	cancel()
	d.failing.Store(true)
	for _, err := range []error{
		s.Ensure(t.Context(), view, ada, 3),
		s.Ensure(t.Context(), view, bob, 1),
		s.Ensure(t.Context(), view, eventstream.LogStream, 9),
		s.Ensure(broken, view, eventstream.GroupStream(ada.UUIDs()[0]), 9),
	} {
		_ = err // what it is, others test
	}
	wantValues(t, registry, map[string]float64{
		"view_lag_positions{model}":                       0,
		"view_lag_seconds{model}":                         0,
		"view_applied_commits_total{model}":               3,
		"view_healed_commits_total{model}":                2,
		"view_parked_streams{model}":                      1,
		"view_forced_waits_total{already,model}":          1,
		"view_forced_waits_total{parked,model}":           1,
		"view_forced_waits_total{unknown_position,model}": 1,
		"view_forced_waits_total{behind,model}":           1,
		"view_forced_waits_total{reached,model}":          0,
	})
	if _, err := querysync.New(d.streams, nil, &querysync.Options{Metrics: registry}); err == nil {
		t.Error("the same metrics were registered twice")
	}
}
