package memsearch

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
)

// Bulk is how many documents of one kind, put at once, become a segment of their
// own in an Index of the default Options: whoever fills one in pieces of this
// size, or more, fills it fastest, and may do so from several goroutines.
const Bulk = defaultBuffer * buffersAtOnce

// buffersAtOnce is how many full buffers are worth a segment where searching does
// not matter yet.
const buffersAtOnce = 32

// putBulk takes so many versions in that they are a segment. All but the taking
// in happens beside other writers.
func (s *shelf) putBulk(ctx context.Context, versions []*version) error {
	versions = newestOnly(versions)
	made := build(versions)
	s.mu.Lock()
	next := *s.state.Load()
	next.at++
	for ordinal, v := range versions { // in the order of the segment by now
		if !s.replace(&next, v) {
			made.kill(uint32(ordinal), next.at)
			continue
		}
		delete(s.recent, v.id)
		next.changed(v.removed, 1)
	}
	next.exchange(nil, made)
	s.state.Store(&next)
	s.mu.Unlock()
	return s.settle(ctx, (*sync.Mutex).TryLock)
}

// newestOnly leaves out what the versions themselves replace.
func newestOnly(versions []*version) []*version {
	slices.SortFunc(versions, func(a, b *version) int {
		return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(b.revision, a.revision))
	})
	return slices.CompactFunc(versions, func(a, b *version) bool { return a.id == b.id })
}
