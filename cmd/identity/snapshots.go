package main

import (
	"context"
	"errors"
	"time"
)

// When snapshots of the views are written: after many transactions, or fewer of
// them once nothing was written for a while, and at the end.
const (
	snapshotLook  = time.Second
	snapshotMany  = 150_000 // about 500,000 commits
	snapshotQuiet = 5_000
	quietLooks    = 10
)

// snapshot writes down what was derived from the log, so that the next start need
// not fold it again.
func (b *embedded) snapshot() error {
	b.snapshotting.Lock()
	defer b.snapshotting.Unlock()
	now := b.answering.Load()
	if now == nil || now.rows.view.Applied() == b.snapshotted {
		return nil
	}
	position, err := b.save(now)
	if err == nil {
		b.snapshotted = position
	}
	return err
}

// save writes snapshots of a generation, and gives the position that they hold at
// least.
func (b *embedded) save(g *generation) (position uint64, err error) {
	position = g.rows.view.Applied()
	err = g.rows.view.Save(b.data.snapshots())
	if g.search != nil {
		err = errors.Join(err, g.search.save(b.data.snapshots()))
	}
	return position, err
}

func (b *embedded) snapshottedAt() uint64 {
	b.snapshotting.Lock()
	defer b.snapshotting.Unlock()
	return b.snapshotted
}

// snapshotRegularly writes snapshots until ctx ends.
func (b *embedded) snapshotRegularly(ctx context.Context) error {
	ticker := time.NewTicker(snapshotLook)
	defer ticker.Stop()
	before, quiet := b.store.End(), 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		end := b.store.End()
		if quiet++; end != before {
			before, quiet = end, 0
		}
		new := end - min(end, b.snapshottedAt())
		if new < snapshotMany && (new < snapshotQuiet || quiet < quietLooks) {
			continue
		}
		b.trySnapshot()
	}
}

// trySnapshot writes snapshots. Those that cannot be written are missed only by
// the next start, and are not tried again at once.
func (b *embedded) trySnapshot() {
	if err := b.snapshot(); err != nil {
		b.settings.log.Warn("no snapshot was written; the next start takes longer", "error", err)
		b.snapshotting.Lock()
		b.snapshotted = b.answering.Load().rows.view.Applied()
		b.snapshotting.Unlock()
	}
}
