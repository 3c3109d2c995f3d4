package logstore

import (
	"context"
	"encoding/binary"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/internal/snapshot"
)

const (
	promiseEvery = time.Second
	// idleTicks is how many quiet seconds make the store idle, idleCommits how many
	// commits are then worth a snapshot.
	idleTicks   = 5
	idleCommits = 10_000
)

// Run does what is not part of any append, until ctx or the store ends: once a
// second it puts into the mark what has become durable; after many commits, and
// after fewer when nothing is written for a while, it writes a snapshot of the
// heads; and it reads the log again and again, slowly, to find damage. Without
// Run all that is left to Close, and nothing is scrubbed. It answers nil.
func (s *Store) Run(ctx context.Context) error {
	if !s.queue.ifOpen(func() { s.running.Add(1) }) {
		return nil
	}
	defer s.running.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		select {
		case <-ctx.Done():
		case <-s.closing:
			cancel()
		}
		return nil
	})
	group.Go(func() error { s.promiseRegularly(ctx); return nil })
	group.Go(func() error { s.snapshotRegularly(ctx); return nil })
	group.Go(func() error { s.scrubRegularly(ctx); return nil })
	return group.Wait()
}

func (s *Store) promiseRegularly(ctx context.Context) {
	for range ticks(ctx, promiseEvery) {
		if err := s.promise(); err != nil {
			s.options.Logger.Warn("log mark not written", "reason", err)
		}
		if s.state.err() != nil {
			s.queue.put(probe())
		}
	}
}

// probe is a request for nothing, upon which the writer looks whether it can
// write again.
func probe() *request {
	r := &request{}
	r.owner.Store(withdrawn)
	return r
}

func (s *Store) snapshotRegularly(ctx context.Context) {
	end, quiet := s.End(), 0
	for range ticks(ctx, time.Second) {
		if now := s.End(); now != end {
			end, quiet = now, 0
		} else {
			quiet++
		}
		commits := s.commits.Load()
		if commits < s.options.SnapshotEvery && (quiet < idleTicks || commits < idleCommits) {
			continue
		}
		s.trySnapshot()
	}
}

// trySnapshot writes a snapshot that may as well be missing.
func (s *Store) trySnapshot() {
	if err := s.snapshot(); err != nil {
		s.options.Logger.Warn("snapshot of the heads not written", "reason", err)
	}
}

// ticks yields at intervals until ctx ends.
func ticks(ctx context.Context, interval time.Duration) func(func() bool) {
	return func(yield func() bool) {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if ctx.Err() != nil || !yield() {
					return
				}
			}
		}
	}
}

// Snapshot writes a snapshot of the heads, so that a start need not read the log
// up to here. Appends go on meanwhile.
func (s *Store) Snapshot(ctx context.Context) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	return s.snapshot()
}

func (s *Store) snapshot() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	commits, position := s.commits.Load(), s.End()
	if s.dir == "" || position == s.snapshotted.Load() {
		return nil
	}
	err := snapshot.Write(s.dir, snapshotName, s.fingerprint(), position, func(w io.Writer) error {
		if err := s.heads.Save(w); err != nil {
			return err
		}
		return binary.Write(w, binary.BigEndian, s.published.Load())
	})
	if err == nil {
		s.commits.Add(-commits)
		s.snapshotted.Store(position)
	}
	return err
}

func (s *Store) check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.state.serving()
}
