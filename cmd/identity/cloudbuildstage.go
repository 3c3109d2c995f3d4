package main

import (
	"context"
	"encoding/json"
	"time"

	"golang.org/x/time/rate"

	"github.com/seed5b6a70b4/identity/sync/generations"
)

// stage is how far a build is, as it is noted for whoever asks.
type stage struct {
	Name        string  `json:"name"`
	Done        uint64  `json:"done"`
	Total       uint64  `json:"total"`
	PerSecond   float64 `json:"perSecond"`
	SecondsLeft float64 `json:"secondsLeft"`
	began       time.Time
	from        uint64
}

const stagePart = "stage"

// watch notes how far the build is, and ends it when the roll asks for another.
func (b *builder) watch(ctx context.Context, build *generations.Build, end func()) error {
	ticker := time.NewTicker(hearEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if now := b.followed.known().Build; now == nil || now.ID != build.ID || now.Number != build.Number {
			end()
			return nil
		}
		if err := b.note(ctx, build, stagePart, b.now()); err != nil && ctx.Err() == nil {
			b.settings.log.Warn("how far a build is was not noted", "error", err)
		}
	}
}

func (b *builder) note(ctx context.Context, build *generations.Build, part string, what any) error {
	note, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return b.state.SetProgress(ctx, build.ID, part, note)
}

// beginStage begins a stage; some of it may be done.
func (b *builder) beginStage(name string, done, total uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stage = stage{Name: name, Done: done, Total: total, began: time.Now(), from: done}
}

// did notes that more of the stage is done.
func (b *builder) did(more uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stage.Done += more
}

// now is the stage, with its rate.
func (b *builder) now() stage {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stage
	s.Total = max(s.Total, s.Done)
	if took := time.Since(s.began).Seconds(); took > 0 {
		s.PerSecond = float64(s.Done-s.from) / took
	}
	if s.PerSecond > 0 {
		s.SecondsLeft = float64(s.Total-s.Done) / s.PerSecond
	}
	return s
}

// pacer lets so many be done in a second.
func pacer(perSecond int) func(context.Context, int) error {
	if perSecond <= 0 {
		return func(context.Context, int) error { return nil }
	}
	limiter := rate.NewLimiter(rate.Limit(perSecond), perSecond)
	return func(ctx context.Context, count int) error {
		for count > 0 {
			some := min(count, perSecond)
			if err := limiter.WaitN(ctx, some); err != nil {
				return err
			}
			count -= some
		}
		return nil
	}
}
