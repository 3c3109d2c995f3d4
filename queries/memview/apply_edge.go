package memview

import (
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// applyEdge folds commits into a membership and lists it under both of its ends,
// or takes it off.
func (v *View) applyEdge(group, member uuid.UUID, commits []eventstream.Commit) error {
	old, known := v.edge(group, member)
	m := old.membership()
	if commits[0].Seq != eventstream.Seq(m.Seq)+1 {
		return eventstream.ErrMoved
	}
	if err := foldAll(commits, m.Apply); err != nil {
		return err
	}
	if !known {
		old = newEdge(v.nodes, v.nodes.need(group), v.nodes.need(member))
	}
	e := old
	if err := e.set(&m); err != nil {
		return err
	}
	if err := v.storeEdge(&old, &e); err != nil {
		return err
	}
	if v.nodes.at(e.member).stage(e.side()) != unknown {
		v.changed(Entity{e.side().kind(), member})
	}
	return nil
}

// storeEdge writes an edge if it still stands where old does.
func (v *View) storeEdge(old, e *edge) error {
	defer v.lockBoth(e.group, e.member).unlock()
	current, wasListed := v.current(e.group, e.member)
	if current.seq != old.seq {
		return eventstream.ErrMoved
	}
	v.replaceEdge(&current, wasListed, e)
	return nil
}

// replaceEdge writes an edge in the place of another, whose announced stage it
// brings up to date: the caller, who holds both shards, has the member's
// document announced.
func (v *View) replaceEdge(old *edge, wasListed bool, e *edge) {
	groupStage := v.nodes.at(e.group).stage(groupSide)
	member := v.nodes.at(e.member)
	e.announce(groupStage)
	groups, members := v.shard(e.group), v.shard(e.member)
	back := backEdge{e.member, e.group}
	if e.present() && groupStage != gone && member.stage(e.side()) != gone {
		groups.edges.put(*e)
		if wasFormer := !wasListed && old.seq > 0; wasFormer {
			groups.former.remove(e.key(v.nodes))
			members.formerBacks.remove(back.key(v.nodes))
		}
		if !wasListed {
			members.backs.put(back)
		}
	} else {
		groups.former.put(*e)
		members.formerBacks.put(back)
		if wasListed {
			groups.edges.remove(e.key(v.nodes))
			members.backs.remove(back.key(v.nodes))
		}
	}
	member.raise(e.revision() - old.revision())
}

// current gives an edge and whether it is listed; the zero edge if it is not
// known. The caller holds the group's shard.
func (v *View) current(group, member ref) (e edge, isListed bool) {
	shard, k := v.shard(group), keyOf(group, v.nodes.at(member).id)
	if listed := shard.edges.get(k); listed != nil {
		return *listed, true
	}
	if former := shard.former.get(k); former != nil {
		return *former, false
	}
	return edge{}, false
}

// edge gives the row of a membership, and whether both of its ends have nodes.
// The row that is not known has seq 0.
func (v *View) edge(group, member uuid.UUID) (e edge, known bool) {
	g, ok := v.nodes.find(group)
	if !ok {
		return edge{}, false
	}
	m, ok := v.nodes.find(member)
	if !ok {
		return edge{}, false
	}
	shard := v.shard(g)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	if e, _ = v.current(g, m); e.seq == 0 {
		e = newEdge(v.nodes, g, m)
	}
	return e, true
}
