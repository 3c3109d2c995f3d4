package followtest

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
)

// world is a store and the few entities that are written to.
type world struct {
	store   *memstore.Store
	streams *eventstream.Streams
	users   []uuid.UUID
	groups  []uuid.UUID
	heads   map[eventstream.StreamID]eventstream.Seq
	gone    map[uuid.UUID]bool
	told    []eventstream.Position
	values  int
}

func newWorld(observe *eventstream.Observer) *world {
	w := &world{heads: map[eventstream.StreamID]eventstream.Seq{}, gone: map[uuid.UUID]bool{}}
	w.store = memstore.New(&memstore.Options{Observe: func(transactions [][]eventstream.Commit) {
		if *observe != nil {
			(*observe)(transactions)
		}
	}})
	w.streams = eventstream.New(w.store, nil)
	for i := range 4 {
		w.users = append(w.users, uuid.UUID{0: byte(i), 15: 1})
		w.groups = append(w.groups, uuid.UUID{0: byte(i), 15: 2})
	}
	return w
}

// write appends a transaction of a few changes of different streams.
func (w *world) write(ctx context.Context, r *rapid.T) error {
	entries := map[eventstream.StreamID]domain.Event{}
	for range rapid.IntRange(1, 4).Draw(r, "changes") {
		stream, event := w.change(r)
		if event != nil && !w.touches(entries, stream) {
			entries[stream] = event
		}
	}
	if len(entries) == 0 {
		return nil
	}
	tx := eventstream.Transaction{Command: uuid.New(), Actor: "followtest"}
	for stream, event := range entries {
		data, err := domain.EncodeEvents([]domain.Event{event})
		if err != nil {
			return err
		}
		tx.Entries = append(tx.Entries, eventstream.Entry{Stream: stream, Expect: eventstream.Exactly(w.heads[stream]), Data: data})
	}
	slices.SortFunc(tx.Entries, func(a, b eventstream.Entry) int {
		if a.Stream < b.Stream {
			return -1
		}
		return 1
	})
	commits, err := w.streams.Append(ctx, tx)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	for _, commit := range commits {
		w.heads[commit.Stream] = commit.Seq
		w.told = append(w.told, commit.Position())
		if _, ends := entries[commit.Stream].(domain.SetRemoved); ends {
			w.gone[commit.Stream.UUIDs()[0]] = true
		}
	}
	return nil
}

// touches tells whether a transaction has something of one of the stream's
// entities already.
func (w *world) touches(entries map[eventstream.StreamID]domain.Event, stream eventstream.StreamID) bool {
	for other := range entries {
		for _, id := range other.UUIDs() {
			if slices.Contains(stream.UUIDs(), id) {
				return true
			}
		}
	}
	return false
}

func (w *world) exists(id uuid.UUID, stream eventstream.StreamID) bool {
	return w.heads[stream] > 0 && !w.gone[id]
}

// change draws one that the directory could make, nil if it cannot.
func (w *world) change(r *rapid.T) (eventstream.StreamID, domain.Event) {
	user, group := rapid.SampledFrom(w.users).Draw(r, "user"), rapid.SampledFrom(w.groups).Draw(r, "group")
	switch rapid.IntRange(0, 12).Draw(r, "what") {
	case 0, 1:
		return w.unlessGone(user, eventstream.UserStream(user), domain.SetActive{Active: w.next()%2 == 0})
	case 2:
		return w.unlessGone(group, eventstream.GroupStream(group), domain.SetGroupName{Name: w.name()})
	case 3:
		return w.unlessNew(user, eventstream.UserStream(user))
	case 4:
		return w.unlessNew(group, eventstream.GroupStream(group))
	case 5:
		return eventstream.ClaimStream("username", fmt.Sprint(w.next())), domain.SetOwner{Owner: user, Kind: domain.UserMember, OwnerSeq: 1}
	case 6:
		inner := rapid.SampledFrom(w.groups).Draw(r, "inner")
		return w.edge(r, group, inner, domain.GroupMember, eventstream.GroupStream(inner))
	default:
		return w.edge(r, group, user, domain.UserMember, eventstream.UserStream(user))
	}
}

func (w *world) next() int { w.values++; return w.values }

func (w *world) name() domain.GroupName {
	name, err := domain.ParseGroupName(fmt.Sprintf("group %d", w.next()))
	if err != nil {
		panic(err) // the text above is a group name
	}
	return name
}

func (w *world) unlessGone(id uuid.UUID, stream eventstream.StreamID, event domain.Event) (eventstream.StreamID, domain.Event) {
	if w.gone[id] {
		return stream, nil
	}
	return stream, event
}

func (w *world) unlessNew(id uuid.UUID, stream eventstream.StreamID) (eventstream.StreamID, domain.Event) {
	if !w.exists(id, stream) {
		return stream, nil
	}
	return stream, domain.SetRemoved{Removed: true}
}

// edge begins or ends a membership. Both ends were there once: whoever puts a
// member in may be overtaken by the end of one of them.
func (w *world) edge(r *rapid.T, group, member uuid.UUID, kind domain.MemberKind, of eventstream.StreamID) (eventstream.StreamID, domain.Event) {
	stream := eventstream.MemberStream(group, member)
	if group == member || w.heads[eventstream.GroupStream(group)] == 0 || w.heads[of] == 0 {
		return stream, nil
	}
	return stream, domain.SetMember{Present: rapid.IntRange(0, 3).Draw(r, "present") > 0, Kind: kind}
}
