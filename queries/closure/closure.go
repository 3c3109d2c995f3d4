package closure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Name is the closure's among views.
const Name = "closure"

// Closure is the graph of groups in groups, and what follows from it. All methods
// may be called concurrently.
type Closure struct {
	streams *eventstream.Streams
	options Options
	woken   chan struct{}
	// folding is held by who reads the stream. seq and asOf are changed with it.
	folding chan struct{}
	seq     atomic.Uint64
	asOf    atomic.Int64 // when the stream was last begun to be read to its end; nanoseconds since begun
	begun   time.Time
	parked  atomic.Pointer[Parked]

	mu    sync.RWMutex // guards graph
	graph *domain.Nesting
	// up and down remember what groups are in, and what is in them.
	up, down memory
}

// Options adjust a Closure. The zero value is good.
type Options struct {
	// Every is how often Run looks for commits that nobody told of; 15 s if zero.
	Every time.Duration
	// Logger is told when the closure is parked. Nil tells nobody.
	Logger *slog.Logger
}

// Parked says why no commit is folded in any more.
type Parked struct {
	// Seq is the number of the commit that cannot be.
	Seq eventstream.Seq
	Err error
}

// New makes an empty Closure: it reads the stream when it is first asked, or by
// Run. Nil options are the zero Options.
func New(streams *eventstream.Streams, options *Options) *Closure {
	c := &Closure{
		streams: streams, graph: &domain.Nesting{}, begun: time.Now(), up: memory{most: most}, down: memory{most: most},
		folding: make(chan struct{}, 1), woken: make(chan struct{}, 1),
	}
	if options != nil {
		c.options = *options
	}
	if c.options.Every == 0 {
		c.options.Every = 15 * time.Second
	}
	if c.options.Logger == nil {
		c.options.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Seq is the number of the last commit of nesting that was folded in. Whatever is
// asked afterwards rests on that one or a later one.
func (c *Closure) Seq() eventstream.Seq { return eventstream.Seq(c.seq.Load()) }

// Parked tells why the closure is parked, nil if it is not.
func (c *Closure) Parked() *Parked { return c.parked.Load() }

// Remembered is how many groups there are in all the reaches that are remembered.
func (c *Closure) Remembered() int64 { return c.up.held.Load() + c.down.held.Load() }

// Behind is how many commits are still to be folded in, as far as the store knows
// its heads without being asked.
func (c *Closure) Behind(ctx context.Context) uint64 {
	heads := c.streams.Heads()
	if heads == nil {
		return 0
	}
	head, err := heads.Head(ctx, eventstream.NestingStream)
	if err != nil {
		return 0
	}
	return uint64(head) - min(c.seq.Load(), uint64(head))
}

// Observe is an eventstream.Observer: it wakes Run when the stream has moved.
func (c *Closure) Observe(transactions [][]eventstream.Commit) {
	for _, transaction := range transactions {
		for i := range transaction {
			if transaction[i].Stream == eventstream.NestingStream {
				c.wake()
				return
			}
		}
	}
}

func (c *Closure) wake() {
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// Run keeps the closure near the stream's end, until ctx ends. A failure of the
// storage passes: it is tried again.
func (c *Closure) Run(ctx context.Context) error {
	ticker := time.NewTicker(c.options.Every)
	defer ticker.Stop()
	failing := false
	for {
		err := c.Refresh(ctx)
		failed := err != nil && !errors.Is(err, eventstream.ErrParked) && ctx.Err() == nil
		if failed && !failing {
			c.options.Logger.Warn("view stalled", "view", Name, "error", err)
		}
		failing = failed
		select {
		case <-ctx.Done():
			return nil
		case <-c.woken:
		case <-ticker.C:
		}
	}
}

// Refresh returns once the closure shows the stream as it is when Refresh begins,
// or later. Where the store has to be asked how far the stream is, it is asked once
// for all who wait. It fails with eventstream.ErrParked while a commit cannot be
// folded in, with ErrBehind when ctx ends before, and with what the store says when
// it cannot be read.
func (c *Closure) Refresh(ctx context.Context) error {
	err := c.refresh(ctx, time.Since(c.begun))
	if err != nil && ctx.Err() != nil && !errors.Is(err, eventstream.ErrParked) {
		return fmt.Errorf("%w: %w", eventstream.ErrBehind, err)
	}
	return err
}

func (c *Closure) refresh(ctx context.Context, since time.Duration) error {
	there, err := c.isThere(ctx, since)
	if there || err != nil {
		return err
	}
	select {
	case c.folding <- struct{}{}:
		defer func() { <-c.folding }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if there, err := c.isThere(ctx, since); there || err != nil {
		return err
	}
	began := time.Since(c.begun)
	if err := c.fold(ctx); err != nil {
		return err
	}
	c.asOf.Store(int64(began))
	return nil
}

// isThere tells whether nothing has to be read.
func (c *Closure) isThere(ctx context.Context, since time.Duration) (bool, error) {
	if parked := c.parked.Load(); parked != nil {
		return false, fmt.Errorf("%w: the closure, at commit %d of nesting", eventstream.ErrParked, parked.Seq)
	}
	heads := c.streams.Heads()
	if heads == nil {
		return c.asOf.Load() > int64(since), nil
	}
	head, err := heads.Head(ctx, eventstream.NestingStream)
	if err != nil {
		return false, fmt.Errorf("read the head of nesting: %w", err)
	}
	return c.seq.Load() >= uint64(head), nil
}

// fold reads what the stream has gained. The caller holds folding.
func (c *Closure) fold(ctx context.Context) error {
	for commit, err := range c.streams.Read(ctx, eventstream.NestingStream, c.Seq()) {
		if err != nil {
			return fmt.Errorf("read nesting: %w", err)
		}
		if err := c.apply(&commit); err != nil {
			c.parked.Store(&Parked{commit.Seq, err})
			c.options.Logger.Error("stream parked", "view", Name, "stream", commit.Stream, "seq", uint64(commit.Seq), "error", err)
			return fmt.Errorf("%w: fold commit %d of nesting: %w", eventstream.ErrParked, commit.Seq, err)
		}
	}
	return nil
}

// apply folds one commit in, and forgets what it changes.
func (c *Closure) apply(commit *eventstream.Commit) error {
	events, err := domain.DecodeEvents(commit.Data)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// What changes lies beyond an edge in the graph before the commit, or in the one
	// after it.
	c.forget(events)
	if err := c.graph.Apply(uint64(commit.Seq), events); err != nil {
		return err
	}
	c.forget(events)
	c.seq.Store(c.graph.Seq)
	return nil
}

// forget drops the reaches that lead over the edges of the events.
func (c *Closure) forget(events []domain.Event) {
	for _, event := range events {
		switch e := event.(type) {
		case domain.SetNesting:
			c.up.dropFrom(e.Member, c.graph.Members)
			c.down.dropFrom(e.Group, c.graph.GroupsOf)
		case domain.SetNode:
			c.up.dropFrom(e.Group, c.graph.Members)
			c.down.dropFrom(e.Group, c.graph.GroupsOf)
		}
	}
}
