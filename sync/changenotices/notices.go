package changenotices

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// Notices are the announcements of a store. Run has to run; all other methods may
// be called concurrently.
type Notices struct {
	streams *eventstream.Streams
	parts   []eventstream.StreamID
	options Options
	latest  latest
}

// Options adjust Notices. The zero value is good.
type Options struct {
	// Poll is how often the streams are looked at while somebody waits; 250 ms if
	// zero.
	Poll time.Duration
	// Logger is told when they cannot be looked at. Nil tells nobody.
	Logger *slog.Logger
}

// New makes the Notices of a store's change feed.
func New(streams *eventstream.Streams, changes *querysync.Changes, options Options) *Notices {
	if options.Poll == 0 {
		options.Poll = 250 * time.Millisecond
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Notices{streams: streams, parts: changes.Streams(), options: options}
	n.latest.init(len(n.parts), options.Poll)
	return n
}

// TellsEnds is true: whoever writes announcements writes those too.
func (n *Notices) TellsEnds() bool { return true }

// Now is the place behind everything that was announced.
func (n *Notices) Now(ctx context.Context) (eventstream.Place, error) {
	heads := make([]eventstream.Position, len(n.parts))
	err := n.each(ctx, func(ctx context.Context, i int) (err error) {
		heads[i].Stream = n.parts[i]
		heads[i].Seq, err = n.streams.Head(ctx, n.parts[i])
		return err
	})
	if err != nil {
		return eventstream.Place{}, fmt.Errorf("read the heads of the change feed: %w", err)
	}
	return eventstream.Place{At: eventstream.NewToken(heads...)}, nil
}

func (n *Notices) each(ctx context.Context, do func(ctx context.Context, part int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range n.parts {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

var errForeignPlace = errors.New("a place that is none of the change feed's")

// seqs are how far a place has got in each part, and which part is told in part,
// -1 for none.
func (n *Notices) seqs(place eventstream.Place) (seqs []eventstream.Seq, partly int, err error) {
	seqs, partly = make([]eventstream.Seq, len(n.parts)), -1
	for _, position := range place.At {
		i := slices.Index(n.parts, position.Stream)
		if i < 0 {
			return nil, -1, fmt.Errorf("%w: %w", eventstream.ErrUnknownPosition, errForeignPlace)
		}
		seqs[i] = position.Seq
	}
	if place.Part != "" {
		partly = slices.Index(n.parts, place.Part)
	}
	if (place.Part == "") != (place.Told == 0) || place.Part != "" && partly < 0 {
		return nil, -1, fmt.Errorf("%w: %w", eventstream.ErrUnknownPosition, errForeignPlace)
	}
	return seqs, partly, nil
}

// commitsFor is how many commits of a part are read for a page: they hold up to a
// few hundred announcements each, most of them few.
func commitsFor(limit int) int { return min(max(limit/16, 2), 16) }

// After gives announcements behind a place, about limit of them, and the place
// behind them. That the two places are the same says that there is nothing more
// yet. A place that there never was is eventstream.ErrUnknownPosition.
func (n *Notices) After(ctx context.Context, place eventstream.Place, limit int) ([]eventstream.Announcement, eventstream.Place, error) {
	seqs, partly, err := n.seqs(place)
	if err != nil {
		return nil, place, err
	}
	commits, recent := n.latest.after(seqs, partly)
	if !recent {
		commits = make([][]commit, len(n.parts))
		err = n.each(ctx, func(ctx context.Context, i int) (err error) {
			commits[i], err = n.behind(ctx, i, seqs[i], commitsFor(limit))
			return err
		})
		if err != nil {
			return nil, place, fmt.Errorf("read the change feed: %w", err)
		}
	}
	if partly >= 0 && len(commits[partly]) == 0 {
		return nil, place, eventstream.ErrUnknownPosition // what was told in part
	}
	told, next := gather(n.parts, partly, place, commits, limit)
	return told, next, nil
}

// behind reads what a part announces behind a commit, which it makes sure of.
func (n *Notices) behind(ctx context.Context, part int, seq eventstream.Seq, limit int) ([]commit, error) {
	if seq == 0 {
		return n.read(ctx, part, 0, limit)
	}
	commits, err := n.read(ctx, part, seq-1, limit+1)
	if err != nil {
		return nil, err
	}
	if len(commits) == 0 {
		return nil, eventstream.ErrUnknownPosition
	}
	return commits[1:], nil
}

// commit is what a commit of a part announces.
type commit struct {
	seq       eventstream.Seq
	positions []eventstream.Position
}

// read gives what a part announces after a number, in at most some commits.
func (n *Notices) read(ctx context.Context, part int, after eventstream.Seq, limit int) ([]commit, error) {
	var commits []commit
	for c, err := range n.streams.Read(ctx, n.parts[part], after) {
		if err != nil {
			return nil, err
		}
		notices, err := querysync.DecodeNotices(&c)
		if err != nil {
			return nil, err
		}
		if commits = append(commits, commit{c.Seq, querysync.Positions(notices)}); len(commits) == limit {
			break
		}
	}
	return commits, nil
}

// gather puts together what the parts announce, the one that was told in part
// first.
func gather(parts []eventstream.StreamID, partly int, place eventstream.Place, commits [][]commit, limit int) ([]eventstream.Announcement, eventstream.Place) {
	var found []eventstream.Announcement
	order := make([]int, 0, len(parts))
	if partly >= 0 {
		order = append(order, partly)
	}
	for i := range parts {
		if i != partly {
			order = append(order, i)
		}
	}
	here := place
	for _, i := range order {
		for _, c := range commits[i] {
			if len(found) >= limit {
				return found, here
			}
			next := eventstream.Place{At: here.At.Merge(eventstream.Token{{Stream: parts[i], Seq: c.seq}})}
			begin := 0
			if here.Part == parts[i] {
				begin = min(here.Told, len(c.positions))
			}
			for k := begin; k < len(c.positions); k++ {
				a := eventstream.Announcement{Position: c.positions[k], Here: here, Next: next}
				if k+1 < len(c.positions) {
					a.Next = eventstream.Place{At: here.At, Part: parts[i], Told: k + 1}
				}
				found = append(found, a)
				here = a.Next
			}
			here = next
		}
	}
	return found, here
}

// Wait returns when there may be something behind the place, or when ctx ends,
// with its error.
func (n *Notices) Wait(ctx context.Context, place eventstream.Place) error {
	seqs, partly, err := n.seqs(place)
	if err != nil {
		return err
	}
	return n.latest.wait(ctx, seqs, partly >= 0)
}
