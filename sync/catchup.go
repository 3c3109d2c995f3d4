package querysync

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// chunkCommits is how many commits are handed to the workers at a time, chunksAhead
// how many such chunks may be read ahead.
const (
	chunkCommits = 2048
	chunksAhead  = 4
)

// CatchUp brings a view to the end of a log, from its position on, or from the
// beginning if it knows none, and then tries again what is parked. The commits
// are spread over the workers by stream. Progress, if not nil, is told now and
// then up to where everything was applied, and where the log ends; it must not
// append.
//
// Meanwhile Observe leaves the view alone; when CatchUp returns without an
// error, nothing that was observed is missing. It must not be called twice for a
// view at a time.
func (s *Synchroniser) CatchUp(ctx context.Context, log eventstream.Log, view View, workers int, progress func(applied, end uint64)) error {
	f, err := s.following(view)
	if err != nil {
		return err
	}
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	f.catchingUp.Store(true)
	defer f.progress.fire()
	defer f.catchingUp.Store(false)
	c := &catchUp{follower: f, log: log, seed: maphash.MakeSeed(), workers: max(workers, 1), progress: progress}
	if f.positioned != nil {
		c.applied = f.positioned.Applied()
	}
	c.fromTheStart = c.applied == 0
	if err := c.run(ctx); err != nil {
		return fmt.Errorf("catch up view %s: %w", view.Name(), err)
	}
	return nil
}

// catchUp is one run of CatchUp.
type catchUp struct {
	*follower
	log      eventstream.Log
	seed     maphash.Seed
	workers  int
	progress func(applied, end uint64)
	applied  uint64
	// fromTheStart tells that whatever cannot be applied was met, and parked.
	fromTheStart bool
}

// chunk is some transactions of the log, spread over the workers.
type chunk struct {
	parts   [][][]eventstream.Commit // by worker, each commit a slice of one
	commits int
	last    uint64
	working atomic.Int64  // workers that are not done with it
	done    chan struct{} // closed by the last of them
}

func (c *catchUp) run(ctx context.Context) error {
	// What is appended meanwhile is caught up in further rounds; the last of them
	// while observers wait, so that none of them has been turned away after its
	// transactions were looked for.
	for c.log.End() > c.applied+chunkCommits {
		if err := c.round(ctx); err != nil {
			return err
		}
	}
	select {
	case c.feeding <- struct{}{}:
		defer func() { <-c.feeding }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c.catchingUp.Store(false)
	if c.log.End() > c.applied {
		if err := c.round(ctx); err != nil {
			return err
		}
	}
	c.progress(c.applied, c.applied)
	if err := c.retryAll(ctx); err != nil {
		return err
	}
	if c.fromTheStart {
		return c.parked.sweptAll()
	}
	return nil
}

// round applies everything up to where the log ends now.
func (c *catchUp) round(ctx context.Context) error {
	end := c.log.End()
	group, ctx := errgroup.WithContext(ctx)
	inputs := make([]chan *chunk, c.workers)
	for i := range inputs {
		inputs[i] = make(chan *chunk, chunksAhead)
		group.Go(func() error { return c.work(ctx, i, inputs[i]) })
	}
	inOrder := make(chan *chunk, chunksAhead)
	group.Go(func() error { return c.finish(ctx, inOrder, end) })
	group.Go(func() error {
		defer close(inOrder)
		defer func() {
			for _, input := range inputs {
				close(input)
			}
		}()
		return c.read(ctx, end, append(inputs, inOrder))
	})
	if err := group.Wait(); err != nil {
		return err
	}
	// A log may end in positions that hold no transaction.
	return c.advance(end, end)
}

// read makes chunks of the log and gives each to everybody.
func (c *catchUp) read(ctx context.Context, end uint64, to []chan *chunk) error {
	next := c.newChunk()
	send := func() error {
		for _, channel := range to {
			select {
			case channel <- next:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		next = c.newChunk()
		return nil
	}
	for transaction, err := range c.log.Tail(ctx, c.applied) {
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		if len(transaction) == 0 {
			continue
		}
		if transaction[0].Log > end {
			break
		}
		c.spread(next, transaction)
		if next.commits >= chunkCommits {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}

func (c *catchUp) newChunk() *chunk {
	next := &chunk{parts: make([][][]eventstream.Commit, c.workers), done: make(chan struct{})}
	next.working.Store(int64(c.workers))
	return next
}

func (c *catchUp) spread(to *chunk, transaction []eventstream.Commit) {
	for i := range transaction {
		if stream := transaction[i].Stream; c.view.Shows(stream) {
			worker := maphash.String(c.seed, string(stream)) % uint64(c.workers)
			to.parts[worker] = append(to.parts[worker], transaction[i:i+1])
		}
	}
	to.commits += len(transaction)
	to.last = transaction[0].Log
}

// work applies one worker's part of each chunk.
func (c *catchUp) work(ctx context.Context, worker int, chunks <-chan *chunk) error {
	for chunk := range chunks {
		for _, commit := range chunk.parts[worker] {
			if _, err := c.take(ctx, commit); err != nil {
				return err
			}
		}
		if chunk.working.Add(-1) == 0 {
			close(chunk.done)
		}
	}
	return nil
}

// finish moves the position over each chunk that all workers have done.
func (c *catchUp) finish(ctx context.Context, chunks <-chan *chunk, end uint64) error {
	for chunk := range chunks {
		select {
		case <-chunk.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := c.advance(chunk.last, end); err != nil {
			return err
		}
	}
	return nil
}

func (c *catchUp) advance(position, end uint64) error {
	if position <= c.applied {
		return nil
	}
	c.applied = position
	if c.positioned != nil {
		if err := c.move(position); err != nil {
			return err
		}
	}
	c.follower.progress.fire()
	c.progress(position, end)
	return nil
}
