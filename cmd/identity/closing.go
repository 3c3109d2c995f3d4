package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// closing closes a store for whoever asks for that, once for all of them: what was
// written last may take longer to be announced than a request may, and goes on when
// the request has ended.
type closing struct {
	// closes does it; calling it again does the same.
	closes func(context.Context) error
	orders chan *closingRound

	mu     sync.Mutex
	round  *closingRound // nil unless one was ordered that has not ended
	closed bool
}

type closingRound struct {
	ended chan struct{}
	err   error // once it has
}

func newClosing(closes func(context.Context) error) *closing {
	return &closing{closes: closes, orders: make(chan *closingRound, 1)}
}

// run closes when that is ordered, until ctx ends.
func (c *closing) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case round := <-c.orders:
			round.err = c.closes(ctx)
			c.mu.Lock()
			c.round, c.closed = nil, round.err == nil
			c.mu.Unlock()
			close(round.ended)
		}
	}
}

// order returns when the store is closed and everything that was ever acknowledged
// shows in its events. Where that takes longer than ctx, the error is
// eventstream.ErrUnavailable, and ordering it again waits for the rest.
func (c *closing) order(ctx context.Context) error {
	round := c.join()
	if round == nil {
		return nil
	}
	select {
	case <-round.ended:
		return round.err
	case <-ctx.Done():
		return fmt.Errorf("%w: the store is being closed: ask again", eventstream.ErrUnavailable)
	}
}

// join gives the round that is under way, or orders one; nil if it is closed.
func (c *closing) join() *closingRound {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.round == nil && !c.closed {
		c.round = &closingRound{ended: make(chan struct{})}
		c.orders <- c.round // there is room: no other was ordered that has not ended
	}
	return c.round
}
