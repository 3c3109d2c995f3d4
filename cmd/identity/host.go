package main

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// host runs in the background what comes and goes while the engine runs. What is
// started before run begins with it; everything ends with it.
type host struct {
	mu      sync.Mutex
	group   *errgroup.Group // nil until run
	running context.Context
	waiting []*task
	ended   bool // nothing is run any more
}

// task is something that runs until it is stopped.
type task struct {
	host *host
	do   func(ctx context.Context) error
	quit context.CancelFunc
	told context.Context // ended by quit
	over chan struct{}
}

// start runs something until its task is stopped or the host ends. What fails
// before that ends the host. On a host that has ended it never runs.
func (h *host) start(do func(ctx context.Context) error) *task {
	t := &task{host: h, do: do, over: make(chan struct{})}
	t.told, t.quit = context.WithCancel(context.Background())
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.ended:
		close(t.over)
	case h.group == nil:
		h.waiting = append(h.waiting, t)
	default:
		h.group.Go(t.run)
	}
	return t
}

// run runs everything until ctx ends.
func (h *host) run(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	h.mu.Lock()
	h.group, h.running = group, running
	for _, t := range h.waiting {
		group.Go(t.run)
	}
	h.waiting = nil
	h.mu.Unlock()
	group.Go(func() error {
		<-running.Done()
		h.mu.Lock() // until here the group is waited for
		h.ended = true
		h.mu.Unlock()
		return nil
	})
	if err := group.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

func (t *task) run() error {
	defer close(t.over)
	ctx, cancel := context.WithCancel(t.host.running)
	defer cancel()
	defer context.AfterFunc(t.told, cancel)()
	if err := t.do(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

// stop ends it, and waits for that.
func (t *task) stop() {
	t.quit()
	t.host.mu.Lock()
	if t.host.group == nil { // it has never run, and will not
		t.host.waiting = slices.DeleteFunc(t.host.waiting, func(other *task) bool { return other == t })
		t.host.mu.Unlock()
		return
	}
	t.host.mu.Unlock()
	<-t.over
}
