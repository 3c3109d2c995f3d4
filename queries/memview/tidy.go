package memview

import (
	"context"
	"sync"

	"github.com/google/uuid"
)

// chores are the nodes whose memberships have to be gone over, because one of
// their ends came or went.
type chores struct {
	mu    sync.Mutex
	nodes map[ref]struct{}
	added chan struct{} // holds a signal while there may be chores
}

func (c *chores) reset() {
	c.nodes = map[ref]struct{}{}
	c.added = make(chan struct{}, 1)
}

func (c *chores) add(r ref) {
	c.mu.Lock()
	c.nodes[r] = struct{}{}
	c.mu.Unlock()
	select {
	case c.added <- struct{}{}:
	default:
	}
}

func (c *chores) take() (ref, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for r := range c.nodes {
		delete(c.nodes, r)
		return r, true
	}
	return 0, false
}

func (c *chores) left() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.nodes)
}

// choreNeeded tells whether the node has memberships that a change of its stage
// concerns. The caller holds its shard.
func (v *View) choreNeeded(shard *shard, r ref, s side, to stage) bool {
	if s == groupSide {
		for e := range shard.edges.after(key{owner: r}) {
			if e.group == r {
				return true
			}
			break
		}
	}
	if to == gone {
		for b := range shard.backs.after(key{owner: r}) {
			return b.member == r
		}
	}
	return false
}

// Run tidies whenever there is something to tidy, until ctx ends, and returns
// why it did.
func (v *View) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-v.chores.added:
		}
		if err := v.Tidy(ctx); err != nil {
			return err
		}
	}
}

// Tidy goes over the memberships of entities that came after them or were
// removed, until none is left: those of removed ends are taken off the lists,
// which hid them already, and the members whose document changed are told to
// OnChange. It holds locks for one membership at a time. If ctx ends first, a
// later call, also after a Load or in a view that was folded anew, does the rest.
func (v *View) Tidy(ctx context.Context) error {
	for {
		r, ok := v.chores.take()
		if !ok {
			return nil
		}
		if err := v.tidyNode(ctx, r); err != nil {
			v.chores.add(r)
			return err
		}
	}
}

const tidyStep = 64

func (v *View) tidyNode(ctx context.Context, r ref) error {
	for _, next := range []func(ref, key) ([]edgeID, key){v.unannounced, v.ended} {
		after := key{owner: r}
		for {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			var step []edgeID
			if step, after = next(r, after); len(step) == 0 {
				break
			}
			v.settle(step)
		}
	}
	return nil
}

// unannounced gives listed edges of a group, beyond a key, whose members were
// last announced with another stage of the group; and the key to go on from.
func (v *View) unannounced(r ref, after key) ([]edgeID, key) {
	shard := v.shard(r)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	var found []edgeID
	at := v.nodes.at(r).stage(groupSide)
	for e := range shard.edges.after(after) {
		if e.group != r || len(found) == tidyStep {
			break
		}
		if after = e.key(v.nodes); e.announced() != at {
			found = append(found, edgeID{r, e.member})
		}
	}
	return found, after
}

// ended gives listed edges of a member, beyond a key, if the member is removed.
func (v *View) ended(r ref, after key) ([]edgeID, key) {
	node := v.nodes.at(r)
	if node.stage(userSide) != gone && node.stage(groupSide) != gone {
		return nil, after
	}
	shard := v.shard(r)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	var found []edgeID
	for b := range shard.backs.after(after) {
		if b.member != r || len(found) == tidyStep {
			break
		}
		after = b.key(v.nodes)
		found = append(found, edgeID{b.group, r})
	}
	return found, after
}

// settle writes edges as the stages of their ends demand.
func (v *View) settle(edges []edgeID) {
	touched := make([]Entity, 0, len(edges))
	for _, id := range edges {
		if e, changed := v.settleEdge(id); changed {
			touched = append(touched, Entity{e.side().kind(), v.id(id.member)})
		}
	}
	v.changed(touched...)
}

func (v *View) settleEdge(id edgeID) (e edge, changed bool) {
	defer v.lockBoth(id.group, id.member)()
	e, isListed := v.current(id.group, id.member)
	if !isListed {
		return e, false
	}
	old := e
	v.replaceEdge(&old, true, &e)
	return e, e.revision() != old.revision()
}

func (v *View) id(r ref) uuid.UUID { return v.nodes.at(r).id }
