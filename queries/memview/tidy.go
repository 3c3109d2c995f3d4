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

// tidyStep is how many memberships are looked at under one lock.
const tidyStep = 256

func (v *View) tidyNode(ctx context.Context, r ref) error {
	for _, next := range []func(key) ([]edgeID, key, bool){v.unannounced, v.ended} {
		for after, more := (key{owner: r}), true; more; {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			var step []edgeID
			step, after, more = next(after)
			v.settle(step)
		}
	}
	return nil
}

// unannounced looks at some listed edges of a group, beyond a key, and gives those
// whose members were last announced with another stage of the group; and from
// where to go on, if there are more.
func (v *View) unannounced(after key) (found []edgeID, next key, more bool) {
	shard := v.shard(after.owner)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	at, looked := v.nodes.at(after.owner).stage(groupSide), 0
	for e := range shard.edges.after(after) {
		if e.group != after.owner {
			break
		}
		if e.announced() != at {
			found = append(found, edgeID{e.group, e.member})
		}
		if looked++; looked == tidyStep {
			return found, e.key(v.nodes), true
		}
	}
	return found, after, false
}

// ended gives some listed edges of a member, beyond a key, if the member is
// removed; and from where to go on, if there are more.
func (v *View) ended(after key) (found []edgeID, next key, more bool) {
	node := v.nodes.at(after.owner)
	if node.stage(userSide) != gone && node.stage(groupSide) != gone {
		return nil, after, false
	}
	groups := v.groups(after, tidyStep)
	for _, group := range groups {
		found = append(found, edgeID{group, after.owner})
	}
	if len(groups) < tidyStep {
		return found, after, false
	}
	return found, keyOf(after.owner, v.id(groups[tidyStep-1])), true
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
	defer v.lockBoth(id.group, id.member).unlock()
	e, isListed := v.current(id.group, id.member)
	if !isListed {
		return e, false
	}
	old := e
	v.replaceEdge(&old, true, &e)
	return e, e.revision() != old.revision()
}

func (v *View) id(r ref) uuid.UUID { return v.nodes.at(r).id }
