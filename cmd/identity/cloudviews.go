package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries/closure"
	"github.com/seed5b6a70b4/identity/sync/generations"
)

// cloudViews is httpapi.Views of what several processes share: what is asked for is
// put on the roll, and whoever builds does it.
type cloudViews struct{ *cloud }

// answerable implements engine.
func (c *cloud) answerable() error { return c.followed.answerable() }

// views implements engine.
func (c *cloud) views() httpapi.Views { return cloudViews{c} }

// Rebuild implements httpapi.Views.
func (v cloudViews) Rebuild(ctx context.Context, order httpapi.RebuildOrder) error {
	views := order.Views
	for _, view := range views {
		if view != generations.Rows && view != generations.Closure && (view != generations.Search || v.index == nil) {
			return httpapi.ErrNoSuchView
		}
	}
	if v.index != nil && slices.Contains(views, generations.Rows) {
		views = append(slices.Clone(views), generations.Search) // which is made of them
	}
	return v.change(ctx, func(roll *generations.Roll) error {
		return roll.Start(generations.Build{Began: time.Now().UTC(), Force: order.Force, Rate: order.Rate}, views...)
	})
}

// Back implements httpapi.Views.
func (v cloudViews) Back(ctx context.Context) error {
	if err := v.change(ctx, (*generations.Roll).Back); err != nil {
		return err
	}
	return v.point(ctx, v.followed.known())
}

// Drop implements httpapi.Views.
func (v cloudViews) Drop(ctx context.Context) error {
	return v.change(ctx, func(roll *generations.Roll) error { return roll.Drop(time.Now().UTC()) })
}

func (v cloudViews) change(ctx context.Context, change func(*generations.Roll) error) error {
	_, err := generations.Change(ctx, v.state, change)
	switch {
	case errors.Is(err, generations.ErrBusy):
		return httpapi.ErrRebuilding
	case errors.Is(err, generations.ErrNone):
		return httpapi.ErrNothingKept
	case err != nil:
		return err
	}
	return v.followed.hear(ctx)
}

// Generations implements httpapi.Views.
func (v cloudViews) Generations(ctx context.Context) (httpapi.Generations, error) {
	err := v.followed.hear(ctx) // so that what is told is so here
	if err != nil {
		return httpapi.Generations{}, err
	}
	roll := v.followed.known()
	said := v.onRoll(roll)
	if outcome := roll.Outcome; outcome != nil {
		said.Rebuild, err = v.rebuild(ctx, roll, outcome)
	}
	return said, err
}

// onRoll tells which generations are on a roll.
func (v cloudViews) onRoll(roll *generations.Roll) httpapi.Generations {
	said := httpapi.Generations{Views: []httpapi.GenerationView{generationView(generations.Rows, "dynamoview", &roll.Rows)}}
	if v.index != nil {
		said.Views = append(said.Views, generationView(generations.Search, indexName, &roll.Search))
	}
	folded := generationView(generations.Closure, closure.Name, &roll.Closure)
	folded.Generations[0].Name, folded.Generations[0].Position = closure.Name, uint64(v.closure.Seq())
	if build := roll.Build; build != nil && build.Views[0] == generations.Closure {
		folded.Generations = append(folded.Generations, httpapi.Generation{Number: uint64(build.Number), Name: closure.Name, State: httpapi.Building})
	}
	said.Views = append(said.Views, folded)
	return said
}

// shown is what metrics tell, for which nothing is asked of the tables: how a build
// does the process tells that builds.
func (v cloudViews) shown() (httpapi.Generations, bool) {
	roll := v.followed.known()
	said := v.onRoll(roll)
	if roll.Build != nil {
		now := v.builder.now()
		said.Rebuild = &httpapi.Rebuild{State: httpapi.Running, Done: now.Done, Total: now.Total, PerSecond: now.PerSecond}
	}
	return said, true
}

func generationView(view, name string, line *generations.Line) httpapi.GenerationView {
	said := httpapi.GenerationView{View: view}
	add := func(number int, state string) {
		if number != 0 {
			said.Generations = append(said.Generations, httpapi.Generation{Number: uint64(number), Name: numbered(name, number), State: state})
		}
	}
	add(line.Answers, httpapi.Answering)
	add(line.Fills, httpapi.Building)
	add(line.Kept, httpapi.Kept)
	return said
}

// rebuild tells how the rebuild does that is under way, or was the last.
func (v cloudViews) rebuild(ctx context.Context, roll *generations.Roll, outcome *generations.Outcome) (*httpapi.Rebuild, error) {
	said := &httpapi.Rebuild{Number: outcome.ID, Views: outcome.Views, State: httpapi.Done, StartedAt: httpapi.Instant{Time: outcome.Began}}
	for _, c := range outcome.Comparisons {
		said.Comparisons = append(said.Comparisons, comparisonOf(&c))
	}
	switch {
	case roll.Build != nil:
		said.State, said.Views = httpapi.Running, slices.Concat(outcome.Views, roll.Build.Views)
		notes, err := v.state.Progress(ctx, roll.Build.ID)
		if err != nil {
			return nil, err
		}
		var now stage
		if note := notes[stagePart]; note != nil && json.Unmarshal(note, &now) == nil {
			said.Stage, said.Done, said.Total, said.PerSecond, said.SecondsLeft = now.Name, now.Done, now.Total, now.PerSecond, now.SecondsLeft
		}
		return said, nil
	case outcome.Failed != "":
		said.State, said.Reason = httpapi.Failed, outcome.Failed
	}
	said.EndedAt = &httpapi.Instant{Time: outcome.Ended}
	return said, nil
}

func comparisonOf(c *generations.Comparison) httpapi.Comparison {
	said := httpapi.Comparison{View: c.View, Compared: c.Compared, Buckets: c.Buckets, Sampled: c.Sampled, Differing: c.Differing}
	for _, d := range c.Differences {
		said.Differences = append(said.Differences, httpapi.Difference{Stream: d.Stream, Seq: d.Seq, Fields: d.Fields})
	}
	return said
}
