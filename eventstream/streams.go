package eventstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Streams is what callers use: a Store with the rules that every backend shares.
type Streams struct {
	store   Store
	queue   Queue // nil if the store is none
	options Options
}

// Options adjust Streams. The zero value is good.
type Options struct {
	// Attempts is how often a command is decided at most; 8 if zero.
	Attempts int
	// Backoff is the longest pause before the second attempt, doubled for each
	// further one; 2 ms if zero. Pauses are random between nothing and that (full
	// jitter).
	Backoff time.Duration
	// OnAppend is told of every append: how many commits it made or, when it made
	// none, why. Nil tells nobody.
	OnAppend func(commits int, err error)
	// OnRetry is told of every further attempt and its cause. Nil tells nobody.
	OnRetry func(cause error)
}

// New makes Streams over a store. Nil options are the zero Options.
func New(store Store, options *Options) *Streams {
	s := &Streams{store: store}
	s.queue, _ = store.(Queue)
	if options != nil {
		s.options = *options
	}
	if s.options.Attempts == 0 {
		s.options.Attempts = 8
	}
	if s.options.Backoff == 0 {
		s.options.Backoff = 2 * time.Millisecond
	}
	return s
}

// Read gives the commits of a stream after a number, as Store.Read does.
func (s *Streams) Read(ctx context.Context, stream StreamID, after Seq) iter.Seq2[Commit, error] {
	return s.store.Read(ctx, stream, after)
}

// Last gives the newest commit of a stream, as Store.Last does.
func (s *Streams) Last(ctx context.Context, stream StreamID) (Commit, error) {
	return s.store.Last(ctx, stream)
}

// Recent names the streams that have moved lately, as Store.Recent does.
func (s *Streams) Recent(ctx context.Context, since time.Time) iter.Seq2[Position, error] {
	return s.store.Recent(ctx, since)
}

// Log is the store's log, nil if the store does not number its transactions.
func (s *Streams) Log() Log {
	log, _ := s.store.(Log)
	return log
}

// Heads are the store's heads, nil if they have to be read.
func (s *Streams) Heads() Heads {
	heads, _ := s.store.(Heads)
	return heads
}

// Head is the number of a stream's newest commit, 0 if it has none.
func (s *Streams) Head(ctx context.Context, stream StreamID) (Seq, error) {
	if heads := s.Heads(); heads != nil {
		return heads.Head(ctx, stream)
	}
	last, err := s.store.Last(ctx, stream)
	return last.Seq, err
}

// Queues tells whether Begin does not wait for the store.
func (s *Streams) Queues() bool { return s.queue != nil }

// At gives one commit. One that is not there is ErrCorrupt if a commit names it;
// callers that only guess must compare with Last first.
func (s *Streams) At(ctx context.Context, position Position) (Commit, error) {
	if position.Seq > 0 {
		for commit, err := range s.store.Read(ctx, position.Stream, position.Seq-1) {
			if err != nil || commit.Seq == position.Seq {
				return commit, err
			}
			break
		}
	}
	return Commit{}, fmt.Errorf("%w: a stream of kind %s has no commit %d", ErrCorrupt, position.Stream.Kind(), position.Seq)
}

// Append writes a transaction, whole and durable, or nothing. An attempt whose
// reply was lost is recognised by its command id: if the commits that beat the
// transaction carry its own command, they are it, and Append answers them.
func (s *Streams) Append(ctx context.Context, tx Transaction) ([]Commit, error) {
	commits, err := s.store.Append(ctx, tx)
	return s.appended(ctx, &tx, commits, err)
}

// appended makes what Append answers of what the store does.
func (s *Streams) appended(ctx context.Context, tx *Transaction, commits []Commit, err error) ([]Commit, error) {
	if err != nil {
		commits, err = s.recognise(ctx, tx, err)
	}
	if s.options.OnAppend != nil {
		s.options.OnAppend(len(commits), err)
	}
	return commits, err
}

// recognise gives the commits of a transaction that only seems to have failed.
func (s *Streams) recognise(ctx context.Context, tx *Transaction, failed error) ([]Commit, error) {
	var conflict *ConflictError
	if errors.As(failed, &conflict) {
		if own := ownCommit(tx, conflict); own != nil {
			return s.written(ctx, tx, own)
		}
	}
	return nil, fmt.Errorf("append to %d streams: %w", len(tx.Entries), failed)
}

// ownCommit finds, among the commits that beat a transaction, one that it wrote
// itself. Some entry pins the number of the commit that it writes, so a
// transaction that was written before always meets it.
func ownCommit(tx *Transaction, conflict *ConflictError) *Commit {
	for _, c := range conflict.Conflicts {
		for i := range c.Winners {
			if c.Winners[i].Command == tx.Command {
				return &c.Winners[i]
			}
		}
	}
	return nil
}

// written gives the commits of a transaction of which one is known. It is
// written whole or not at all: the others are the siblings. Where they cannot be
// read, it must not seem that nothing was written.
func (s *Streams) written(ctx context.Context, tx *Transaction, own *Commit) ([]Commit, error) {
	seqs := map[StreamID]Seq{own.Stream: own.Seq}
	for _, sibling := range own.Siblings {
		seqs[sibling.Stream] = sibling.Seq
	}
	var commits []Commit
	for i := range tx.Entries {
		entry := &tx.Entries[i]
		if entry.Data == nil {
			continue
		}
		seq, named := seqs[entry.Stream]
		if !named {
			return nil, errReused
		}
		commit, err := s.At(ctx, Position{entry.Stream, seq})
		if err != nil {
			return nil, fmt.Errorf("%w: read back what was written: %w", ErrUnknownOutcome, err)
		}
		if !bytes.Equal(commit.Data, entry.Data) {
			return nil, errReused
		}
		commits = append(commits, commit)
	}
	if len(commits) != len(seqs) {
		return nil, errReused
	}
	return commits, nil
}

var errReused = fmt.Errorf("%w: its command id is another transaction's", ErrInvalid)
