package feedtest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// play is one run of a world, a view and who feeds it.
type play struct {
	t    *testing.T
	h    Harness
	w    *world
	view querysync.PositionedView
	// fed is the view as the synchroniser sees it.
	fed  querysync.PositionedView
	from *querysync.Synchroniser
	// open is what was told and may still be delivered.
	open [][]eventstream.Commit
	seen int
}

func newPlay(t *testing.T, rt *rapid.T, h Harness, wrap func(querysync.PositionedView) querysync.PositionedView) *play {
	p := &play{t: t, h: h, w: newWorld(), view: h.New(t)}
	p.fed = wrap(p.view)
	p.restart(rt)
	return p
}

func asItIs(view querysync.PositionedView) querysync.PositionedView { return view }

// restart loses everything but the store and the view.
func (p *play) restart(rt *rapid.T) {
	s, err := querysync.New(p.w.streams, []querysync.View{p.fed}, nil)
	if err != nil {
		rt.Fatalf("make a synchroniser: %v", err)
	}
	p.from = s
}

func (p *play) write(rt *rapid.T) {
	changes := rapid.SliceOfN(rapid.Custom(drawChange), 1, 4).Draw(rt, "changes")
	if err := p.w.write(p.t.Context(), changes...); err != nil {
		rt.Fatalf("%v", err)
	}
	p.open = append(p.open, p.w.told[p.seen:]...)
	p.seen = len(p.w.told)
}

func drawChange(rt *rapid.T) change {
	return change{
		what:  rapid.IntRange(0, kinds-1).Draw(rt, "what"),
		which: rapid.IntRange(0, 3).Draw(rt, "which"),
		where: rapid.IntRange(0, 3).Draw(rt, "where"),
		value: rapid.IntRange(0, 9).Draw(rt, "value"),
	}
}

// pick draws some of what is open, in any order.
func (p *play) pick(rt *rapid.T) []int {
	if len(p.open) == 0 {
		rt.Skip("nothing is open")
	}
	return rapid.SliceOfN(rapid.IntRange(0, len(p.open)-1), 1, 3).Draw(rt, "which of those told")
}

func (p *play) deliver(rt *rapid.T) {
	var batch [][]eventstream.Commit
	for _, at := range p.pick(rt) {
		batch = append(batch, p.open[at])
	}
	p.from.Observe(batch)
}

// deliverCut loses some commits of each transaction on the way.
func (p *play) deliverCut(rt *rapid.T) {
	var batch [][]eventstream.Commit
	for _, at := range p.pick(rt) {
		batch = append(batch, p.open[at][:rapid.IntRange(0, len(p.open[at])).Draw(rt, "cut at")])
	}
	p.from.Observe(batch)
}

// deliverUnnumbered is what a feed does that knows no log.
func (p *play) deliverUnnumbered(rt *rapid.T) {
	transaction := slices.Clone(p.open[p.pick(rt)[0]])
	for i := range transaction {
		transaction[i].Log = 0
	}
	p.from.Observe([][]eventstream.Commit{transaction})
}

func (p *play) drop(rt *rapid.T) {
	at := p.pick(rt)[0]
	p.open = slices.Delete(p.open, at, at+1)
}

func (p *play) doorbell(rt *rapid.T) {
	commit := rapid.SampledFrom(p.open[p.pick(rt)[0]]).Draw(rt, "commit")
	p.mayFail(rt, p.from.Ensure(p.t.Context(), p.fed, commit.Stream, commit.Seq))
}

func (p *play) sweep(rt *rapid.T) {
	p.mayFail(rt, p.from.Sweep(p.t.Context(), rapid.SampledFrom(p.sinces()).Draw(rt, "since")))
}

// mayFail accepts what a failing storage brings about, and nothing else.
func (p *play) mayFail(rt *rapid.T, err error) {
	if err != nil && !errors.Is(err, eventstream.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
		rt.Fatalf("ensure or sweep: %v", err)
	}
}

func (p *play) steps() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"write":              p.write,
		"write again":        p.write,
		"deliver":            p.deliver,
		"deliver cut":        p.deliverCut,
		"deliver unnumbered": p.deliverUnnumbered,
		"drop":               p.drop,
		"doorbell":           p.doorbell,
		"sweep":              p.sweep,
		"restart":            p.restart,
		"":                   func(rt *rapid.T) { claimsNoMore(p.t, rt, p.w, p.view) },
	}
}

// end sweeps over everything and compares.
func (p *play) end(rt *rapid.T) {
	p.restart(rt)
	if err := p.from.Sweep(p.t.Context(), p.sinces()[0]); err != nil {
		rt.Fatalf("last sweep: %v", err)
	}
	p.h.equalsFold(p.t, rt, p.w, p.view)
	if applied, end := p.view.Applied(), p.w.store.End(); applied != end {
		rt.Fatalf("the view is at %d of the log, which ends at %d", applied, end)
	}
}

func testBadFeed(t *testing.T, h Harness) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPlay(t, rt, h, asItIs)
		rt.Repeat(p.steps())
		p.end(rt)
	})
}

func testDoorbells(t *testing.T, h Harness) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPlay(t, rt, h, asItIs)
		for range rapid.IntRange(1, 12).Draw(rt, "writes") {
			p.write(rt)
		}
		var notices []eventstream.Position
		for _, transaction := range p.open {
			for i := range transaction {
				notices = append(notices, transaction[i].Position())
			}
		}
		for _, notice := range rapid.Permutation(notices).Draw(rt, "notices") {
			if err := p.from.Ensure(t.Context(), p.fed, notice.Stream, notice.Seq); err != nil {
				rt.Fatalf("ensure: %v", err)
			}
		}
		h.equalsFold(t, rt, p.w, p.view)
	})
}
