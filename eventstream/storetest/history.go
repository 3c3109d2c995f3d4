package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
)

var historySentences = []sentence{
	{says: "any history answers as it does on the store in memory", test: testHistories},
}

// pair is a store and the store in memory, to which the same is done.
type pair struct {
	t     *testing.T
	h     Harness
	clock *clock
	given Options
	store eventstream.Store
	model *memstore.Store
	// streams are those of the history under way; each history has its own.
	streams []eventstream.StreamID
	ignore  []cmp.Option
}

// testHistories runs all histories on one store, each on streams of its own:
// opening a store can be dear, and what other streams hold must not matter.
func testHistories(t *testing.T, h Harness) {
	p := &pair{t: t, h: h, clock: newClock(noon)}
	if h.can(Clock) {
		p.given.Now = p.clock.now
	} else {
		p.ignore = append(p.ignore, cmpopts.IgnoreFields(eventstream.Commit{}, "Time", "Previous", "Hash"))
	}
	if !h.can(NumberedLog) {
		p.ignore = append(p.ignore, cmpopts.IgnoreFields(eventstream.Commit{}, "Log"))
	}
	p.store, p.model = h.New(t, p.given), memstore.New(&memstore.Options{Now: p.clock.now})
	t.Cleanup(func() { p.store.Close() })
	histories := 0
	rapid.Check(t, func(rt *rapid.T) {
		histories++
		p.streams = nil
		for i := range 5 {
			p.streams = append(p.streams, eventstream.StreamID(fmt.Sprintf("history/%d/%d", histories, i)))
		}
		steps := map[string]func(*rapid.T){"append": p.append, "append more": p.append, "read": p.read, "last": p.last, "recent": p.recent, "clock": p.moveClock}
		if h.can(NumberedLog) {
			steps["tail"] = p.tail
		}
		rt.Repeat(steps)
		if h.can(Durable) && rapid.IntRange(0, 9).Draw(rt, "reopen") == 0 {
			p.store = h.Reopen(t, p.store, p.given)
		}
		for _, p.streams[0] = range p.streams {
			p.readFrom(rt, p.streams[0], 0)
		}
	})
}

func (p *pair) same(rt *rapid.T, what string, got, want any) {
	rt.Helper()
	if diff := diffOf(got, want, p.ignore...); diff != "" {
		rt.Fatalf("%s (-memory +%s):\n%s", what, p.h.Name, diff)
	}
}

func (p *pair) append(rt *rapid.T) {
	tx := eventstream.Transaction{Command: uuid.New(), Actor: rapid.String().Filter(short).Draw(rt, "actor")}
	streams := rapid.Permutation(p.streams).Draw(rt, "streams")
	for _, stream := range streams[:rapid.IntRange(1, len(streams)).Draw(rt, "entries")] {
		last, _ := p.model.Last(p.t.Context(), stream)
		e := eventstream.Entry{Stream: stream, Expect: drawExpect(rt, last.Seq)}
		if rapid.IntRange(0, 3).Draw(rt, "writes") > 0 {
			e.Data = append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(rt, "data")...)
		}
		tx.Entries = append(tx.Entries, e)
	}
	got, err := p.store.Append(p.t.Context(), tx)
	want, wantErr := p.model.Append(p.t.Context(), tx)
	var conflict, wantConflict *eventstream.ConflictError
	if errors.As(wantErr, &wantConflict) {
		if !errors.As(err, &conflict) {
			rt.Fatalf("append: %v, want %v", err, wantErr)
		}
		p.same(rt, "conflicts", conflict.Conflicts, wantConflict.Conflicts)
		return
	}
	if (err == nil) != (wantErr == nil) || errors.Is(err, eventstream.ErrInvalid) != errors.Is(wantErr, eventstream.ErrInvalid) {
		rt.Fatalf("append: %v, want %v", err, wantErr)
	}
	p.same(rt, "commits of an append", got, want)
}

func short(text string) bool { return len(text) <= eventstream.MaxActor }

// drawExpect draws an expectation that mostly holds.
func drawExpect(rt *rapid.T, head eventstream.Seq) eventstream.Expect {
	switch rapid.IntRange(0, 9).Draw(rt, "expect") {
	case 0:
		return eventstream.Empty()
	case 1:
		return eventstream.Exists()
	case 2, 3:
		return eventstream.Any()
	case 4:
		return eventstream.Exactly(eventstream.Seq(rapid.Uint64Range(0, 5).Draw(rt, "seq")))
	default:
		return eventstream.Exactly(head)
	}
}

func (p *pair) stream(rt *rapid.T) eventstream.StreamID {
	return rapid.SampledFrom(p.streams).Draw(rt, "stream")
}

func (p *pair) read(rt *rapid.T) {
	p.readFrom(rt, p.stream(rt), eventstream.Seq(rapid.Uint64Range(0, 6).Draw(rt, "after")))
}

func (p *pair) readFrom(rt *rapid.T, stream eventstream.StreamID, after eventstream.Seq) {
	got, err := readAll(p.t.Context(), p.store, stream, after)
	if err != nil {
		rt.Fatalf("read: %v", err)
	}
	want, _ := readAll(p.t.Context(), p.model, stream, after)
	p.same(rt, "read", got, want)
}

func (p *pair) last(rt *rapid.T) {
	stream := p.stream(rt)
	got, err := p.store.Last(p.t.Context(), stream)
	if err != nil {
		rt.Fatalf("last: %v", err)
	}
	want, _ := p.model.Last(p.t.Context(), stream)
	p.same(rt, "last", got, want)
	if heads, knows := p.store.(eventstream.Heads); knows {
		head, err := heads.Head(p.t.Context(), stream)
		if err != nil || head != want.Seq {
			rt.Fatalf("the head is %d, %v; not %d", head, err, want.Seq)
		}
	}
}

// recent may name more than has moved, and earlier numbers, but no stream less.
func (p *pair) recent(rt *rapid.T) {
	since := time.Unix(0, p.clock.nanoseconds.Load()).Add(-time.Duration(rapid.IntRange(0, 5).Draw(rt, "seconds")) * time.Second)
	if !p.h.can(Clock) {
		since = time.Unix(0, 0)
	}
	found := map[eventstream.StreamID]bool{}
	for position, err := range p.store.Recent(p.t.Context(), since) {
		if err != nil {
			rt.Fatalf("recent: %v", err)
		}
		found[position.Stream] = true
		if last, _ := p.model.Last(p.t.Context(), position.Stream); position.Seq < 1 || position.Seq > last.Seq {
			rt.Fatalf("recent gives %d for a stream at %d", position.Seq, last.Seq)
		}
	}
	for position := range p.model.Recent(p.t.Context(), since) {
		if !found[position.Stream] {
			rt.Fatalf("recent leaves %q out", position.Stream)
		}
	}
}

func (p *pair) tail(rt *rapid.T) {
	end := p.model.End()
	after := end - min(end, rapid.Uint64Range(0, 8).Draw(rt, "back"))
	log := p.store.(eventstream.Log)
	got, err := tailAll(p.t.Context(), log, after)
	if err != nil {
		rt.Fatalf("tail: %v", err)
	}
	want, _ := tailAll(p.t.Context(), p.model, after)
	p.same(rt, "tail", got, want)
	p.same(rt, "end", log.End(), end)
}

func (p *pair) moveClock(rt *rapid.T) {
	p.clock.add(time.Duration(rapid.IntRange(-3000, 6000).Draw(rt, "milliseconds"))*time.Millisecond + 1)
}
