package memsearch

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
)

// shelf holds the documents of one kind: segments, and the versions that are not
// in one yet. Readers take its state, one pointer, and see what is in it but what
// had died by the state's sequence. Writers go one at a time.
type shelf struct {
	capacity int // of a buffer

	mu     sync.Mutex // held by whoever changes the state
	state  atomic.Pointer[state]
	recent map[uuid.UUID]*version // the newest version of whatever is in a buffer

	upkeep [2]sync.Mutex // held by whoever does small or large upkeep; see upkeep.go
	due    [2]chan struct{}
	kept   atomic.Bool // somebody runs the upkeep
}

type state struct {
	segments []*segment
	sealed   [][]*version // full buffers, oldest first
	open     []*version   // the buffer that is being filled
	at       uint64

	documents, removed int // what is visible at the sequence
}

// buffered gives the versions in buffers, oldest first.
func (s *state) buffered(yield func(*version) bool) {
	for _, buffer := range append(s.sealed[:len(s.sealed):len(s.sealed)], s.open) {
		for _, v := range buffer {
			if !yield(v) {
				return
			}
		}
	}
}

// revisions gives the id and the revision of all that is visible.
func (s *state) revisions(yield func(uuid.UUID, uint64) bool) {
	defer runtime.KeepAlive(s)
	for _, segment := range s.segments {
		for ordinal := range uint32(segment.documents()) {
			if segment.visible(ordinal, s.at) && !yield(segment.ids[ordinal], segment.revisions[ordinal]) {
				return
			}
		}
	}
	for v := range s.buffered {
		if v.visible(s.at) && !yield(v.id, v.revision) {
			return
		}
	}
}

// changed counts a document that came or went.
func (s *state) changed(removed bool, by int) {
	if removed {
		s.removed += by
	} else {
		s.documents += by
	}
}

// count counts what is in the segments.
func (s *state) count() {
	s.documents, s.removed = 0, 0
	for _, segment := range s.segments {
		for ordinal := range uint32(segment.documents()) {
			if segment.visible(ordinal, s.at) {
				s.changed(segment.removed(ordinal), 1)
			}
		}
	}
}

func newShelf(capacity int) *shelf {
	s := &shelf{capacity: capacity, recent: map[uuid.UUID]*version{}}
	for i := range s.due {
		s.due[i] = make(chan struct{}, 1)
	}
	s.state.Store(&state{})
	return s
}

// put takes versions in, and answers once a search that begins now sees them.
func (s *shelf) put(ctx context.Context, versions []*version) error {
	if len(versions) >= s.capacity*buffersAtOnce {
		return s.putBulk(ctx, versions)
	}
	s.mu.Lock()
	next := *s.state.Load()
	next.at++
	for _, v := range versions {
		if s.replace(&next, v) {
			s.admit(&next, v)
		}
	}
	if len(next.open) >= s.capacity {
		next.seal()
	}
	s.state.Store(&next)
	s.mu.Unlock()
	return s.settle(ctx, lock)
}

// admit takes a version into the open buffer. The one that was there is dead.
func (s *shelf) admit(next *state, v *version) {
	next.changed(v.removed, 1)
	s.recent[v.id] = v
	next.open = append(next.open, v)
}

func (s *state) seal() {
	if len(s.open) > 0 {
		s.sealed = append(slices.Clip(s.sealed), s.open)
	}
	s.open = nil
}

// replace makes room for a version: the one that is there dies, unless it is
// newer.
func (s *shelf) replace(next *state, v *version) bool { return s.oust(next, v, v.revision) }

// oust makes room for a version if what is there has a revision below a bound.
func (s *shelf) oust(next *state, v *version, below uint64) bool {
	if old, found := s.recent[v.id]; found {
		if old.revision >= below {
			return false
		}
		old.dead.Store(next.at)
		next.changed(old.removed, -1)
		return true
	}
	for _, segment := range next.segments {
		if ordinal, found := segment.find(v.id); found {
			if segment.revisions[ordinal] >= below {
				return false
			}
			segment.kill(ordinal, next.at)
			next.changed(segment.removed(ordinal), -1)
			return true
		}
	}
	return true
}

// search collects the first results, at most so many.
func (s *shelf) search(ctx context.Context, q *query, most int) ([]hit, error) {
	st := s.state.Load()
	defer runtime.KeepAlive(st)
	q.at = st.at
	matchers := make([]*matcher, len(st.segments))
	for i, segment := range st.segments {
		matchers[i] = newMatcher(q, segment)
	}
	buffered := q.scan(st.buffered)
	var found []hit
	for _, p := range q.passes() {
		page := &top[hit]{most: most - len(found), compare: q.compare}
		for _, h := range buffered {
			if p.takes(h.tier) {
				page.add(h)
			}
		}
		for _, m := range matchers {
			m.find(p, page)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if found = append(found, page.items...); len(found) == most {
			break
		}
	}
	return found, nil
}
