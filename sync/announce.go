package querysync

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Announcing is what a View also implements if what follows it hears of its
// changes from the streams changes/{n}, as in a store that does not number its
// transactions. Its rows remember up to where they were announced.
type Announcing interface {
	View
	// Standing tells how far the stream's row has got and up to where that was
	// announced; untidy, that its entity was removed, and that rows of other streams
	// which ended with it have yet to be changed.
	Standing(ctx context.Context, stream eventstream.StreamID) (seq, announced eventstream.Seq, untidy bool, err error)
	// SetAnnounced notes that the row was announced up to the number. A row that was
	// announced further stays as it is.
	SetAnnounced(ctx context.Context, position eventstream.Position) error
	// Tidy changes some of the rows of other streams that a removed entity's end
	// left behind, and names them, at most a few hundred; none when there are none
	// left. They are named again by the next call until Tidied is called for them.
	Tidy(ctx context.Context, ended eventstream.StreamID) ([]eventstream.Position, error)
	// Tidied notes that rows which Tidy named were announced. Without any, it notes
	// that nothing is left to tidy after the entity.
	Tidied(ctx context.Context, ended eventstream.StreamID, rows []eventstream.Position) error
}

// standing is what Announcing.Standing tells of a row.
type standing struct {
	seq, announced eventstream.Seq
	untidy         bool
	// alone tells that the view does not announce.
	alone bool
}

// atOnce is how many streams are worked on at a time.
const atOnce = 16

// Handle brings every view to where the positions say; without an error each of
// them is applied and announced, or parked on record. Positions may repeat, be
// old, and be of streams that no view shows. An error says that the storage
// failed: the same positions must be handed over again.
//
// A position that the store does not have, and does not get within a moment, is
// counted and passed over: it cannot be one of this store.
func (s *Synchroniser) Handle(ctx context.Context, positions []eventstream.Position) error {
	return s.whole(ctx, func(bands []*band) error {
		for _, b := range bands {
			if _, err := b.handle(ctx, positions, told); err != nil {
				return fmt.Errorf("bring views up to date: %w", err)
			}
		}
		return nil
	})
}

// origin is where a position is known from.
type origin int

const (
	// told by a feed: it may be none of this store.
	told origin = iota
	// named by a commit of the store, or by its index: it is there, though the items
	// of one transaction may show one by one.
	named
)

// handle is Handle for the views that a view announces with.
func (f *follower) handle(ctx context.Context, positions []eventstream.Position, from origin) error {
	_, err := f.band().handle(ctx, positions, from)
	return err
}

// newest sorts positions into those that a view shows and those of shards, each
// stream once with its highest number, in the order in which they first come.
func newest(view View, positions []eventstream.Position) (shown, shards []eventstream.Position) {
	at := make(map[eventstream.StreamID]int, len(positions))
	keep := func(list *[]eventstream.Position, position eventstream.Position) {
		i, there := at[position.Stream]
		if !there {
			at[position.Stream] = len(*list)
			*list = append(*list, position)
			return
		}
		(*list)[i].Seq = max((*list)[i].Seq, position.Seq)
	}
	for _, position := range positions {
		switch {
		case isShard(position.Stream):
			keep(&shards, position)
		case view.Shows(position.Stream):
			keep(&shown, position)
		}
	}
	return shown, shards
}

// handleOne brings one row to a number, and tells where it stands then.
func (f *follower) handleOne(ctx context.Context, position eventstream.Position, from origin) (row standing, applied int, err error) {
	if row, err = f.standing(ctx, position.Stream); err != nil || row.seq >= position.Seq {
		return row, 0, err
	}
	applied, err = f.bringPatiently(ctx, row.seq, position)
	switch {
	case errors.Is(err, ErrUnknownPosition) && from == named:
		return row, applied, fmt.Errorf("%w: a stream of kind %s does not show what is named of it yet", eventstream.ErrUnavailable, position.Stream.Kind())
	case errors.Is(err, ErrUnknownPosition):
		f.metrics.phantoms.Inc()
	case err != nil && !errors.Is(err, ErrParked):
		return row, applied, err
	}
	row, err = f.standing(ctx, position.Stream)
	return row, applied, err
}

// looksForOne is how often a position that does not show is looked for.
const looksForOne = 10

// bringPatiently is bring for a position that may be about to show.
func (f *follower) bringPatiently(ctx context.Context, row eventstream.Seq, position eventstream.Position) (applied int, err error) {
	for look := 1; ; look++ {
		n, err := f.bringFrom(ctx, eventstream.Position{Stream: position.Stream, Seq: row}, position.Seq, false)
		applied += n
		if !errors.Is(err, ErrUnknownPosition) || look == looksForOne {
			return applied, err
		}
		row = unread
		if err := pause(ctx, look); err != nil {
			return applied, err
		}
	}
}

func (f *follower) standing(ctx context.Context, stream eventstream.StreamID) (row standing, err error) {
	if f.announcing != nil {
		row.seq, row.announced, row.untidy, err = f.announcing.Standing(ctx, stream)
	} else if row.seq, err = f.view.Seq(ctx, stream); err == nil {
		row.announced, row.alone = row.seq, true
	}
	if err != nil {
		return row, fmt.Errorf("read where the row is: %w", err)
	}
	return row, nil
}

// tidy changes what a removed entity left behind, and announces it unless it is
// quiet. It may be cut
// off anywhere and begun again.
func (f *follower) tidy(ctx context.Context, ended eventstream.StreamID, b *band, quiet bool) error {
	for {
		rows, err := f.announcing.Tidy(ctx, ended)
		if err != nil {
			return fmt.Errorf("tidy up after a removed %s: %w", ended.Kind(), err)
		}
		if len(rows) > 0 && !quiet {
			if err := f.s.options.Changes.announce(ctx, ends(rows), b.check); err != nil {
				return err
			}
			f.metrics.announced.Add(float64(len(rows)))
		}
		if err := f.announcing.Tidied(ctx, ended, rows); err != nil {
			return fmt.Errorf("tidy up after a removed %s: %w", ended.Kind(), err)
		}
		if len(rows) == 0 {
			return nil
		}
	}
}

// ends makes notices of rows that have changed without a commit of their own: they
// cover none.
func ends(rows []eventstream.Position) []Notice {
	notices := make([]Notice, len(rows))
	for i, row := range rows {
		notices[i] = Notice{row, row.Seq}
	}
	return notices
}
