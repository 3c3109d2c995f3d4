package memview

import (
	"fmt"
	"math"
	"time"

	"github.com/seed5b6a70b4/identity/domain"
)

// edge is a membership's row: 28 bytes without pointers.
type edge struct {
	group, member ref
	// The first half of the member's id, which is nearly always enough to order
	// edges by without looking at nodes.
	idHigh, idLow uint32
	seq           uint32
	sinceLow      uint32 // Unix milliseconds, 48 bits
	sinceHigh     int16
	flags         edgeFlags
}

type edgeFlags uint16

const (
	edgePresent   edgeFlags = 1 << iota
	edgeOfGroup             // the member is a group
	announcedFrom = 2       // the bits from which the announced stage stands
)

func (e *edge) present() bool { return e.flags&edgePresent != 0 }

func (e *edge) side() side {
	if e.flags&edgeOfGroup != 0 {
		return groupSide
	}
	return userSide
}

// announced is the stage of the group that the member's document was last
// announced with.
func (e *edge) announced() stage { return stage(e.flags >> announcedFrom) }

func (e *edge) announce(to stage) {
	e.flags = e.flags&(edgePresent|edgeOfGroup) | edgeFlags(to)<<announcedFrom
}

// revision is what the edge adds to the revision of its member's document. It
// depends on the edge alone, so that it is the same however the rows were made,
// and every change of the edge raises it.
func (e *edge) revision() uint64 {
	if !e.present() {
		return 3 * uint64(e.seq)
	}
	return 3*uint64(e.seq) + uint64(e.announced())
}

func newEdge(nodes *nodes, group, member ref) edge {
	high, _ := halves(nodes.at(member).id)
	return edge{group: group, member: member, idHigh: uint32(high >> 32), idLow: uint32(high)}
}

// membership is the edge as the domain has it, but for the ids of its ends.
func (e *edge) membership() domain.Membership {
	m := domain.Membership{Seq: uint64(e.seq), Present: e.present()}
	if e.seq > 0 {
		m.Kind = e.side().kind()
		m.Since = time.UnixMilli(int64(e.sinceHigh)<<32 | int64(e.sinceLow)).UTC()
	}
	return m
}

// set makes the edge what the membership is. It fails for what it cannot
// hold.
func (e *edge) set(m *domain.Membership) error {
	since := m.Since.UnixMilli()
	if m.Seq > math.MaxUint32 || since>>32 != int64(int16(since>>32)) {
		return fmt.Errorf("membership with seq %d cannot be held", m.Seq)
	}
	e.seq, e.sinceLow, e.sinceHigh = uint32(m.Seq), uint32(since), int16(since>>32)
	announced := e.announced()
	e.flags = 0
	if m.Present {
		e.flags |= edgePresent
	}
	switch m.Kind {
	case domain.UserMember:
	case domain.GroupMember:
		e.flags |= edgeOfGroup
	default:
		return fmt.Errorf("%w: a member of an unknown kind", domain.ErrUnknownEvent)
	}
	e.announce(announced)
	return nil
}

// key places an edge in its group's list.
func (e edge) key(nodes *nodes) key { return keyOf(e.group, nodes.at(e.member).id) }

func (e edge) compare(nodes *nodes, k key) int {
	if e.group != k.owner {
		return order(e.group < k.owner)
	}
	if high := uint64(e.idHigh)<<32 | uint64(e.idLow); high != k.high {
		return order(high < k.high)
	}
	return e.key(nodes).compare(k)
}

// backEdge is an edge in its member's list.
type backEdge struct{ member, group ref }

func (b backEdge) key(nodes *nodes) key { return keyOf(b.member, nodes.at(b.group).id) }

func (b backEdge) compare(nodes *nodes, k key) int {
	if b.member != k.owner {
		return order(b.member < k.owner)
	}
	return b.key(nodes).compare(k)
}

// listed is an entity in the list of all of its kind.
type listed ref

func (l listed) key(nodes *nodes) key { return keyOf(0, nodes.at(ref(l)).id) }

func (l listed) compare(nodes *nodes, k key) int { return l.key(nodes).compare(k) }
