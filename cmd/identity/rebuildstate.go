package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// Generations implements httpapi.Views.
func (r *rebuilder) Generations(context.Context) (httpapi.Generations, error) {
	r.mu.Lock()
	building, kept, last := r.building, r.kept, r.last
	r.mu.Unlock()
	now, end := r.b.answering.Load(), r.b.store.End()
	all := httpapi.Generations{Views: []httpapi.GenerationView{{View: httpapi.RowsView}}}
	if now.search != nil {
		all.Views = append(all.Views, httpapi.GenerationView{View: httpapi.SearchView})
	}
	add := func(g *generation, state string) {
		if g == nil {
			return
		}
		if state == httpapi.Answering || g.rows != now.rows {
			all.Views[0].Add(g.rows.number, g.rows.view.Name(), state, g.rows.view.Applied(), end)
		}
		if s := g.search; s != nil && (state == httpapi.Answering || s != now.search) {
			all.Views[1].Add(s.number, s.name, state, s.forwarder.Applied(), end)
		}
	}
	add(now, httpapi.Answering)
	add(building, httpapi.Building)
	add(kept, httpapi.Kept)
	if last != nil {
		state := last.now()
		all.Rebuild = &state
	}
	return all, nil
}

// rebuildCollector looks, when it is asked, which generations there are and how a
// rebuild does.
type rebuildCollector struct{ r *rebuilder }

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
	if c.r.b.answering.Load() == nil {
		return
	}
	all, _ := c.r.Generations(context.Background())
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
