package logstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// scrubbed is how far scrubbing has got, and what it found.
type scrubbed struct {
	mu       sync.Mutex
	position uint64
	damage   error
}

func (s *scrubbed) get() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.position, s.damage
}

func (s *scrubbed) set(position uint64, damage error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.position, s.damage = position, damage
}

func (s *Store) scrubRegularly(ctx context.Context) {
	if s.options.ScrubRate < 0 {
		return
	}
	for {
		if err := s.Scrub(ctx); err != nil && ctx.Err() == nil {
			s.options.Logger.Error("damage in the log", "reason", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.options.ScrubEvery):
		}
	}
}

// Scrub reads the log from its beginning to its present end, at the pace of
// Options.ScrubRate, and checks every checksum and every commit's hash. It stops
// at the first damage, which is also in Health; reads of what is damaged fail,
// others go on.
func (s *Store) Scrub(ctx context.Context) error {
	_, damage := s.scrubbed.get()
	limiter := rate.NewLimiter(rate.Limit(s.options.ScrubRate), scrubBurst)
	if s.options.ScrubRate < 0 {
		limiter.SetLimit(rate.Inf)
	}
	for each, err := range s.entries(ctx, s.segments.beforePosition(1)) {
		if err == nil {
			err = wait(ctx, limiter, len(each.payload))
		}
		if err == nil {
			err = each.verify()
		}
		if errors.Is(err, eventstream.ErrCorrupt) {
			damage = err
		}
		if err != nil {
			s.scrubbed.set(each.position, damage)
			return err
		}
		s.scrubbed.set(each.position, damage)
	}
	s.scrubbed.set(s.End(), nil)
	return nil
}

const scrubBurst = 256 << 10

// wait lets a number of bytes pass at the limiter's pace.
func wait(ctx context.Context, limiter *rate.Limiter, bytes int) error {
	for ; bytes > 0; bytes -= scrubBurst {
		if err := limiter.WaitN(ctx, min(bytes, scrubBurst)); err != nil {
			return err
		}
	}
	return nil
}
