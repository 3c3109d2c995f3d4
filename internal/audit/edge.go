package audit

import (
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// edgeKey names an edge: the group, then the member.
type edgeKey [32]byte

func edgeOf(group, member uuid.UUID) (key edgeKey) {
	copy(key[:16], group[:])
	copy(key[16:], member[:])
	return key
}

func (k edgeKey) group() uuid.UUID  { return uuid.UUID(k[:16]) }
func (k edgeKey) member() uuid.UUID { return uuid.UUID(k[16:]) }
func (k edgeKey) stream() eventstream.StreamID {
	return eventstream.MemberStream(k.group(), k.member())
}

// edge is the fold of a member stream.
type edge struct {
	seq     uint64
	since   int64
	present bool
	nested  bool // the member is a group
	broken  bool // the fold is not known
	// shown has a bit for each of the two lists that showed the edge.
	shown uint8
}

func (e edge) kind() domain.MemberKind {
	if e.nested {
		return domain.GroupMember
	}
	return domain.UserMember
}

// membership is the edge as the domain has it.
func (e edge) membership(key edgeKey) domain.Membership {
	m := domain.Membership{Group: domain.GroupID{UUID: key.group()}, Member: key.member(), Seq: e.seq, Present: e.present, Kind: e.kind()}
	if e.since != 0 {
		m.Since = time.UnixMilli(e.since).UTC()
	}
	return m
}

// row is what a view must show of the edge: one of a removed end is not present.
func (a *audit) row(key edgeKey, e edge) domain.Membership {
	m := e.membership(key)
	m.Present = m.Present && !a.groups[key.group()].removed && !a.memberOf(key, e).removed
	return m
}

func (a *audit) learnEdge(commit *eventstream.Commit, events []domain.Event, whole bool) {
	ids := commit.Stream.UUIDs()
	if len(ids) != 2 {
		a.find(commit, "the stream's id is malformed")
		return
	}
	key := edgeOf(ids[0], ids[1])
	known := a.edges[key]
	if known.broken || !whole {
		known.broken = true
		a.edges[key] = known
		return
	}
	membership := known.membership(key)
	if err := membership.Apply(uint64(commit.Seq), commit.Time, events); err != nil {
		a.find(commit, "cannot be folded: "+err.Error())
		return
	}
	if known.seq > 0 && membership.Kind != known.kind() {
		a.find(commit, "the member changes its kind")
	}
	a.edges[key] = edgeFrom(&membership)
}

func edgeFrom(m *domain.Membership) edge {
	e := edge{seq: m.Seq, present: m.Present, nested: m.Kind == domain.GroupMember}
	if !m.Since.IsZero() {
		e.since = m.Since.UnixMilli()
	}
	return e
}

// known tells whether the folds of the edge and of both its ends are known.
func (a *audit) known(key edgeKey, e edge) bool {
	return !e.broken && !a.groups[key.group()].broken && !a.memberOf(key, e).broken
}

// counts tells whether the edge is one: present, and both of its ends live.
func (a *audit) counts(key edgeKey, e edge) bool {
	return e.present && a.groups[key.group()].lives() && a.memberOf(key, e).lives()
}

func (a *audit) memberOf(key edgeKey, e edge) entity {
	if e.nested {
		return a.groups[key.member()]
	}
	return a.users[key.member()]
}
