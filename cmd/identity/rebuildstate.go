package main

import (
	"context"

	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries/closure"
)

// Generations implements httpapi.Views.
func (r *rebuilder) Generations(ctx context.Context) (httpapi.Generations, error) {
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
	groups := httpapi.GenerationView{View: httpapi.ClosureView}
	groups.Add(1, closure.Name, httpapi.Answering, uint64(r.b.closure.Seq()), uint64(r.b.closure.Seq())+r.b.closure.Behind(ctx))
	all.Views = append(all.Views, groups)
	if last != nil {
		state := last.now()
		all.Rebuild = &state
	}
	return all, nil
}

// shown is Generations for metrics; false before anything answers.
func (r *rebuilder) shown() (httpapi.Generations, bool) {
	if r.b.answering.Load() == nil {
		return httpapi.Generations{}, false
	}
	all, err := r.Generations(context.Background())
	return all, err == nil
}
