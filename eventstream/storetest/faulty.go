package storetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// Fault is what goes wrong with one append to a Faulty store.
type Fault int

// The faults.
const (
	// NoFault: the append goes well.
	NoFault Fault = iota
	// LostRequest: nothing is written, and the caller gets ErrUnknownOutcome.
	LostRequest
	// LostReply: the transaction is written, if its expectations hold, and the
	// caller gets ErrUnknownOutcome.
	LostReply
	// SentTwice: the first reply is lost and the request is sent again underneath,
	// as SDKs do: the caller gets the second reply.
	SentTwice
	// Throttled: nothing is written, and the caller gets ErrThrottled.
	Throttled
	// Unavailable: nothing is written, and the caller gets ErrUnavailable.
	Unavailable
)

// Faulty is a store whose appends go wrong as planned, for tests of what stands
// above stores. It may be used concurrently.
type Faulty struct {
	eventstream.Store

	mu     sync.Mutex
	plan   []Fault
	always Fault
	calls  int
}

// NewFaulty makes a store of another one. The first appends have the faults of
// the plan, one each; the rest go well.
func NewFaulty(store eventstream.Store, plan ...Fault) *Faulty {
	return &Faulty{Store: store, plan: plan}
}

// Always gives every append that the plan does not cover a fault.
func (f *Faulty) Always(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.always = fault
}

// Calls is how often Append was called.
func (f *Faulty) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *Faulty) next() Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if len(f.plan) == 0 {
		return f.always
	}
	fault := f.plan[0]
	f.plan = f.plan[1:]
	return fault
}

// Append appends to the store underneath, with the next fault.
func (f *Faulty) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	switch fault := f.next(); fault {
	case LostRequest:
		return nil, fmt.Errorf("request lost: %w", eventstream.ErrUnknownOutcome)
	case LostReply:
		f.Store.Append(ctx, tx)
		return nil, fmt.Errorf("reply lost: %w", eventstream.ErrUnknownOutcome)
	case SentTwice:
		f.Store.Append(ctx, tx)
	case Throttled:
		return nil, fmt.Errorf("planned: %w", eventstream.ErrThrottled)
	case Unavailable:
		return nil, fmt.Errorf("planned: %w", eventstream.ErrUnavailable)
	}
	return f.Store.Append(ctx, tx)
}
