package memview

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// View holds the rows. All methods may be called concurrently, except Load.
type View struct {
	options Options
	applied atomic.Uint64

	nodes  *nodes
	names  names
	shards [shardCount]shard
	lists  [2]list // all users and all groups that exist
	keys   keys
	chores chores
}

// Entity names a user or a group.
type Entity struct {
	Kind domain.MemberKind
	ID   uuid.UUID
}

// Options adjust a View. The zero value is good.
type Options struct {
	// OnChange is told which documents have changed, before the Apply or Tidy that
	// changed them returns; Document then gives them as they are. It may be called
	// concurrently, more than once for a change, and must not keep the slice.
	OnChange func(changed []Entity)
	// Name is the view's in metrics, logs and the names of its snapshots; memview if
	// empty. Two views that are kept in one directory have different ones.
	Name string
	// Source names what the rows are folded from, such as the epoch of the store: a
	// snapshot of another source is not loaded.
	Source string
	// Logger is told of snapshots that could not be used. Nil tells nobody.
	Logger *slog.Logger
}

const shardCount = 64

// shard holds what belongs to the nodes whose number falls to it: their rows,
// the memberships in them as groups, and back references from them as members.
// Whoever needs two shards locks the one with the lower number first.
type shard struct {
	mu    sync.RWMutex
	rows  arena
	edges sorted[edge]
	backs sorted[backEdge]
	// former are the edges that only the lists of all that ever were show: not
	// present, or of a removed end.
	former      sorted[edge]
	formerBacks sorted[backEdge]
}

type edgeID struct{ group, member ref }

// list is all entities of one kind that exist, by id. Its lock is taken after a
// shard's.
type list struct {
	mu   sync.RWMutex
	refs sorted[listed]
}

// The sizes of blocks, chosen so that each is two or three kilobytes.
const (
	edgeBlock   = 128
	backBlock   = 256
	listedBlock = 512
)

// New makes an empty view. Nil options are the zero Options.
func New(options *Options) *View {
	v := &View{}
	if options != nil {
		v.options = *options
	}
	if v.options.Name == "" {
		v.options.Name = snapshotName
	}
	if v.options.Logger == nil {
		v.options.Logger = slog.New(slog.DiscardHandler)
	}
	v.reset()
	return v
}

// reset empties the view. Nothing else may use it meanwhile.
func (v *View) reset() {
	v.applied.Store(0)
	v.nodes = newNodes()
	v.names.reset()
	for i := range v.shards {
		s := &v.shards[i]
		s.rows = arena{}
		s.edges = newSorted[edge](v.nodes, edgeBlock)
		s.backs = newSorted[backEdge](v.nodes, backBlock)
		s.former = newSorted[edge](v.nodes, edgeBlock)
		s.formerBacks = newSorted[backEdge](v.nodes, backBlock)
	}
	for s := range v.lists {
		v.lists[s].refs = newSorted[listed](v.nodes, listedBlock)
	}
	v.keys.reset()
	v.chores.reset()
}

func (v *View) shard(r ref) *shard { return &v.shards[r%shardCount] }

// locked are the shards of two nodes, which may be the same.
type locked struct{ first, second *shard }

func (v *View) lockBoth(a, b ref) locked {
	l := locked{v.shard(min(a%shardCount, b%shardCount)), v.shard(max(a%shardCount, b%shardCount))}
	l.first.mu.Lock()
	if l.first != l.second {
		l.second.mu.Lock()
	}
	return l
}

func (l locked) unlock() {
	if l.first != l.second {
		l.second.mu.Unlock()
	}
	l.first.mu.Unlock()
}

// Name is that of the Options.
func (v *View) Name() string { return v.options.Name }

// Shows tells whether the stream is one of a user, group, membership or API key.
func (v *View) Shows(stream eventstream.StreamID) bool { return targetOf(stream).kind != "" }

// Seq is how far the stream's row has got; 0 if there is none.
func (v *View) Seq(_ context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	t := targetOf(stream)
	switch t.kind {
	case eventstream.UserKind:
		return v.entitySeq(t.id, userSide), nil
	case eventstream.GroupKind:
		return v.entitySeq(t.id, groupSide), nil
	case eventstream.MemberKind:
		e, _ := v.edge(t.id, t.end)
		return eventstream.Seq(e.seq), nil
	case eventstream.KeyKind:
		return eventstream.Seq(v.keys.get(domain.KeyID{UUID: t.id}).Seq), nil
	}
	return 0, nil
}

// Applied is the last position that was set.
func (v *View) Applied() uint64 { return v.applied.Load() }

// SetApplied says that every transaction up to the position was applied or
// parked. A lower one than before changes nothing.
func (v *View) SetApplied(position uint64) {
	for {
		old := v.applied.Load()
		if position <= old || v.applied.CompareAndSwap(old, position) {
			return
		}
	}
}

// Position is the log up to Applied; before there is any, the empty token.
func (v *View) Position(context.Context) (eventstream.Token, error) {
	position := v.applied.Load()
	if position == 0 {
		return nil, nil
	}
	return eventstream.Token{{Stream: eventstream.LogStream, Seq: eventstream.Seq(position)}}, nil
}
