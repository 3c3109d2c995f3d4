package memsearch

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// Upkeep turns full buffers into segments, and several segments into one, so that
// there are few. Segments are of levels, each factor times as large as the one
// below; factor of one level are merged. One of which a share is garbage is
// written again. Small upkeep goes on while a large merge takes its time.
const (
	factor       = 4
	garbageShare = 4 // one in so many
	largeLevel   = 2
	maxLevel     = 16
)

// patience is how many full buffers, and how many times as many segments as are
// merged, are left to whoever runs the upkeep before a writer helps.
var patience = slack{buffers: 3, merges: 3}

// alone is what a writer leaves undone if nobody runs the upkeep. That is while
// an index is filled, and larger segments at once, and more of them, are cheaper.
var alone = slack{buffers: buffersAtOnce, merges: 4, garbage: true}

var everything = slack{buffers: 1, merges: 1, garbage: true}

type slack struct {
	buffers, merges int
	garbage         bool // segments with too much of it are due
}

const (
	small = iota
	large
)

// lull is how long nothing must have come for large segments to be merged that
// need not be: searches are the faster, the fewer there are.
const lull = time.Second

// keep does one kind of upkeep whenever it is due, and the large kind also in a
// lull, until ctx ends.
func (s *shelf) keep(ctx context.Context, kind int) error {
	quiet := time.NewTicker(lull)
	defer quiet.Stop()
	if kind != large {
		quiet.Stop()
	}
	for {
		p := &pacer{ctx: ctx, gentle: kind == large, since: time.Now()}
		s.upkeep[kind].Lock()
		if err := s.doUpkeep(kind, everything, p.pause); err != nil {
			return err
		}
		before := s.state.Load().at
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.due[kind]:
		case <-quiet.C:
			if s.state.Load().at == before {
				if err := s.rest(p.pause); err != nil {
					return err
				}
			}
		}
	}
}

// rest merges large segments until each is factor times as large as those after
// it together.
func (s *shelf) rest(pause func() error) error {
	s.upkeep[large].Lock()
	defer s.upkeep[large].Unlock()
	return s.merge(s.pickAtRest, pause)
}

func (s *shelf) pickAtRest(st *state) []*segment {
	var after int // documents
	var from []*segment
	for i, one := range slices.Backward(st.segments) { // the largest come first
		if s.level(one) < largeLevel {
			continue
		}
		if one.documents() < factor*after && fits(st.segments[i:]) {
			from = st.segments[i:]
		}
		after += one.documents()
	}
	return slices.DeleteFunc(slices.Clone(from), func(one *segment) bool { return s.level(one) < largeLevel })
}

// settle leaves the upkeep to whoever runs it, or does it if nobody does or if
// they do not keep up: once it has, or only if it can have, the lock.
func (s *shelf) settle(ctx context.Context, lock func(*sync.Mutex) bool) error {
	most := alone
	if s.kept.Load() {
		most = patience
	}
	for kind := range s.due {
		if s.isDue(kind, most) && lock(&s.upkeep[kind]) {
			if err := s.doUpkeep(kind, most, ctx.Err); err != nil {
				return err
			}
		}
		if s.isDue(kind, everything) {
			select {
			case s.due[kind] <- struct{}{}:
			default:
			}
		}
	}
	return nil
}

func (s *shelf) isDue(kind int, most slack) bool {
	st := s.state.Load()
	return kind == small && len(st.sealed) >= most.buffers || s.pick(st, kind, most) != nil
}

// lock is Mutex.Lock as a Mutex.TryLock.
func lock(m *sync.Mutex) bool {
	m.Lock()
	return true
}

// doUpkeep does what is due of a kind whose lock the caller has taken, and gives
// the lock back.
func (s *shelf) doUpkeep(kind int, most slack, pause func() error) error {
	defer s.upkeep[kind].Unlock()
	for s.isDue(kind, most) {
		if kind == small && len(s.state.Load().sealed) >= most.buffers {
			s.flush()
		}
		pick := func(st *state) []*segment { return s.pick(st, kind, most) }
		if err := s.merge(pick, pause); err != nil {
			return err
		}
	}
	return nil
}

// flush makes a segment of the full buffers.
func (s *shelf) flush() {
	s.mu.Lock()
	sealed := s.state.Load().sealed
	var alive []*version
	for _, v := range slices.Concat(sealed...) {
		if v.dead.Load() == 0 {
			alive = append(alive, v)
		}
	}
	s.mu.Unlock()
	made := build(alive)
	s.mu.Lock()
	defer s.mu.Unlock()
	next := *s.state.Load()
	next.sealed = slices.Clone(next.sealed[len(sealed):])
	for ordinal, v := range alive { // in the order of the segment by now
		if died := v.dead.Load(); died != 0 {
			made.kill(uint32(ordinal), died)
		} else {
			delete(s.recent, v.id)
		}
	}
	next.exchange(nil, made)
	s.state.Store(&next)
}

// merge makes one of the segments that are picked, if any are.
func (s *shelf) merge(pick func(*state) []*segment, pause func() error) error {
	s.mu.Lock()
	st := s.state.Load()
	from := pick(st)
	for _, old := range from {
		old.merging = true
	}
	s.mu.Unlock()
	if len(from) == 0 {
		return nil
	}
	made, moved, err := merge(from, st.at, pause)
	s.mu.Lock()
	defer s.mu.Unlock()
	next := *s.state.Load()
	for i, old := range from {
		for _, ordinal := range old.killed {
			if err == nil && moved[i][ordinal] != gone {
				made.kill(moved[i][ordinal], next.at)
			}
		}
		old.merging, old.killed = false, nil
	}
	if err != nil {
		return err
	}
	next.exchange(from, made)
	s.state.Store(&next)
	return nil
}

// exchange puts a segment in the place of others. The largest come first.
func (s *state) exchange(old []*segment, made *segment) {
	s.segments = slices.DeleteFunc(slices.Clone(s.segments), func(segment *segment) bool { return slices.Contains(old, segment) })
	if made.documents() > 0 {
		s.segments = append(s.segments, made)
	}
	slices.SortStableFunc(s.segments, func(a, b *segment) int { return cmp.Compare(b.documents(), a.documents()) })
}

// pick chooses segments that a merge is due for, of the lowest level that has any.
func (s *shelf) pick(st *state, kind int, most slack) []*segment {
	from, to := 0, largeLevel
	if kind == large {
		from, to = largeLevel, maxLevel
	}
	for level := from; level < to; level++ {
		var same []*segment
		for _, one := range st.segments {
			if s.level(one) != level {
				continue
			}
			same = append(same, one)
			if most.garbage && int(one.garbage.Load())*garbageShare > one.documents() {
				return []*segment{one}
			}
		}
		if len(same) >= factor*most.merges && fits(same) {
			return same
		}
	}
	return nil
}

// fits tells whether the segments' arrays stay within 32 bits together.
func fits(segments []*segment) bool {
	var all sizes
	for _, segment := range segments {
		all = all.add(segment.size)
	}
	return max(all.Documents, all.DocTerms, all.TermBytes, all.LabelData) < math.MaxUint32
}

func (s *shelf) level(segment *segment) int {
	level := 0
	for size := s.capacity * factor; size <= segment.documents() && level < maxLevel-1; size *= factor {
		level++
	}
	return level
}

// pacer lets a merge stop when its context ends, and a gentle one rest as long as
// it worked.
type pacer struct {
	ctx    context.Context
	gentle bool
	since  time.Time
}

const stint = 2 * time.Millisecond

func (p *pacer) pause() error {
	if worked := time.Since(p.since); p.gentle && worked > stint {
		time.Sleep(min(worked, stint))
		p.since = time.Now()
	}
	return p.ctx.Err()
}
