package commands_test

import (
	"context"
	"iter"
	"sync"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// countingStore counts the commits that are read one after another.
type countingStore struct {
	eventstream.Store
	read int
}

func (s *countingStore) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	return func(yield func(eventstream.Commit, error) bool) {
		for commit, err := range s.Store.Read(ctx, stream, after) {
			s.read++
			if !yield(commit, err) {
				return
			}
		}
	}
}

// forgetfulStore loses the reply of some appends: they were written, or were not,
// and the caller cannot tell.
type forgetfulStore struct {
	eventstream.Store
	mu sync.Mutex
	// plan says of each append what happens to it; when it is over, nothing does.
	plan []fate
	// between is called after a reply was lost.
	between func()
}

type fate int

const (
	fine        fate = iota
	replyLost        // it was written
	requestLost      // it was not
)

func (s *forgetfulStore) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	s.mu.Lock()
	next := fine
	if len(s.plan) > 0 {
		next, s.plan = s.plan[0], s.plan[1:]
	}
	s.mu.Unlock()
	if next == requestLost {
		return nil, eventstream.ErrUnknownOutcome
	}
	commits, err := s.Store.Append(ctx, tx)
	if next == replyLost {
		if s.between != nil {
			s.between()
		}
		return nil, eventstream.ErrUnknownOutcome
	}
	return commits, err
}

// interruptedStore has something happen right after the last commit of a stream
// of a kind was read, once.
type interruptedStore struct {
	eventstream.Store
	kind    eventstream.Kind
	happens func()
}

func (s *interruptedStore) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	commit, err := s.Store.Last(ctx, stream)
	if happens := s.happens; happens != nil && stream.Kind() == s.kind {
		s.happens = nil
		happens()
	}
	return commit, err
}
