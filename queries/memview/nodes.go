package memview

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// ref is the number of a node.
type ref uint32

// node is an entity, or an id that was named as the end of a membership before
// the entity's own commits came.
type node struct {
	id   uuid.UUID // never changes
	rows [2]place  // of the user and of the group with the id; under the shard's lock
	// state holds how either entity stands and what the node's edges add to the
	// revision of its document. It is written under the shard's lock and read by
	// anybody.
	state atomic.Uint64
}

// side says which of the entities that an id may name is meant.
type side uint8

const (
	userSide side = iota
	groupSide
)

func sideOf(kind domain.MemberKind) side {
	if kind == domain.GroupMember {
		return groupSide
	}
	return userSide
}

func (s side) kind() domain.MemberKind {
	if s == groupSide {
		return domain.GroupMember
	}
	return domain.UserMember
}

// stage is how far an entity's life has got. It only rises.
type stage uint8

const (
	unknown stage = iota // no commit of its own was seen
	here
	gone
)

const (
	stageBits    = 2
	stageMask    = 1<<stageBits - 1
	revisionFrom = 8 // the bits of node.state from which the edges' revisions stand
)

func (n *node) stage(s side) stage {
	return stage(n.state.Load() >> (stageBits * s) & stageMask)
}

func (n *node) setStage(s side, to stage) {
	state := n.state.Load() &^ (stageMask << (stageBits * s))
	n.state.Store(state | uint64(to)<<(stageBits*s))
}

// edgeRevisions is the sum of what the node's memberships add to its revision.
func (n *node) edgeRevisions() uint64 { return n.state.Load() >> revisionFrom }

// raise adds to what the node's edges add to its revision.
func (n *node) raise(by uint64) { n.state.Add(by << revisionFrom) }

const nodesPerChunk = 1 << 10

// nodes are all nodes, by number. They are found by id without locks, and stay
// where they are.
type nodes struct {
	index index

	adding sync.Mutex
	count  atomic.Uint32
	chunks atomic.Pointer[[]*[nodesPerChunk]node]
}

func newNodes() *nodes {
	n := &nodes{}
	n.index.init()
	n.chunks.Store(new([]*[nodesPerChunk]node))
	return n
}

func (n *nodes) at(r ref) *node {
	return &(*n.chunks.Load())[r/nodesPerChunk][r%nodesPerChunk]
}

// find gives the number of the id's node.
func (n *nodes) find(id uuid.UUID) (ref, bool) { return n.index.find(n, id) }

// need gives the number of the id's node, and makes it if there is none.
func (n *nodes) need(id uuid.UUID) ref {
	if found, ok := n.find(id); ok {
		return found
	}
	return n.index.findOrAdd(n, id)
}

// add makes a node. Only the index calls it, which keeps ids apart.
func (n *nodes) add(id uuid.UUID) ref {
	n.adding.Lock()
	defer n.adding.Unlock()
	number := n.count.Load()
	chunks := *n.chunks.Load()
	if int(number/nodesPerChunk) == len(chunks) {
		// Readers of the old header do not look beyond its length.
		more := append(chunks, new([nodesPerChunk]node))
		n.chunks.Store(&more)
		chunks = more
	}
	chunks[number/nodesPerChunk][number%nodesPerChunk].id = id
	n.count.Store(number + 1)
	return ref(number)
}

// extend makes nodes without ids up to a count, for indexAll to find.
func (n *nodes) extend(count int) {
	if chunks := *n.chunks.Load(); len(chunks)*nodesPerChunk < count {
		for len(chunks)*nodesPerChunk < count {
			chunks = append(chunks, new([nodesPerChunk]node))
		}
		more := chunks
		n.chunks.Store(&more)
	}
	n.count.Store(max(n.count.Load(), uint32(count)))
}

// indexAll lets every node be found that extend has made.
func (n *nodes) indexAll() {
	count := int(n.count.Load())
	n.index.reserve(count)
	inParallel(count/nodesPerChunk+1, func(chunk int) {
		for r := chunk * nodesPerChunk; r < min(count, (chunk+1)*nodesPerChunk); r++ {
			n.index.add(n.at(ref(r)).id, ref(r))
		}
	})
}

// inParallel calls do for 0 to count-1, on all processors.
func inParallel(count int, do func(i int)) {
	var next atomic.Int64
	var working sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), count) {
		working.Go(func() {
			for i := int(next.Add(1)) - 1; i < count; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	working.Wait()
}

// compareIDs orders ids as their bytes are.
func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

func halves(id uuid.UUID) (high, low uint64) {
	return binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
}
