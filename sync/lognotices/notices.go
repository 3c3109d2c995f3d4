package lognotices

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Notices are the changes that a log holds, up to where a view has applied it.
// All methods may be called concurrently.
type Notices struct {
	log     eventstream.Log
	applied func() uint64
	latest  latest
}

// New makes the Notices of a log; applied is the view's position in it, which only
// rises.
func New(log eventstream.Log, applied func() uint64) *Notices {
	return &Notices{log: log, applied: applied}
}

// Observe is an eventstream.Observer: it wakes those who wait. It must be called
// after the view was.
func (n *Notices) Observe(transactions [][]eventstream.Commit) { n.latest.add(transactions) }

// TellsEnds is false: a removed entity's memberships are not told of, though they
// end with it.
func (n *Notices) TellsEnds() bool { return false }

// Now is the place behind everything that the view shows.
func (n *Notices) Now(context.Context) (eventstream.Place, error) { return placeAt(n.end()), nil }

func (n *Notices) end() uint64 { return min(n.applied(), n.log.End()) }

func placeAt(position uint64) eventstream.Place {
	if position == 0 {
		return eventstream.Place{}
	}
	return eventstream.Place{At: eventstream.Token{{Stream: eventstream.LogStream, Seq: eventstream.Seq(position)}}}
}

// Bounds of what one After goes over.
const (
	maxTransactions = 4096
	maxWithin       = 1 << 20 // announcements of one transaction; there are far fewer
)

var errForeignPlace = errors.New("a place that is none of a log's")

func readPlace(place eventstream.Place) (position uint64, told int, err error) {
	if len(place.At) > 1 || len(place.At) == 1 && place.At[0].Stream != eventstream.LogStream ||
		place.Part != "" && place.Part != eventstream.LogStream || (place.Part == "") != (place.Told == 0) || place.Told < 0 || place.Told > maxWithin {
		return 0, 0, fmt.Errorf("%w: %w", eventstream.ErrUnknownPosition, errForeignPlace)
	}
	return uint64(place.At.Seq(eventstream.LogStream)), place.Told, nil
}

// After gives announcements behind a place, about limit of them, and the place
// behind what was gone over, which may be further than the last of them. That the
// two places are the same says that there is nothing more yet. A place that there
// never was is eventstream.ErrUnknownPosition.
func (n *Notices) After(ctx context.Context, place eventstream.Place, limit int) ([]eventstream.Announcement, eventstream.Place, error) {
	position, told, err := readPlace(place)
	if err != nil {
		return nil, place, err
	}
	end := n.end()
	if position > n.log.End() || position == n.log.End() && told > 0 {
		return nil, place, eventstream.ErrUnknownPosition
	}
	if position >= end {
		return nil, place, nil
	}
	p := &page{limit: limit, told: told, at: position}
	if n.latest.read(p, end) {
		return p.found, p.behind(place), nil
	}
	for transaction, err := range n.log.Tail(ctx, position) {
		if err != nil {
			return nil, place, fmt.Errorf("read the log: %w", err)
		}
		if len(transaction) == 0 || transaction[0].Log > end || !p.add(transaction[0].Log, shown(transaction)) {
			break
		}
	}
	return p.found, p.behind(place), nil
}

// Wait returns when there may be something behind the place, or when ctx ends,
// with its error.
func (n *Notices) Wait(ctx context.Context, place eventstream.Place) error {
	position, told, err := readPlace(place)
	if err != nil {
		return err
	}
	changed, leave := n.latest.wait()
	defer leave()
	if n.end() > position || told > 0 {
		return nil
	}
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shown are the commits of a transaction that a view has rows for.
func shown(transaction []eventstream.Commit) []eventstream.Position {
	positions := make([]eventstream.Position, 0, len(transaction))
	for i := range transaction {
		switch transaction[i].Stream.Kind() {
		case eventstream.UserKind, eventstream.GroupKind, eventstream.MemberKind:
			positions = append(positions, transaction[i].Position())
		}
	}
	return positions
}

// page collects announcements.
type page struct {
	limit int
	told  int // of the transaction behind at
	at    uint64
	seen  int
	found []eventstream.Announcement
}

// add takes a transaction, and tells whether there may be another.
func (p *page) add(position uint64, positions []eventstream.Position) bool {
	here := placeAt(p.at)
	next := placeAt(position)
	for i := min(p.told, len(positions)); i < len(positions); i++ {
		a := eventstream.Announcement{Position: positions[i], Here: partly(here, i), Next: partly(here, i+1)}
		if i+1 == len(positions) {
			a.Next = next
		}
		p.found = append(p.found, a)
	}
	p.told, p.at = 0, position
	p.seen++
	return len(p.found) < p.limit && p.seen < maxTransactions
}

func partly(here eventstream.Place, told int) eventstream.Place {
	if told > 0 {
		here.Part, here.Told = eventstream.LogStream, told
	}
	return here
}

func (p *page) behind(before eventstream.Place) eventstream.Place {
	if p.seen == 0 {
		return before
	}
	return placeAt(p.at)
}
