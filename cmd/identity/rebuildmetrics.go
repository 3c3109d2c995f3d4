package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// rebuildCollector looks, when it is asked, which generations there are and how a
// rebuild does.
type rebuildCollector struct {
	of func() (all httpapi.Generations, known bool)
}

var (
	generationNumber = prometheus.NewDesc("identity_view_generation", "Which generation of a view answers.", []string{"view"}, nil)
	rebuildDone      = prometheus.NewDesc("identity_rebuild_done_ratio", "How much of its present stage a rebuild has done; 0 while there is none.", nil, nil)
	rebuildRate      = prometheus.NewDesc("identity_rebuild_items_per_second", "Transactions folded, or documents indexed, by a rebuild; 0 while there is none.", nil, nil)
	rebuildRunning   = prometheus.NewDesc("identity_rebuild_running", "Whether a generation of the view is being built.", []string{"view"}, nil)
)

// Describe implements prometheus.Collector.
func (c *rebuildCollector) Describe(to chan<- *prometheus.Desc) {
	to <- generationNumber
	to <- rebuildDone
	to <- rebuildRate
	to <- rebuildRunning
}

// Collect implements prometheus.Collector.
func (c *rebuildCollector) Collect(to chan<- prometheus.Metric) {
	all, known := c.of()
	if !known {
		return
	}
	gauge := func(of *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(of, prometheus.GaugeValue, value, labels...)
	}
	for _, view := range all.Views {
		running := 0.0
		for _, g := range view.Generations {
			switch g.State {
			case httpapi.Answering:
				gauge(generationNumber, float64(g.Number), view.View)
			case httpapi.Building:
				running = 1
			}
		}
		gauge(rebuildRunning, running, view.View)
	}
	var done, rate float64
	if now := all.Rebuild; now != nil && now.State == httpapi.Running && now.Total > 0 {
		done, rate = float64(now.Done)/float64(now.Total), now.PerSecond
	}
	gauge(rebuildDone, done)
	gauge(rebuildRate, rate)
}
