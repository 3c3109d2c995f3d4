package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// progress is how a rebuild does. It may be used concurrently.
type progress struct {
	mu    sync.Mutex
	state httpapi.Rebuild
	began time.Time // the stage
}

func newProgress(number uint64, views []string) *progress {
	return &progress{began: time.Now(), state: httpapi.Rebuild{
		Number: number, Views: views, State: httpapi.Running, StartedAt: httpapi.Instant{Time: time.Now().UTC()},
	}}
}

func (p *progress) stage(name string, total uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began = time.Now()
	p.state.Stage, p.state.Done, p.state.Total = name, 0, total
}

// at says how much of the stage is done; less than before is passed over.
func (p *progress) at(done, total uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Done, p.state.Total = max(p.state.Done, done), max(total, done)
}

func (p *progress) add(done uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Done += done
	p.state.Total = max(p.state.Total, p.state.Done)
}

func (p *progress) compared(c httpapi.Comparison) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Comparisons = append(p.state.Comparisons, c)
}

func (p *progress) differing() (all uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.state.Comparisons {
		all += p.state.Comparisons[i].Differing
	}
	return all
}

func (p *progress) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := httpapi.Instant{Time: time.Now().UTC()}
	p.state.EndedAt, p.state.State, p.state.Stage = &now, httpapi.Done, ""
	if err != nil {
		p.state.State, p.state.Reason = httpapi.Failed, err.Error()
		return
	}
	p.state.Done = p.state.Total
}

// now is how it does, with the rate of the stage.
func (p *progress) now() httpapi.Rebuild {
	p.mu.Lock()
	defer p.mu.Unlock()
	state := p.state
	state.Comparisons = slices.Clone(state.Comparisons)
	if state.State != httpapi.Running {
		return state
	}
	if seconds := time.Since(p.began).Seconds(); seconds > 0 && state.Done > 0 {
		state.PerSecond = float64(state.Done) / seconds
		state.SecondsLeft = float64(state.Total-state.Done) / state.PerSecond
	}
	return state
}

// pace leaves the machine to writers while there are any: it rests restShare times
// as long as was worked.
type pace struct {
	ctx   context.Context
	end   func() uint64
	mu    sync.Mutex
	since time.Time
	seen  uint64
	busy  time.Time // until when writers are taken to be at work
}

const (
	// paceUntil is how many transactions from the end the last ones are folded
	// without a rest: then readers may wait for them.
	paceUntil = 4096
	// restShare is how long a rest is, in times of what was worked before.
	restShare = 1.5
	stint     = 2 * time.Millisecond
	// writersLinger is for how long a write tells of others to come.
	writersLinger = 250 * time.Millisecond
)

func (r *rebuilder) newPace(ctx context.Context) *pace {
	return &pace{ctx: ctx, end: r.b.store.End, since: time.Now(), seen: r.b.store.End()}
}

// rest may be called at any time, by several goroutines.
func (p *pace) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	worked := time.Since(p.since)
	if worked < stint {
		return
	}
	if end := p.end(); end != p.seen {
		p.seen, p.busy = end, time.Now().Add(writersLinger)
	}
	if time.Now().Before(p.busy) {
		timer := time.NewTimer(time.Duration(float64(worked) * restShare))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-p.ctx.Done():
		}
	}
	p.since = time.Now()
}
