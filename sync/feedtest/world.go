package feedtest

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
)

// world is a store, a few entities that are written to, and what the store's
// observer was told.
type world struct {
	store   *memstore.Store
	streams *eventstream.Streams
	users   []uuid.UUID
	groups  []uuid.UUID

	mu      sync.Mutex
	heads   map[eventstream.StreamID]eventstream.Seq
	told    [][]eventstream.Commit
	observe eventstream.Observer
}

func newWorld() *world {
	w := &world{heads: map[eventstream.StreamID]eventstream.Seq{}}
	w.store = memstore.New(&memstore.Options{Observe: w.observed})
	w.streams = eventstream.New(w.store, nil)
	for i := range 4 {
		w.users = append(w.users, uuid.UUID{15: byte(i + 1)})
		w.groups = append(w.groups, uuid.UUID{0: 1, 15: byte(i + 1)})
	}
	return w
}

func (w *world) observed(transactions [][]eventstream.Commit) {
	w.mu.Lock()
	w.told = append(w.told, transactions...)
	for _, transaction := range transactions {
		for _, commit := range transaction {
			w.heads[commit.Stream] = commit.Seq
		}
	}
	observe := w.observe
	w.mu.Unlock()
	if observe != nil {
		observe(transactions)
	}
}

func (w *world) head(stream eventstream.StreamID) eventstream.Seq {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heads[stream]
}

// kinds is how many kinds of change there are.
const kinds = 8

// change is a commit that the world can write: to a user, a group, an edge or a key,
// with its copy in the shard, or to a stream that no view shows.
type change struct {
	what         int // 0 user, 1 group, 2 user in group, 3 group in group, 4 claim, 5 user ends, 6 group ends, 7 key
	which, where int
	value        int
}

// write appends changes as one transaction, as far as they go together.
func (w *world) write(ctx context.Context, changes ...change) error {
	tx := eventstream.Transaction{Command: uuid.New(), Actor: "feedtest"}
	taken := map[eventstream.StreamID]bool{}
	add := func(stream eventstream.StreamID, expect eventstream.Expect, events ...domain.Event) error {
		if taken[stream] {
			return nil
		}
		taken[stream] = true
		data, err := domain.EncodeEvents(events)
		tx.Entries = append(tx.Entries, eventstream.Entry{Stream: stream, Expect: expect, Data: data})
		return err
	}
	for _, c := range changes {
		stream, event := w.resolve(c)
		if taken[stream] {
			continue
		}
		head := w.head(stream)
		if err := add(stream, eventstream.Exactly(head), event); err != nil {
			return err
		}
		shard := eventstream.UsersStream(0)
		switch stream.Kind() {
		case eventstream.UserKind:
		case eventstream.GroupKind:
			shard = eventstream.GroupsStream(0)
		default:
			continue
		}
		if err := add(shard, eventstream.Any(), domain.Listed{Of: stream.UUIDs()[0], Seq: uint64(head) + 1, Fact: event}); err != nil {
			return err
		}
	}
	if _, err := w.streams.Append(ctx, tx); err != nil {
		return fmt.Errorf("write %d changes: %w", len(changes), err)
	}
	return nil
}

func (w *world) resolve(c change) (eventstream.StreamID, domain.Event) {
	user, group := w.users[c.which%len(w.users)], w.groups[c.where%len(w.groups)]
	switch c.what {
	case 0:
		return eventstream.UserStream(user), domain.SetActive{Active: c.value%2 == 0}
	case 1:
		return eventstream.GroupStream(group), domain.SetGroupName{Name: name(c.value)}
	case 2:
		return eventstream.MemberStream(group, user), domain.SetMember{Present: c.value%2 == 0, Kind: domain.UserMember}
	case 3:
		return eventstream.MemberStream(group, w.groups[c.which%len(w.groups)]), domain.SetMember{Present: c.value%2 == 0, Kind: domain.GroupMember}
	case 5:
		return eventstream.UserStream(user), domain.SetRemoved{Removed: true}
	case 6:
		return eventstream.GroupStream(group), domain.SetRemoved{Removed: true}
	case 7:
		return eventstream.KeyStream(user), domain.SetKey{Hash: fmt.Sprint(c.value), Scopes: []domain.Scope{domain.ReadScope}, Active: c.value%2 == 0}
	}
	return eventstream.ClaimStream("username", fmt.Sprint(c.which)), domain.SetOwner{Owner: user, Kind: domain.UserMember, OwnerSeq: 1}
}

func name(value int) domain.GroupName {
	name, err := domain.ParseGroupName(fmt.Sprintf("group %d", value))
	if err != nil {
		panic(err) // the text above is a group name
	}
	return name
}
