package querysync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// band is views that announce together: a notice is written once all of them show
// what it tells of. So whoever has read up to a position of the change feed finds
// all of it in any of them, whichever answers next. A view that does not announce
// is a band by itself.
type band struct {
	s       *Synchroniser
	members []*follower
	// known are the followers of which the band was made: with others there may be
	// another member.
	known *[]*follower
	// quiet tells that what was announced and tidied in another member need not be
	// announced once more.
	quiet bool
	// anew tells that rows are announced whatever was: they said something else then.
	anew bool
}

// bands are all followers.
func (s *Synchroniser) bands() []*band {
	known := s.followers.Load()
	if known == nil {
		return nil
	}
	together := &band{s: s, known: known}
	bands := []*band{together}
	for _, f := range *known {
		if f.announcing != nil {
			together.members = append(together.members, f)
		} else {
			bands = append(bands, &band{s: s, known: known, members: []*follower{f}})
		}
	}
	if len(together.members) == 0 {
		return bands[1:]
	}
	return bands
}

// band is the one that a follower belongs to.
func (f *follower) band() *band {
	for _, b := range f.s.bands() {
		for _, member := range b.members {
			if member == f {
				return b
			}
		}
	}
	return &band{s: f.s, members: []*follower{f}, known: f.s.followers.Load()}
}

// handle is Synchroniser.Handle for the members; it tells how many commits each of
// them lacked.
func (b *band) handle(ctx context.Context, positions []eventstream.Position, from origin) (lacked []int, err error) {
	shown, shards := newest(b.members[0].view, positions)
	counts := make([]atomic.Int64, len(b.members))
	for some := range slices.Chunk(shown, announcedAtOnce) {
		if err = b.handleSome(ctx, some, from, counts); err != nil {
			break
		}
	}
	lacked = make([]int, len(b.members))
	for i := range counts {
		lacked[i] = int(counts[i].Load())
	}
	if err != nil {
		return lacked, err
	}
	for _, f := range b.members {
		for _, shard := range shards {
			if err := f.handleShard(ctx, shard); err != nil {
				return lacked, err
			}
		}
		if err := f.parked.save(); err != nil {
			return lacked, err
		}
	}
	return lacked, nil
}

// announcedAtOnce is how many rows are brought up to date before they are announced.
// A feed hands over a thousand positions and more: where the storage is slow, whoever
// follows would wait for the last of them to hear of the first, and what is cut off
// would have announced nothing.
const announcedAtOnce = 64

// handleSome brings rows up to date, announces them, and tidies up after them.
func (b *band) handleSome(ctx context.Context, shown []eventstream.Position, from origin, lacked []atomic.Int64) error {
	rows := make([]bandRow, len(shown))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, position := range shown {
		group.Go(func() (err error) {
			rows[i], err = b.bring(within, position, from, lacked)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := b.announce(ctx, rows); err != nil {
		return err
	}
	for i := range rows {
		if err := b.tidy(ctx, &rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// bandRow is where a stream's row stands in each member.
type bandRow struct {
	stream eventstream.StreamID
	at     []standing
	parked []bool
}

// bring brings a row of each member to a number.
func (b *band) bring(ctx context.Context, position eventstream.Position, from origin, lacked []atomic.Int64) (bandRow, error) {
	row := bandRow{position.Stream, make([]standing, len(b.members)), make([]bool, len(b.members))}
	for i, f := range b.members {
		at, applied, err := f.handleOne(ctx, position, from)
		lacked[i].Add(int64(applied))
		if err != nil {
			return row, fmt.Errorf("view %s: %w", f.view.Name(), err)
		}
		row.at[i], row.parked[i] = at, f.parked.has(position.Stream)
	}
	return row, nil
}

// told is up to where the row was announced: what any member notes of that is so.
func (r *bandRow) told() (seq eventstream.Seq) {
	for _, at := range r.at {
		seq = max(seq, at.announced)
	}
	return seq
}

// due is up to where the row can be announced: every member shows it, but for
// those that cannot for now, whose readers are told so.
func (r *bandRow) due() (seq eventstream.Seq) {
	first := true
	for i, at := range r.at {
		if r.parked[i] {
			continue
		}
		if first || at.seq < seq {
			seq = at.seq
		}
		first = false
	}
	if !first {
		return seq
	}
	for _, at := range r.at {
		seq = max(seq, at.seq)
	}
	return seq
}

// announce writes the notices that are due, and notes in the rows what was
// announced.
func (b *band) announce(ctx context.Context, rows []bandRow) error {
	var due []Notice
	for i := range rows {
		told, seq := rows[i].told(), rows[i].due()
		if b.anew {
			told = 0
		}
		if seq > told {
			due = append(due, Notice{eventstream.Position{Stream: rows[i].stream, Seq: seq}, told})
		}
	}
	if len(due) > 0 {
		if err := b.s.options.Changes.announce(ctx, due, b.check); err != nil {
			return err
		}
		b.members[0].metrics.announced.Add(float64(len(due)))
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range rows {
		told := max(rows[i].told(), rows[i].due())
		for j, f := range b.members {
			at := rows[i].at[j]
			if note := min(told, at.seq); note > at.announced {
				group.Go(func() error {
					return f.announcing.SetAnnounced(ctx, eventstream.Position{Stream: rows[i].stream, Seq: note})
				})
			}
		}
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("note what was announced: %w", err)
	}
	return nil
}

// tidy tidies up after an entity that was removed, in each member that has yet to.
func (b *band) tidy(ctx context.Context, row *bandRow) error {
	quiet := false
	for _, at := range row.at {
		quiet = quiet || b.quiet && at.seq > 0 && !at.untidy && !at.alone
	}
	for i, f := range b.members {
		if !row.at[i].untidy {
			continue
		}
		if err := f.tidy(ctx, row.stream, b, quiet); err != nil {
			return err
		}
	}
	return nil
}

// errOtherViews says that another view is followed by now: what was handled has to
// be handled again, with it.
var errOtherViews = errors.New("other views are followed by now")

// check fails unless the band is whole. Who has just looked up where the change
// feed ends makes sure, with whoever adds views, that it knows of all of them.
func (b *band) check(ctx context.Context, looked bool) error {
	if looked && b.s.options.Confirm != nil {
		if err := b.s.options.Confirm(ctx); err != nil {
			return err
		}
	}
	if b.s.followers.Load() != b.known {
		return errOtherViews
	}
	return nil
}

// whole does something with the bands there are, again if there are others by the
// time that it is done.
func (s *Synchroniser) whole(ctx context.Context, do func([]*band) error) error {
	for {
		known, err := s.followers.Load(), do(s.bands())
		if err != nil && !errors.Is(err, errOtherViews) {
			return err
		}
		if err == nil && s.options.Confirm != nil {
			if err := s.options.Confirm(ctx); err != nil {
				return err
			}
		}
		if err == nil && s.followers.Load() == known {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// Fill brings views to positions that are in the store, as Handle does: those of
// streams that a view lacks altogether, because it was followed only lately. What
// another view that announces has had announced, and tidied, is noted without being
// announced once more. Streams users/{n} and groups/{n} are left out: the marks of a
// view that is filled are set by whoever fills it.
func (s *Synchroniser) Fill(ctx context.Context, positions []eventstream.Position) error {
	var entities []eventstream.Position
	for _, position := range positions {
		if !isShard(position.Stream) {
			entities = append(entities, position)
		}
	}
	return s.whole(ctx, func(bands []*band) error {
		for _, b := range bands {
			b.quiet = true
			if _, err := b.handle(ctx, entities, named); err != nil {
				return fmt.Errorf("fill views: %w", err)
			}
		}
		return nil
	})
}
