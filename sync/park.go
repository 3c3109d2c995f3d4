package querysync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Parked is a stream that a view cannot apply.
type Parked struct {
	View   string
	Stream eventstream.StreamID
	// Seq is the first commit that could not be applied; the row stands before it.
	Seq eventstream.Seq
	// Reason is the kind of the error.
	Reason string
	// Since is when it was parked, Attempts how often it was tried.
	Since    time.Time
	Attempts int
}

// Parked lists what is parked, by view and stream; also what indexes refused.
func (s *Synchroniser) Parked() []Parked {
	var all []Parked
	for _, f := range s.all() {
		f.prune(context.Background())
		all = append(all, f.parked.list(f.view.Name())...)
	}
	for _, x := range s.allIndexers() {
		all = append(all, x.parked.list(x.options.Name)...)
	}
	slices.SortFunc(all, func(a, b Parked) int {
		return cmp.Or(strings.Compare(a.View, b.View), strings.Compare(string(a.Stream), string(b.Stream)))
	})
	return all
}

// Retry applies a parked stream again, up to its head, and takes it off the list
// if that works; otherwise it stays, and the error is ErrParked. A stream that is
// not parked is none to retry, and no error. The view may also be an index: then
// what it refused is pushed again.
func (s *Synchroniser) Retry(ctx context.Context, view string, stream eventstream.StreamID) error {
	for _, x := range s.allIndexers() {
		if x.options.Name == view {
			return x.retry(ctx, stream)
		}
	}
	f := s.named(view)
	if f == nil {
		return fmt.Errorf("retry in view %s: %w", view, ErrNotFollowed)
	}
	if !f.parked.has(stream) {
		return nil
	}
	return f.retry(ctx, stream)
}

// retry keeps the stream on the list until it was announced, which the feed that
// told of it long ago does not ask for again.
func (f *follower) retry(ctx context.Context, stream eventstream.StreamID) error {
	last, err := f.s.streams.Last(ctx, stream)
	if errors.Is(err, eventstream.ErrCorrupt) {
		err = f.refuse(stream, f.parked.at(stream), nil, err)
	}
	if err != nil {
		return fmt.Errorf("retry a stream of kind %s: %w", stream.Kind(), err)
	}
	position := eventstream.Position{Stream: stream, Seq: last.Seq}
	if isShard(stream) {
		err = f.bringMark(ctx, position)
	} else {
		_, err = f.bring(ctx, stream, last.Seq, true)
	}
	if err == nil && f.announcing != nil {
		err = f.handle(ctx, []eventstream.Position{position}, named)
	}
	if err != nil {
		return fmt.Errorf("retry a stream of kind %s: %w", stream.Kind(), err)
	}
	f.parked.remove(stream)
	f.s.options.Logger.Info("stream no longer parked", "view", f.view.Name(), "stream", stream)
	return f.parked.save()
}

// retryAll retries everything that is parked, and reports only what the storage
// did wrong.
func (f *follower) retryAll(ctx context.Context) error {
	for _, stream := range f.parked.streams() {
		if err := f.retry(ctx, stream); err != nil && !errors.Is(err, ErrParked) {
			return err
		}
	}
	return nil
}

// prune takes off the list what somebody else, who shares the view, could apply.
func (f *follower) prune(ctx context.Context) {
	for _, parked := range f.parked.list(f.view.Name()) {
		if row, err := f.view.Seq(ctx, parked.Stream); err == nil {
			f.parked.holds(parked.Stream, row)
		}
	}
}

// park puts a stream on the list, or counts another attempt. The commits are
// those that the row lacks, as far as they are at hand.
func (f *follower) park(stream eventstream.StreamID, seq eventstream.Seq, commits []eventstream.Commit, cause error) {
	reason := f.s.options.Reason(cause)
	if errors.Is(cause, eventstream.ErrCorrupt) {
		reason = "corrupt"
	}
	first := f.parked.add(stream, seq, commits, reason, f.s.options.Now())
	if first {
		f.s.options.Logger.Error("stream parked", "view", f.view.Name(), "stream", stream, "seq", seq, "reason", reason, "error", cause)
	}
}

// refuse parks a stream and gives the error that says so. What is parked outside
// of the order of the log may be behind the view's position already, so it goes
// on record at once, or with the next move.
func (f *follower) refuse(stream eventstream.StreamID, seq eventstream.Seq, commits []eventstream.Commit, cause error) error {
	f.park(stream, seq, commits, cause)
	if err := f.parked.save(); err != nil {
		f.s.options.Logger.Error("parked streams not recorded", "view", f.view.Name(), "error", err)
	}
	return fmt.Errorf("%w: commit %d of a stream of kind %s: %w", ErrParked, seq, stream.Kind(), cause)
}

// parkedStreams is the list of one view.
type parkedStreams struct {
	// path and store are where it is kept; without either, in memory only.
	path  string
	store ParkedStore
	view  string
	// complete tells that the list was read from its file: nothing was parked in
	// an earlier life of the process but what is on it.
	complete atomic.Bool

	count   atomic.Int64
	unsaved atomic.Bool
	// forgotten tells that the list is kept nowhere any more.
	forgotten atomic.Bool

	mu      sync.Mutex
	entries map[eventstream.StreamID]*parkedEntry
	// changed are the entries that the store has otherwise, or not at all.
	changed map[eventstream.StreamID]bool

	saving sync.Mutex
}

// parkedEntry is a parked stream as it is kept.
type parkedEntry struct {
	Stream   eventstream.StreamID `json:"stream"`
	Seq      eventstream.Seq      `json:"seq"`
	Reason   string               `json:"reason"`
	Since    time.Time            `json:"since"`
	Attempts int                  `json:"attempts"`
	// Named is where users/{n} and groups/{n} first name what the row lacks.
	Named []eventstream.Position `json:"named,omitempty"`
	// passed tells that somebody else has brought the row past the commit. On a list
	// that is shared the entry stays until a sweep has announced the row.
	passed bool
}

func (p *parkedStreams) any() bool { return p.count.Load() > 0 }

func (p *parkedStreams) has(stream eventstream.StreamID) bool {
	if !p.any() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	entry := p.entries[stream]
	return entry != nil && !entry.passed
}

// at is the number of the commit at which a stream is parked, 0 if it is not.
func (p *parkedStreams) at(stream eventstream.StreamID) eventstream.Seq {
	p.mu.Lock()
	defer p.mu.Unlock()
	if entry := p.entries[stream]; entry != nil {
		return entry.Seq
	}
	return 0
}

// holds tells whether a stream whose row stands at the number is parked. A row
// that somebody else brought past the commit is not.
func (p *parkedStreams) holds(stream eventstream.StreamID, row eventstream.Seq) bool {
	if !p.any() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	entry := p.entries[stream]
	switch {
	case entry == nil || entry.passed:
		return false
	case entry.Seq > row:
		return true
	case p.store == nil:
		p.drop(stream)
	default:
		entry.passed = true
		p.count.Add(-1)
	}
	return false
}

// drop takes an entry off. The caller holds mu.
func (p *parkedStreams) drop(stream eventstream.StreamID) {
	if !p.entries[stream].passed {
		p.count.Add(-1)
	}
	delete(p.entries, stream)
	p.touch(stream)
}

func (p *parkedStreams) remove(stream eventstream.StreamID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entries[stream] != nil {
		p.drop(stream)
	}
}

func (p *parkedStreams) add(stream eventstream.StreamID, seq eventstream.Seq, commits []eventstream.Commit, reason string, now time.Time) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	entry := p.entries[stream]
	if first = entry == nil; first {
		stream = eventstream.StreamID(strings.Clone(string(stream)))
		entry = &parkedEntry{Stream: stream, Since: now.UTC(), passed: true}
		p.entries[stream] = entry
	}
	if entry.passed {
		entry.passed = false
		p.count.Add(1)
	}
	entry.Seq, entry.Reason = seq, reason
	entry.Attempts++
	for i := range commits {
		entry.name(&commits[i])
	}
	p.touch(stream)
	return first
}

// note remembers what a commit of a parked stream names.
func (p *parkedStreams) note(commit *eventstream.Commit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if entry := p.entries[commit.Stream]; entry != nil && entry.name(commit) {
		p.touch(commit.Stream)
	}
}

// noteNamed remembers which commit of a shard names a parked stream, if it names
// something that the row lacks.
func (p *parkedStreams) noteNamed(named, by eventstream.Position) {
	if !p.any() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	entry := p.entries[named.Stream]
	if entry != nil && entry.Seq <= named.Seq && entry.nameBy(by) {
		p.touch(named.Stream)
	}
}

// name keeps, of each shard among the commit's siblings, the lowest number.
func (e *parkedEntry) name(commit *eventstream.Commit) (changed bool) {
	for _, sibling := range commit.Siblings {
		if isShard(sibling.Stream) {
			changed = e.nameBy(sibling) || changed
		}
	}
	return changed
}

func (e *parkedEntry) nameBy(by eventstream.Position) (changed bool) {
	at := slices.IndexFunc(e.Named, func(p eventstream.Position) bool { return p.Stream == by.Stream })
	switch {
	case at < 0:
		e.Named, changed = append(e.Named, by), true
	case by.Seq < e.Named[at].Seq:
		e.Named[at].Seq, changed = by.Seq, true
	}
	return changed
}

// holdsUp tells whether something that a shard names up to a number is parked.
func (p *parkedStreams) holdsUp(shard eventstream.StreamID, seq eventstream.Seq) bool {
	if !p.any() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, entry := range p.entries {
		if entry.passed {
			continue
		}
		for _, named := range entry.Named {
			if named.Stream == shard && named.Seq <= seq {
				return true
			}
		}
	}
	return false
}

func (p *parkedStreams) list(view string) []Parked {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Parked, 0, len(p.entries))
	for _, e := range p.entries {
		if e.passed {
			continue
		}
		all = append(all, Parked{View: view, Stream: e.Stream, Seq: e.Seq, Reason: e.Reason, Since: e.Since, Attempts: e.Attempts})
	}
	return all
}

// streams names what is on the list, also what somebody else has brought on.
func (p *parkedStreams) streams() []eventstream.StreamID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.entries))
}
