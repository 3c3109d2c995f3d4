package querysync

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// DefaultChanges is how many streams changes/{n} a store has unless it is told
// otherwise.
const DefaultChanges = 8

// Changes are the streams changes/{n} of a store that does not number its
// transactions: the notices of what has changed in a view, in order and without
// gaps. A notice is written after the row that it tells of, so whoever has read
// up to a position has heard of everything that a view showed there. Notices may
// repeat. All methods may be called concurrently, also by several processes.
type Changes struct {
	streams *eventstream.Streams
	parts   []changesPart
}

// changesPart is what is known of one of the streams.
type changesPart struct {
	stream  eventstream.StreamID
	writing sync.Mutex
	// head is where the stream was last seen; it may be behind.
	head eventstream.Seq
}

// NewChanges makes the Changes of a store; parts is how many there are, and never
// changes for a store. Zero is DefaultChanges.
func NewChanges(streams *eventstream.Streams, parts int) *Changes {
	if parts == 0 {
		parts = DefaultChanges
	}
	c := &Changes{streams: streams, parts: make([]changesPart, parts)}
	for i := range c.parts {
		c.parts[i].stream = eventstream.ChangesStream(i)
	}
	return c
}

// Streams names them.
func (c *Changes) Streams() []eventstream.StreamID {
	streams := make([]eventstream.StreamID, len(c.parts))
	for i := range c.parts {
		streams[i] = c.parts[i].stream
	}
	return streams
}

// partOf is where the notices of a stream go: all those of an entity to one, and
// a membership's with those of its member.
func (c *Changes) partOf(stream eventstream.StreamID) int {
	ids := stream.UUIDs()
	if len(ids) == 0 {
		return 0
	}
	return eventstream.ShardOf(ids[len(ids)-1], len(c.parts))
}

// Heads are the positions up to which there are notices, as the store says.
func (c *Changes) Heads(ctx context.Context) (eventstream.Token, error) {
	heads := make([]eventstream.Position, len(c.parts))
	group, ctx := errgroup.WithContext(ctx)
	for i := range c.parts {
		group.Go(func() error {
			head, err := c.streams.Head(ctx, c.parts[i].stream)
			heads[i] = eventstream.Position{Stream: c.parts[i].stream, Seq: head}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("read the heads of the change feed: %w", err)
	}
	return eventstream.NewToken(heads...), nil
}

// Announce writes notices. When it returns without an error, all of them are
// there; otherwise some may be.
func (c *Changes) Announce(ctx context.Context, notices []Notice) error {
	return c.announce(ctx, notices, func(context.Context, bool) error { return nil })
}

// checking is asked before each append whether it may be made, and is told whether
// where the stream ends was looked up for it, or is known from an append before.
type checking func(ctx context.Context, looked bool) error

func (c *Changes) announce(ctx context.Context, notices []Notice, check checking) error {
	byPart := map[int][]Notice{}
	for _, notice := range notices {
		part := c.partOf(notice.Stream)
		byPart[part] = append(byPart[part], notice)
	}
	group, ctx := errgroup.WithContext(ctx)
	for part, notices := range byPart {
		group.Go(func() error { return c.parts[part].announce(ctx, c.streams, notices, check) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("write to the change feed: %w", err)
	}
	return nil
}

// Fence writes a commit without notices to each of the streams. Whoever meant to
// append what it had decided on before finds that it has to look again, and with
// that what has changed before Fence was called (Options.Confirm).
func (c *Changes) Fence(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range c.parts {
		group.Go(func() error {
			part := &c.parts[i]
			part.writing.Lock()
			defer part.writing.Unlock()
			part.head = 0
			defer func() { part.head = 0 }() // this process has to look again too
			return part.append(ctx, c.streams, []byte("[]"), func(context.Context, bool) error { return nil })
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("fence the change feed: %w", err)
	}
	return nil
}

func (p *changesPart) announce(ctx context.Context, streams *eventstream.Streams, notices []Notice, check checking) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	for some := range slices.Chunk(notices, maxNotices) {
		data, err := encodeNotices(some)
		if err != nil {
			return err
		}
		if err := p.append(ctx, streams, data, check); err != nil {
			return err
		}
	}
	return nil
}

// append writes a commit. Where the stream is now is looked up only when it is
// not where it was last seen.
func (p *changesPart) append(ctx context.Context, streams *eventstream.Streams, data []byte, check checking) error {
	first := true
	commits, err := streams.Transact(ctx, eventstream.Attribution{Actor: "sync"}, func(ctx context.Context, _ uuid.UUID) ([]eventstream.Entry, error) {
		look := !first || p.head == 0
		if look {
			head, err := streams.Head(ctx, p.stream)
			if err != nil {
				return nil, err
			}
			p.head = head
		}
		first = false
		if err := check(ctx, look); err != nil {
			return nil, err
		}
		return []eventstream.Entry{{Stream: p.stream, Expect: eventstream.Exactly(p.head), Data: data}}, nil
	})
	if err != nil {
		p.head = 0
		return err
	}
	p.head = commits[0].Seq
	return nil
}
