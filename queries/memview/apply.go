package memview

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// ErrNotShown is why Apply refuses commits of a stream that has no row here.
var ErrNotShown = errors.New("stream not shown")

// Apply folds commits of one stream into its row, in one step, provided the row
// stands right before the first of them; otherwise it changes nothing and
// answers eventstream.ErrMoved. The commits must be at least one, consecutive and
// of one stream that the view shows. An event that the row cannot have is
// domain.ErrUnknownEvent; then nothing changes either.
func (v *View) Apply(_ context.Context, commits []eventstream.Commit) error {
	if len(commits) == 0 {
		return errors.New("apply: no commits")
	}
	stream := commits[0].Stream
	for i := range commits {
		if commits[i].Stream != stream || commits[i].Seq != commits[0].Seq+eventstream.Seq(i) {
			return errors.New("apply: commits do not follow each other in one stream")
		}
	}
	if err := v.apply(targetOf(stream), commits); err != nil {
		return fmt.Errorf("apply %d commits of kind %s: %w", len(commits), stream.Kind(), err)
	}
	return nil
}

func (v *View) apply(t target, commits []eventstream.Commit) error {
	switch t.kind {
	case eventstream.UserKind:
		return v.applyUser(domain.UserID{UUID: t.id}, commits)
	case eventstream.GroupKind:
		return v.applyGroup(domain.GroupID{UUID: t.id}, commits)
	case eventstream.MemberKind:
		return v.applyEdge(t.id, t.end, commits)
	case eventstream.KeyKind:
		return v.keys.apply(domain.KeyID{UUID: t.id}, commits)
	}
	return ErrNotShown
}

func (v *View) applyUser(id domain.UserID, commits []eventstream.Commit) error {
	user := v.readUser(id, v.row(id.UUID, userSide))
	user.ID = id
	return v.applyEntity(id.UUID, userSide, &user.Root, commits, user.Apply, func(row []byte) []byte {
		return v.appendUser(row, &user)
	})
}

func (v *View) applyGroup(id domain.GroupID, commits []eventstream.Commit) error {
	group := v.readGroup(id, v.row(id.UUID, groupSide))
	group.ID = id
	return v.applyEntity(id.UUID, groupSide, &group.Root, commits, group.Apply, func(row []byte) []byte {
		return v.appendGroup(row, &group)
	})
}

var errRevived = errors.New("a removed entity was set to be there again")

// applyEntity folds commits into an entity whose root is given as it was read,
// and stores it if its row is still where it was.
func (v *View) applyEntity(id uuid.UUID, s side, root *domain.Root, commits []eventstream.Commit, fold fold, encode func([]byte) []byte) error {
	before, removed := root.Seq, root.Removed
	if commits[0].Seq != eventstream.Seq(before)+1 {
		return eventstream.ErrMoved
	}
	if err := foldAll(commits, fold); err != nil {
		return err
	}
	if removed && !root.Removed {
		return errRevived
	}
	buffer := rowBuffers.Get().(*[]byte)
	defer rowBuffers.Put(buffer)
	*buffer = encode((*buffer)[:0])
	if err := v.store(v.nodes.need(id), s, before, root.Removed, *buffer); err != nil {
		return err
	}
	v.changed(Entity{s.kind(), id})
	return nil
}

var rowBuffers = sync.Pool{New: func() any { return new([]byte) }}

type fold func(seq uint64, at time.Time, events []domain.Event) error

func foldAll(commits []eventstream.Commit, fold fold) error {
	for i := range commits {
		events, err := domain.DecodeEvents(commits[i].Data)
		if err != nil {
			return err
		}
		if err := fold(uint64(commits[i].Seq), commits[i].Time, events); err != nil {
			return err
		}
	}
	return nil
}

// store writes an entity's row if it still stands at before, and lists the
// entity or takes it off the list.
func (v *View) store(r ref, s side, before uint64, removed bool, row []byte) error {
	shard := v.shard(r)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	node := v.nodes.at(r)
	if shard.seq(node, s) != before {
		return eventstream.ErrMoved
	}
	at, err := shard.rows.put(node.rows[s], r, s, row)
	if err != nil {
		return err
	}
	node.rows[s] = at
	to := here
	if removed {
		to = gone
	}
	if node.stage(s) != to {
		v.moveStage(shard, r, s, to)
	}
	shard.rows.compact(func(owner ref, s side) *place { return &v.nodes.at(owner).rows[s] })
	return nil
}

// moveStage begins or ends an entity's life. The caller holds its shard.
func (v *View) moveStage(shard *shard, r ref, s side, to stage) {
	node := v.nodes.at(r)
	node.setStage(s, to)
	list := &v.lists[s]
	list.mu.Lock()
	if to == here {
		list.refs.put(listed(r))
	} else {
		list.refs.remove(listed(r).key(v.nodes))
	}
	list.mu.Unlock()
	if v.choreNeeded(shard, r, s, to) {
		v.chores.add(r)
	}
}

// seq is how far the node's row has got.
func (s *shard) seq(node *node, which side) uint64 {
	at := node.rows[which]
	if at == 0 {
		return 0
	}
	seq, _, _ := rowStage(s.rows.row(at))
	return seq
}

func (v *View) changed(entities ...Entity) {
	if v.options.OnChange != nil && len(entities) > 0 {
		v.options.OnChange(entities)
	}
}
