package feedtest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// AnnouncedView is a view whose changes are announced, marked, and indexed.
type AnnouncedView interface {
	querysync.Announcing
	querysync.Marking
	// Touches names the entities whose documents a row is part of.
	Touches(ctx context.Context, stream eventstream.StreamID) ([]eventstream.StreamID, error)
	// Document gives what an index keeps of an entity.
	Document(ctx context.Context, entity eventstream.StreamID) (Document, error)
}

// RunAnnounced holds views that are announced to the contract: whatever the feed
// of several processes does, and wherever one of them is cut off, rows, change
// feed and index end as the fold of the streams.
func RunAnnounced(t *testing.T, fresh func(testing.TB) AnnouncedView) {
	t.Run("whatever the feed does and whoever is cut off", func(t *testing.T) { testAnnouncedFeed(t, fresh) })
	t.Run("wherever the handling of a removal is cut off", func(t *testing.T) { testCutAnywhere(t, fresh) })
}

func testAnnouncedFeed(t *testing.T, fresh func(testing.TB) AnnouncedView) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newAnnouncedPlay(t, rt, fresh)
		rt.Repeat(map[string]func(*rapid.T){
			"write": p.write, "write again": p.write, "ring": p.ring, "ring again": p.ring, "carry": p.carry, "carry again": p.carry,
			"force": p.force, "force in the index": p.forceIndex, "sweep": p.sweep, "break": p.breakOne, "": func(rt *rapid.T) { p.marksHold(rt) },
		})
		p.end(rt)
	})
}

// testCutAnywhere removes a group that has members, and a user that is in groups,
// and cuts the process that handles it off after every number of steps.
func testCutAnywhere(t *testing.T, fresh func(testing.TB) AnnouncedView) {
	for steps, whole := int64(0), false; !whole; steps++ {
		p := newAnnouncedPlay(t, t, fresh)
		p.mustWrite(t, change{what: 0, which: 0}, change{what: 0, which: 1}, change{what: 1, where: 0}, change{what: 1, where: 1})
		p.mustWrite(t, change{what: 2, which: 0, where: 0}, change{what: 2, which: 1, where: 0}, change{what: 2, which: 1, where: 1}, change{what: 3, which: 1, where: 0})
		p.finish(t, p.processes[0])
		p.mustWrite(t, change{what: 6, where: 0}, change{what: 5, which: 1})
		m := p.processes[1]
		m.left.Store(steps)
		err := m.from.Handle(t.Context(), p.told)
		p.mayFail(t, err)
		p.marksHold(t)
		if whole = err == nil; steps > 1000 {
			t.Fatal("it is never done")
		}
		p.end(t)
	}
}

func newAnnouncedPlay(t *testing.T, fail tester, fresh func(testing.TB) AnnouncedView) *announcedPlay {
	p := &announcedPlay{t: t, w: newWorld(), view: fresh(t), index: &index{documents: map[eventstream.StreamID]Document{}}}
	p.reached = map[eventstream.StreamID]eventstream.Seq{}
	for range 2 {
		p.processes = append(p.processes, p.start(fail))
	}
	return p
}

// announcedPlay is one run: a store, a view and an index that two processes keep.
type announcedPlay struct {
	t         *testing.T
	w         *world
	view      AnnouncedView
	index     *index
	processes []*member
	// told is what the store wrote, reached up to where each part of the change feed
	// was handled.
	told    []eventstream.Position
	seen    int
	reached map[eventstream.StreamID]eventstream.Seq
}

// member is one of the processes.
type member struct {
	left    *atomic.Int64
	from    *querysync.Synchroniser
	changes *querysync.Changes
	indexer *querysync.Indexer
}

// index keeps the document of the highest revision of each entity.
type index struct {
	mu        sync.Mutex
	documents map[eventstream.StreamID]Document
}

func (x *index) put(entity eventstream.StreamID, d Document) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if d.Revision > x.documents[entity].Revision {
		x.documents[entity] = d
	}
}

// start gives a process that lasts until it is broken.
func (p *announcedPlay) start(rt tester) *member {
	m := &member{left: &atomic.Int64{}}
	m.left.Store(-1)
	streams := eventstream.New(brittleStore{p.w.store, m.left}, nil)
	view := brittleView{p.view, m.left}
	m.changes = querysync.NewChanges(streams, 2)
	var err error
	if m.from, err = querysync.New(streams, []querysync.View{view}, &querysync.Options{Changes: m.changes}); err != nil {
		rt.Fatalf("make a synchroniser: %v", err)
	}
	m.indexer, err = querysync.NewIndexer(m.from, view, &querysync.IndexerOptions{
		Name: "index", Touches: view.Touches, LookEvery: time.Millisecond,
		Push: func(ctx context.Context, entities []eventstream.StreamID) (map[eventstream.StreamID]error, error) {
			for _, entity := range entities {
				document, err := view.Document(ctx, entity)
				if err != nil {
					return nil, err
				}
				if document.Revision > 0 {
					p.index.put(entity, document)
				}
			}
			return nil, nil
		},
		Reached: func(context.Context) (eventstream.Token, error) { return p.token(), nil },
	})
	if err != nil {
		rt.Fatalf("make an indexer: %v", err)
	}
	return m
}

func (p *announcedPlay) token() eventstream.Token {
	var positions []eventstream.Position
	for stream, seq := range p.reached {
		positions = append(positions, eventstream.Position{Stream: stream, Seq: seq})
	}
	return eventstream.NewToken(positions...)
}

func (p *announcedPlay) one(rt *rapid.T) *member {
	return p.processes[rapid.IntRange(0, 1).Draw(rt, "process")]
}

func (p *announcedPlay) write(rt *rapid.T) {
	p.mustWrite(rt, rapid.SliceOfN(rapid.Custom(drawChange), 1, 4).Draw(rt, "changes")...)
}

func (p *announcedPlay) mustWrite(rt tester, changes ...change) {
	if err := p.w.write(p.t.Context(), changes...); err != nil {
		rt.Fatalf("%v", err)
	}
	for _, transaction := range p.w.told[p.seen:] {
		for i := range transaction {
			if transaction[i].Stream.Kind() != eventstream.ChangesKind {
				p.told = append(p.told, transaction[i].Position())
			}
		}
	}
	p.seen = len(p.w.told)
}

// ring hands some of what was told to a process, in any order, some of it twice.
func (p *announcedPlay) ring(rt *rapid.T) {
	if len(p.told) == 0 {
		rt.Skip("nothing was told")
	}
	batch := rapid.SliceOfN(rapid.SampledFrom(p.told), 1, 6).Draw(rt, "positions")
	p.mayFail(rt, p.one(rt).from.Handle(p.t.Context(), batch))
}

// carry has a process index what a part of the change feed tells, from where it
// was handled or from before.
func (p *announcedPlay) carry(rt *rapid.T) {
	stream := eventstream.ChangesStream(rapid.IntRange(0, 1).Draw(rt, "part"))
	after := p.reached[stream]
	if rapid.Bool().Draw(rt, "again") {
		after = eventstream.Seq(rapid.Uint64Range(0, uint64(after)).Draw(rt, "after"))
	}
	p.carryFrom(rt, p.one(rt), stream, after)
}

func (p *announcedPlay) carryFrom(rt tester, m *member, stream eventstream.StreamID, after eventstream.Seq) {
	for commit, err := range p.w.streams.Read(p.t.Context(), stream, after) {
		if err != nil {
			rt.Fatalf("read the change feed: %v", err)
		}
		notices, err := querysync.DecodeNotices(&commit)
		if err != nil {
			rt.Fatalf("%v", err)
		}
		for _, notice := range notices {
			if seq, err := p.view.Seq(p.t.Context(), notice.Stream); err != nil || seq < notice.Seq {
				rt.Fatalf("%s is announced at %d, and its row is at %d, %v", notice.Stream, notice.Seq, seq, err)
			}
		}
		if err := m.indexer.Handle(p.t.Context(), querysync.Positions(notices)); err != nil {
			p.mayFail(rt, err)
			return
		}
		p.reached[stream] = max(p.reached[stream], commit.Seq)
	}
}

// drawn gives a process and a position that the store has.
func (p *announcedPlay) drawn(rt *rapid.T) (*member, eventstream.Position) {
	if len(p.told) == 0 {
		rt.Skip("nothing was told")
	}
	m := p.one(rt)
	if m.left.Load() >= 0 {
		rt.Skip("a reader would wait for the process to recover")
	}
	return m, rapid.SampledFrom(p.told).Draw(rt, "position")
}

func (p *announcedPlay) force(rt *rapid.T) {
	m, position := p.drawn(rt)
	view := brittleView{p.view, m.left}
	if err := m.from.Ensure(p.t.Context(), view, position.Stream, position.Seq); err != nil {
		rt.Fatalf("ensure %v: %v", position, err)
	}
	if seq, err := p.view.Seq(p.t.Context(), position.Stream); view.Shows(position.Stream) && (err != nil || seq < position.Seq) {
		rt.Fatalf("ensured %v, and the row is at %d, %v", position, seq, err)
	}
}

// forceIndex demands that what a reader forced can be found.
func (p *announcedPlay) forceIndex(rt *rapid.T) {
	m, position := p.drawn(rt)
	ctx, cancel := context.WithTimeout(p.t.Context(), 5*time.Millisecond)
	defer cancel()
	err := m.indexer.Ensure(ctx, position.Stream, position.Seq)
	if errors.Is(err, eventstream.ErrBehind) {
		return // nobody carries meanwhile
	}
	if err != nil {
		rt.Fatalf("ensure %v in the index: %v", position, err)
	}
	for _, stream := range p.named(rt, position) {
		entities, err := p.view.Touches(p.t.Context(), stream)
		if err != nil {
			rt.Fatalf("%v", err)
		}
		for _, entity := range entities {
			want, err := p.view.Document(p.t.Context(), entity)
			if err != nil {
				rt.Fatalf("%v", err)
			}
			if p.index.documents[entity].Revision == 0 && want.Revision > 0 {
				rt.Fatalf("ensured %v, and %s is not in the index", position, entity)
			}
		}
	}
}

// named gives what a position stands for: itself, or what a shard names.
func (p *announcedPlay) named(rt *rapid.T, position eventstream.Position) []eventstream.StreamID {
	if p.view.Shows(position.Stream) {
		return []eventstream.StreamID{position.Stream}
	}
	var named []eventstream.StreamID
	if kind := position.Stream.Kind(); kind == eventstream.UsersKind || kind == eventstream.GroupsKind {
		for commit, err := range p.w.streams.Read(p.t.Context(), position.Stream, 0) {
			if err != nil {
				rt.Fatalf("read a shard: %v", err)
			}
			for _, sibling := range commit.Siblings {
				if commit.Seq <= position.Seq && p.view.Shows(sibling.Stream) && sibling.Stream.Kind() != eventstream.MemberKind {
					named = append(named, sibling.Stream)
				}
			}
		}
	}
	return named
}

func (p *announcedPlay) sweep(rt *rapid.T) {
	p.mayFail(rt, p.one(rt).from.Sweep(p.t.Context(), time.Time{}))
}

// breakOne cuts a process off after some more steps, or starts it anew.
func (p *announcedPlay) breakOne(rt *rapid.T) {
	at := rapid.IntRange(0, 1).Draw(rt, "process")
	if p.processes[at].left.Load() >= 0 {
		p.processes[at] = p.start(rt)
		return
	}
	p.processes[at].left.Store(rapid.Int64Range(0, 40).Draw(rt, "steps left"))
}

func (p *announcedPlay) mayFail(rt tester, err error) {
	if err != nil && !errors.Is(err, errBroken) {
		rt.Fatalf("%v", err)
	}
}

// marksHold demands that whatever a shard names up to its mark was announced.
func (p *announcedPlay) marksHold(rt tester) {
	for _, shard := range []eventstream.StreamID{eventstream.UsersStream(0), eventstream.GroupsStream(0)} {
		mark, err := p.view.Mark(p.t.Context(), shard)
		if err != nil {
			rt.Fatalf("%v", err)
		}
		for commit := range p.w.streams.Read(p.t.Context(), shard, 0) {
			for _, sibling := range commit.Siblings {
				if commit.Seq > mark || !p.view.Shows(sibling.Stream) {
					continue
				}
				if _, announced, _, err := p.view.Standing(p.t.Context(), sibling.Stream); err != nil || announced < sibling.Seq {
					rt.Fatalf("the mark of %s is %d, and %v is announced up to %d, %v", shard, mark, sibling, announced, err)
				}
			}
		}
	}
}

// end has a new process sweep over everything and index what is left, and
// compares.
func (p *announcedPlay) end(rt tester) {
	rt.Helper()
	p.finish(rt, p.start(rt))
	ctx := p.t.Context()
	p.covered(rt)
	want := map[eventstream.StreamID]Document{}
	for stream, head := range p.w.heads {
		if !p.view.Shows(stream) {
			p.compareMark(rt, stream, head)
			continue
		}
		seq, announced, untidy, err := p.view.Standing(ctx, stream)
		if err != nil || seq != head || announced != head || untidy {
			rt.Fatalf("%s is at %d, its row at %d, announced %d, untidy %t, %v", stream, head, seq, announced, untidy, err)
		}
		if kind := stream.Kind(); kind == eventstream.MemberKind || kind == eventstream.KeyKind {
			continue
		}
		if want[stream], err = p.view.Document(ctx, stream); err != nil {
			rt.Fatalf("%v", err)
		}
	}
	if diff := cmp.Diff(want, p.index.documents); diff != "" {
		rt.Fatalf("the index does not show what the view does (-view +index):\n%s", diff)
	}
}

// covered demands that what notices cover is every commit of what the view shows.
func (p *announcedPlay) covered(rt tester) {
	covered := map[eventstream.Position]bool{}
	for _, stream := range p.processes[0].changes.Streams() {
		for commit, err := range p.w.streams.Read(p.t.Context(), stream, 0) {
			if err != nil {
				rt.Fatalf("read the change feed: %v", err)
			}
			notices, err := querysync.DecodeNotices(&commit)
			if err != nil {
				rt.Fatalf("%v", err)
			}
			for _, notice := range notices {
				for seq := notice.After + 1; seq <= notice.Seq; seq++ {
					covered[eventstream.Position{Stream: notice.Stream, Seq: seq}] = true
				}
			}
		}
	}
	for stream, head := range p.w.heads {
		for seq := eventstream.Seq(1); seq <= head && p.view.Shows(stream); seq++ {
			if !covered[eventstream.Position{Stream: stream, Seq: seq}] {
				rt.Fatalf("no notice covers commit %d of %s", seq, stream)
			}
		}
	}
}

// finish has a process sweep over everything and index what is left.
func (p *announcedPlay) finish(rt tester, m *member) {
	if err := m.from.Sweep(p.t.Context(), time.Time{}); err != nil {
		rt.Fatalf("sweep: %v", err)
	}
	for _, stream := range m.changes.Streams() {
		p.carryFrom(rt, m, stream, p.reached[stream])
	}
}

func (p *announcedPlay) compareMark(rt tester, stream eventstream.StreamID, head eventstream.Seq) {
	if mark, err := p.view.Mark(p.t.Context(), stream); err != nil || mark > head {
		rt.Fatalf("the mark of %s is %d, %v, and its head %d", stream, mark, err, head)
	}
}
