package querysync_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

// generation is a view that announces, beside others.
func generation(name string) announcedModel {
	return announcedModel{&feedtest.AnnouncedModel{Model: feedtest.Model{Called: name}}}
}

// shared is a store, the views that are to be followed, and processes that hear of
// those when they confirm.
type shared struct {
	t         *testing.T
	d         *directory
	views     []announcedModel
	processes []*process
	// fenced is from where on notices are of all views.
	fenced map[eventstream.StreamID]eventstream.Seq
}

type process struct {
	of       *shared
	from     *querysync.Synchroniser
	changes  *querysync.Changes
	mu       sync.Mutex
	followed int
}

func newShared(t *testing.T, processes int) *shared {
	w := &shared{t: t, d: newDirectory(t), views: []announcedModel{generation("first")}, fenced: map[eventstream.StreamID]eventstream.Seq{}}
	w.d.observe = w.observe
	for range processes {
		p := &process{of: w}
		streams := eventstream.New(w.d, nil)
		p.changes = querysync.NewChanges(streams, 2)
		var err error
		p.from, err = querysync.New(streams, nil, &querysync.Options{Changes: p.changes, Confirm: p.confirm})
		isErr(t, "make a synchroniser", err, nil)
		isErr(t, "hear", p.confirm(t.Context()), nil)
		w.processes = append(w.processes, p)
	}
	return w
}

func (p *process) confirm(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ; p.followed < len(p.of.views); p.followed++ {
		if err := p.from.Follow(p.of.views[p.followed]); err != nil {
			return err
		}
	}
	return nil
}

// add puts another view on the roll, and has a process fence the change feed.
func (w *shared) add(by *process) {
	w.t.Helper()
	w.views = append(w.views, generation([]string{"second", "third"}[len(w.views)-1]))
	isErr(w.t, "fence", by.changes.Fence(w.t.Context()), nil)
	heads, err := by.changes.Heads(w.t.Context())
	isErr(w.t, "heads", err, nil)
	for _, head := range heads {
		w.fenced[head.Stream] = head.Seq
	}
}

// fill brings a view to what was written before it was added.
func (w *shared) fill(by *process) {
	w.t.Helper()
	var all []eventstream.Position
	for position, err := range w.d.Recent(w.t.Context(), time.Time{}) {
		isErr(w.t, "read positions", err, nil)
		all = append(all, position)
	}
	isErr(w.t, "fill", by.from.Fill(w.t.Context(), all), nil)
}

// notices gives what the change feed tells of each stream, the highest number.
func (w *shared) notices() map[eventstream.StreamID]eventstream.Seq {
	w.t.Helper()
	told := map[eventstream.StreamID]eventstream.Seq{}
	for _, part := range w.processes[0].changes.Streams() {
		for commit, err := range w.d.streams.Read(w.t.Context(), part, 0) {
			isErr(w.t, "read the change feed", err, nil)
			notices, err := querysync.DecodeNotices(&commit)
			isErr(w.t, "decode", err, nil)
			for _, notice := range notices {
				told[notice.Stream] = max(told[notice.Stream], notice.Seq)
			}
		}
	}
	return told
}

// observe looks, when a notice is written, whether all views show what it tells of.
func (w *shared) observe(transactions [][]eventstream.Commit) {
	for _, transaction := range transactions {
		for i := range transaction {
			commit := &transaction[i]
			if commit.Stream.Kind() != eventstream.ChangesKind || w.fenced[commit.Stream] == 0 && len(w.views) > 1 {
				continue
			}
			notices, err := querysync.DecodeNotices(commit)
			isErr(w.t, "decode", err, nil)
			for _, notice := range notices {
				w.shownByAll(notice.Position)
			}
		}
	}
}

func (w *shared) shownByAll(notice eventstream.Position) {
	w.t.Helper()
	for _, view := range w.views {
		if seq, err := view.Seq(w.t.Context(), notice.Stream); err != nil || seq < notice.Seq {
			w.t.Fatalf("%v is announced, and in view %s the row is at %d, %v", notice, view.Name(), seq, err)
		}
	}
}

// Whoever has not heard of a view, and knows from before where the change feed ends,
// announces nothing that the view does not show.
func TestNoNoticeIsAheadOfAViewThatWasAdded(t *testing.T) {
	w := newShared(t, 2)
	unaware, adder := w.processes[0], w.processes[1]
	w.d.write(ada)
	isErr(t, "handle", unaware.from.Handle(t.Context(), []eventstream.Position{{Stream: ada, Seq: 1}}), nil)
	w.add(adder)
	w.d.write(ada)
	isErr(t, "handle", unaware.from.Handle(t.Context(), []eventstream.Position{{Stream: ada, Seq: 2}}), nil)
	if told := w.notices(); told[ada] != 2 {
		t.Errorf("announced up to %d", told[ada])
	}
}

// What the first view has had announced is noted in one that is filled, and not
// announced again; what it has not, is.
func TestFillingAnnouncesWhatWasNot(t *testing.T) {
	w := newShared(t, 1)
	p := w.processes[0]
	w.d.write(ada)
	isErr(t, "handle", p.from.Handle(t.Context(), []eventstream.Position{{Stream: ada, Seq: 1}}), nil)
	w.d.write(bob)
	isErr(t, "force", p.from.Ensure(t.Context(), w.views[0], bob, 1), nil) // which does not announce
	w.add(p)
	before, err := p.changes.Heads(t.Context())
	isErr(t, "heads", err, nil)
	w.fill(p)
	for _, view := range w.views {
		for _, stream := range []eventstream.StreamID{ada, bob} {
			if seq, announced, _, err := view.Standing(t.Context(), stream); seq != 1 || announced != 1 || err != nil {
				t.Errorf("in %s %s is at %d, announced %d, %v", view.Name(), stream, seq, announced, err)
			}
		}
	}
	after, err := p.changes.Heads(t.Context())
	isErr(t, "heads", err, nil)
	written := 0
	for _, head := range after {
		written += int(head.Seq - before.Seq(head.Stream))
	}
	if told := w.notices(); told[bob] != 1 || written != 1 {
		t.Errorf("bob is announced up to %d, by one of %d commits", told[bob], written)
	}
}

// A stream that one view cannot apply keeps the other from nothing.
func TestAViewThatParksHoldsNobodyUp(t *testing.T) {
	w := newShared(t, 1)
	p := w.processes[0]
	w.d.observe = nil // which looks for what is not to be here
	w.add(p)
	isErr(t, "hear", p.confirm(t.Context()), nil)
	w.d.write(ada)
	w.views[1].AnnouncedView.(*feedtest.AnnouncedModel).Fail = func([]eventstream.Commit) error { return errNotKnown }
	isErr(t, "handle", p.from.Handle(t.Context(), []eventstream.Position{{Stream: ada, Seq: 1}}), nil)
	if _, announced, _, err := w.views[0].Standing(t.Context(), ada); announced != 1 || err != nil {
		t.Errorf("in the view that can it is announced up to %d, %v", announced, err)
	}
	if parked := p.from.Parked(); len(parked) != 1 || parked[0].View != "second" {
		t.Errorf("parked: %+v", parked)
	}
}

// Whatever processes do, in whatever order they hear of a view that is added, no
// notice that was written since is ahead of it, none is missing, and once it was
// filled the views are the same.
func TestViewsOfABandEndTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newShared(t, 3)
		streams := []eventstream.StreamID{ada, bob, eventstream.GroupStream([16]byte{3})}
		heads, filled := map[eventstream.StreamID]eventstream.Seq{}, 1
		one := func() *process { return rapid.SampledFrom(w.processes).Draw(rt, "process") }
		rt.Repeat(map[string]func(*rapid.T){
			"write": func(rt *rapid.T) {
				stream := rapid.SampledFrom(streams).Draw(rt, "stream")
				w.d.write(stream)
				heads[stream]++
			},
			"handle": func(rt *rapid.T) {
				stream := rapid.SampledFrom(streams).Draw(rt, "stream")
				isErr(t, "handle", one().from.Handle(t.Context(), []eventstream.Position{{Stream: stream, Seq: heads[stream]}}), nil)
			},
			"force": func(rt *rapid.T) {
				p, stream := one(), rapid.SampledFrom(streams).Draw(rt, "stream")
				view := w.views[rapid.IntRange(0, p.followed-1).Draw(rt, "view")]
				isErr(t, "ensure", p.from.Ensure(t.Context(), view, stream, heads[stream]), nil)
			},
			"add": func(rt *rapid.T) {
				if len(w.views) == 3 || filled < len(w.views) {
					rt.Skip("one at a time")
				}
				w.add(one())
			},
			"fill": func(*rapid.T) {
				w.fill(one())
				filled = len(w.views)
			},
			"": func(*rapid.T) { w.notices() },
		})
		w.fill(one())
		told := w.notices()
		for stream, head := range heads {
			w.shownByAll(eventstream.Position{Stream: stream, Seq: head})
			if told[stream] != head {
				t.Fatalf("%s is at %d and announced up to %d", stream, head, told[stream])
			}
		}
	})
}

// rederiving is a view of which rows can be made anew.
type rederiving struct {
	announcedModel
	anew func(eventstream.StreamID)
}

func (v rederiving) Rederive(_ context.Context, stream eventstream.StreamID, _ []eventstream.Commit) error {
	v.anew(stream)
	return nil
}

func (v rederiving) Unmark(context.Context, eventstream.StreamID) error { return nil }

// A row that is made anew is announced once more, whatever another view notes of that,
// and made anew there first.
func TestRowsMadeAnewAreAnnouncedAgain(t *testing.T) {
	d := newDirectory(t)
	streams := eventstream.New(d, nil)
	changes := querysync.NewChanges(streams, 2)
	var made []string
	view := func(name string) rederiving {
		return rederiving{generation(name), func(eventstream.StreamID) { made = append(made, name) }}
	}
	s, err := querysync.New(streams, []querysync.View{view("first"), view("second")}, &querysync.Options{Changes: changes})
	isErr(t, "make a synchroniser", err, nil)
	d.write(ada)
	d.write(ada)
	isErr(t, "handle", s.Handle(t.Context(), []eventstream.Position{{Stream: ada, Seq: 2}}), nil)
	isErr(t, "make anew", s.Rederive(t.Context(), "first", []eventstream.StreamID{ada}), nil)
	var told []querysync.Notice
	for _, part := range changes.Streams() {
		for commit, err := range streams.Read(t.Context(), part, 0) {
			isErr(t, "read the change feed", err, nil)
			notices, err := querysync.DecodeNotices(&commit)
			isErr(t, "decode", err, nil)
			told = append(told, notices...)
		}
	}
	notice := querysync.Notice{Position: eventstream.Position{Stream: ada, Seq: 2}}
	if want := []querysync.Notice{notice, notice}; !slices.Equal(told, want) {
		t.Errorf("told %v, not %v", told, want)
	}
	if want := []string{"second", "first"}; !slices.Equal(made, want) {
		t.Errorf("made anew in %v, not %v", made, want)
	}
}
