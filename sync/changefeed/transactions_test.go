package changefeed_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/eventstream/transfer"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/changefeed"
)

// copied is a store, what was announced of it, and a copy that is made of what
// Transactions gives.
type copied struct {
	store    *memstore.Store
	streams  *eventstream.Streams
	changes  *querysync.Changes
	source   *changefeed.Transactions
	heads    map[eventstream.StreamID]eventstream.Seq
	told     map[eventstream.StreamID]eventstream.Seq
	to       *memstore.Store
	arranger *transfer.Arranger
	// place is how far the copy has read, settled where it last held nothing.
	place, settled eventstream.Mark
}

func newCopied() *copied {
	c := &copied{store: memstore.New(nil), to: memstore.New(nil), heads: map[eventstream.StreamID]eventstream.Seq{}, told: map[eventstream.StreamID]eventstream.Seq{}}
	c.streams = eventstream.New(c.store, nil)
	c.changes = querysync.NewChanges(c.streams, 2)
	c.source = changefeed.NewTransactions(c.streams, c.changes)
	c.arranger = transfer.NewArranger(c.to.Head)
	return c
}

// announcedStreams are those that rows are made of; a transaction has at least one of
// them, or is of the stream store alone.
var announcedStreams = []eventstream.StreamID{
	eventstream.UserStream(uuid.UUID{1}), eventstream.UserStream(uuid.UUID{2}), eventstream.GroupStream(uuid.UUID{3}),
	eventstream.MemberStream(uuid.UUID{3}, uuid.UUID{1}), eventstream.KeyStream(uuid.UUID{4}),
}

var silentStreams = []eventstream.StreamID{eventstream.UsersStream(0), eventstream.GroupsStream(1), eventstream.NestingStream}

// write writes to streams at once.
func (c *copied) write(rt *rapid.T, streams ...eventstream.StreamID) {
	_, err := c.streams.Transact(context.Background(), eventstream.Attribution{Actor: "test"}, func(context.Context, uuid.UUID) (entries []eventstream.Entry, err error) {
		for _, stream := range streams {
			entries = append(entries, eventstream.Entry{Stream: stream, Expect: eventstream.Exactly(c.heads[stream]), Data: []byte("[]")})
		}
		return entries, nil
	})
	if err != nil {
		rt.Fatal(err)
	}
	for _, stream := range streams {
		c.heads[stream]++
	}
}

func some(rt *rapid.T, what string, least int, of []eventstream.StreamID) []eventstream.StreamID {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(of), least, 3, rapid.ID[eventstream.StreamID]).Draw(rt, what)
}

// tell announces some streams, further than before or not, from any number on up to
// which that was done before.
func (c *copied) tell(rt *rapid.T, streams []eventstream.StreamID) {
	var notices []querysync.Notice
	for _, stream := range streams {
		seq := func(what string, least, most eventstream.Seq) eventstream.Seq {
			return eventstream.Seq(rapid.Uint64Range(uint64(least), uint64(most)).Draw(rt, what))
		}
		head, told := c.heads[stream], c.told[stream]
		if head == 0 {
			continue
		}
		upTo := seq("up to", 1, head)
		after := seq("after", 0, min(told, upTo))
		notices = append(notices, querysync.Notice{Position: eventstream.Position{Stream: stream, Seq: upTo}, After: after})
		c.told[stream] = max(told, upTo)
	}
	if err := c.changes.Announce(context.Background(), notices); err != nil {
		rt.Fatal(err)
	}
}

// read copies what is there, at most so many steps.
func (c *copied) read(rt *rapid.T, most int) {
	for step, err := range c.source.After(context.Background(), c.place) {
		if err != nil {
			rt.Fatal(err)
		}
		if step.Transaction != nil {
			ready, err := c.arranger.Add(context.Background(), step.Transaction)
			if err != nil {
				rt.Fatal(err)
			}
			if _, err := c.to.Import(context.Background(), ready); err != nil {
				rt.Fatal(err)
			}
		}
		if c.place = step.Next; c.arranger.Waiting() == 0 {
			c.settled = c.place
		}
		if most--; most == 0 {
			return
		}
	}
}

// same demands that every stream of the store is in the copy, commit by commit.
func (c *copied) same(rt *rapid.T) {
	for stream, head := range c.heads {
		var hashes [2][]eventstream.Hash
		for i, store := range []eventstream.Store{c.store, c.to} {
			for commit, err := range store.Read(context.Background(), stream, 0) {
				if err != nil {
					rt.Fatal(err)
				}
				hashes[i] = append(hashes[i], commit.Hash)
			}
		}
		if eventstream.Seq(len(hashes[0])) != head || !slices.Equal(hashes[0], hashes[1]) {
			rt.Fatalf("%s is at %d, and has %d commits in the copy", stream, head, len(hashes[1]))
		}
	}
}

// Whatever is written, announced, announced again and fenced, and wherever whoever
// copies is cut off, in the end the copy has every stream as it is.
func TestTransactionsMakeACopy(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newCopied()
		rt.Repeat(map[string]func(*rapid.T){
			"write": func(rt *rapid.T) {
				c.write(rt, append(some(rt, "announced", 1, announcedStreams), some(rt, "silent", 0, silentStreams)...)...)
			},
			"write store": func(rt *rapid.T) { c.write(rt, eventstream.StoreStream) },
			"tell":        func(rt *rapid.T) { c.tell(rt, some(rt, "told", 1, announcedStreams)) },
			"fence": func(rt *rapid.T) {
				if err := c.changes.Fence(context.Background()); err != nil {
					rt.Fatal(err)
				}
			},
			"copy": func(rt *rapid.T) { c.read(rt, rapid.IntRange(1, 9).Draw(rt, "steps")) },
			"begin again": func(*rapid.T) {
				c.place, c.arranger = c.settled, transfer.NewArranger(c.to.Head)
			},
		})
		for _, stream := range announcedStreams {
			notice := querysync.Notice{Position: eventstream.Position{Stream: stream, Seq: c.heads[stream]}, After: c.told[stream]}
			if notice.Seq == notice.After {
				continue
			}
			if err := c.changes.Announce(context.Background(), []querysync.Notice{notice}); err != nil {
				rt.Fatal(err)
			}
		}
		c.read(rt, -1)
		if missing := c.arranger.Missing(); len(missing) > 0 {
			rt.Fatalf("%d wait, for %v", c.arranger.Waiting(), missing)
		}
		c.same(rt)
	})
}
