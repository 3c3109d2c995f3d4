package memview

import (
	"slices"
)

// run is the edges of one group, as they follow each other in its shard.
type run struct {
	group ref
	edges []edge
}

// loadEdges lists the edges of each shard, and the former ones, and works out what
// follows from them: back references, what they add to revisions, and the chores
// that are left.
func (v *View) loadEdges(edges, former *[shardCount][]edge) error {
	known := ref(v.nodes.count.Load())
	for i := range v.shards {
		for _, some := range [][]edge{edges[i], former[i]} {
			for j := range some {
				if e := &some[j]; e.group >= known || e.member >= known || e.group%shardCount != ref(i) {
					return errMalformed
				}
			}
		}
	}
	inParallel(shardCount, func(i int) {
		shard := &v.shards[i]
		shard.edges.load(edges[i])
		shard.former.load(former[i])
		for j := range former[i] {
			e := &former[i][j]
			v.nodes.at(e.member).raise(e.revision())
		}
		for r := range runs(edges[i]) {
			v.loadRun(r)
		}
	})
	backs, formerBacks := v.backEdges(edges), v.backEdges(former)
	inParallel(shardCount, func(i int) {
		v.shards[i].backs.load(byMember(backs[i], known))
		v.shards[i].formerBacks.load(byMember(formerBacks[i], known))
	})
	return nil
}

// runs parts the edges of a shard by group.
func runs(edges []edge) func(yield func(run) bool) {
	return func(yield func(run) bool) {
		for start := 0; start < len(edges); {
			end := start + 1
			for end < len(edges) && edges[end].group == edges[start].group {
				end++
			}
			if !yield(run{edges[start].group, edges[start:end]}) {
				return
			}
			start = end
		}
	}
}

func (v *View) loadRun(r run) {
	at := v.nodes.at(r.group).stage(groupSide)
	late := false
	for i := range r.edges {
		e := &r.edges[i]
		member := v.nodes.at(e.member)
		member.raise(e.revision())
		late = late || e.announced() != at
		if member.stage(e.side()) == gone {
			v.chores.add(e.member)
		}
	}
	if late {
		v.chores.add(r.group)
	}
}

// backEdges gives the edges seen from their members, for each shard, in the order
// of the groups' ids.
func (v *View) backEdges(edges *[shardCount][]edge) [shardCount][]backEdge {
	var all []run
	var sizes [shardCount]int
	for i := range edges {
		all = slices.AppendSeq(all, runs(edges[i]))
		for j := range edges[i] {
			sizes[edges[i][j].member%shardCount]++
		}
	}
	slices.SortFunc(all, func(a, b run) int { return compareIDs(v.id(a.group), v.id(b.group)) })
	var backs [shardCount][]backEdge
	for i, size := range sizes {
		backs[i] = make([]backEdge, 0, size)
	}
	for _, r := range all {
		for i := range r.edges {
			member := r.edges[i].member
			backs[member%shardCount] = append(backs[member%shardCount], backEdge{member, r.group})
		}
	}
	return backs
}

// byMember orders back edges of one shard by member, and leaves those of one
// member in the order that they have: a counting sort.
func byMember(backs []backEdge, known ref) []backEdge {
	starts := make([]int, known/shardCount+2)
	for _, b := range backs {
		starts[b.member/shardCount+1]++
	}
	for i := range starts[1:] {
		starts[i+1] += starts[i]
	}
	ordered := make([]backEdge, len(backs))
	for _, b := range backs {
		at := &starts[b.member/shardCount]
		ordered[*at] = b
		*at++
	}
	return ordered
}
