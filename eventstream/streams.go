package eventstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// Streams is what callers use: a Store with the rules that every backend shares.
type Streams struct {
	store   Store
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

// Append writes a transaction, whole and durable, or nothing. An attempt whose
// reply was lost is recognised by its command id: if the commits that beat the
// transaction carry its own command, they are it, and Append answers them.
func (s *Streams) Append(ctx context.Context, tx Transaction) ([]Commit, error) {
	commits, err := s.append(ctx, tx)
	if s.options.OnAppend != nil {
		s.options.OnAppend(len(commits), err)
	}
	return commits, err
}

func (s *Streams) append(ctx context.Context, tx Transaction) ([]Commit, error) {
	if err := tx.Check(); err != nil {
		return nil, err
	}
	commits, err := s.store.Append(ctx, tx)
	var conflict *ConflictError
	if errors.As(err, &conflict) {
		if own, written, ownErr := s.ownCommits(ctx, &tx, conflict); ownErr != nil || written {
			return own, ownErr
		}
	}
	if err != nil {
		return nil, fmt.Errorf("append to %d streams: %w", len(tx.Entries), err)
	}
	return commits, nil
}

// ownCommits applies the ambiguity rule. A transaction is written whole or not
// at all, so one winner with our command is proof for all of them; the rest are
// its siblings.
func (s *Streams) ownCommits(ctx context.Context, tx *Transaction, conflict *ConflictError) ([]Commit, bool, error) {
	for _, c := range conflict.Conflicts {
		for i := range c.Winners {
			if winner := &c.Winners[i]; winner.Command == tx.Command {
				commits, err := s.siblingsInOrder(ctx, tx, winner)
				return commits, true, err
			}
		}
	}
	return nil, false, nil
}

func (s *Streams) siblingsInOrder(ctx context.Context, tx *Transaction, own *Commit) ([]Commit, error) {
	seqs := map[StreamID]Seq{own.Stream: own.Seq}
	for _, sibling := range own.Siblings {
		seqs[sibling.Stream] = sibling.Seq
	}
	var commits []Commit
	for _, entry := range tx.Entries {
		if entry.Data == nil {
			continue
		}
		commit, err := s.At(ctx, Position{entry.Stream, seqs[entry.Stream]})
		if err != nil {
			return nil, err
		}
		commits = append(commits, commit)
	}
	return commits, nil
}

// At gives one commit. One that is not there is ErrCorrupt if a commit names it;
// callers that only guess must compare with Last first.
func (s *Streams) At(ctx context.Context, position Position) (Commit, error) {
	if position.Seq > 0 {
		for commit, err := range s.store.Read(ctx, position.Stream, position.Seq-1) {
			return commit, err
		}
	}
	return Commit{}, fmt.Errorf("%w: a stream of kind %s has no commit %d", ErrCorrupt, position.Stream.Kind(), position.Seq)
}

// Attribution says on whose behalf a transaction is made.
type Attribution struct{ Actor, Correlation string }

// Transact decides and appends until an append holds: decide is told the command
// id that the commits will carry, a new one each time, reads what it needs and
// answers the entries to write, none for nothing to do, or an error, which is
// final. After a conflict, or when the storage asks to slow down, it is called
// again, after a pause with full jitter, as often as Options.Attempts says and
// within ctx; then the last error is returned. An unknown outcome is resolved by
// appending the same transaction once more.
func (s *Streams) Transact(ctx context.Context, by Attribution, decide func(ctx context.Context, command uuid.UUID) ([]Entry, error)) ([]Commit, error) {
	for attempt := 1; ; attempt++ {
		command := uuid.Must(uuid.NewV7())
		entries, err := decide(ctx, command)
		if err != nil || len(entries) == 0 {
			return nil, err
		}
		tx := Transaction{Command: command, Actor: by.Actor, Correlation: by.Correlation, Entries: entries}
		commits, err := s.Append(ctx, tx)
		for unknown := 0; errors.Is(err, ErrUnknownOutcome) && unknown < s.options.Attempts; unknown++ {
			if pauseErr := s.pause(ctx, unknown+1, err); pauseErr != nil {
				return nil, pauseErr
			}
			commits, err = s.Append(ctx, tx)
		}
		if err == nil || attempt == s.options.Attempts || !errors.Is(err, ErrConflict) && !errors.Is(err, ErrThrottled) {
			return commits, err
		}
		if err := s.pause(ctx, attempt, err); err != nil {
			return nil, err
		}
	}
}

// pause waits before another attempt; it answers the attempt's error if ctx
// would end first.
func (s *Streams) pause(ctx context.Context, attempt int, cause error) error {
	if s.options.OnRetry != nil {
		s.options.OnRetry(cause)
	}
	longest := s.options.Backoff << min(attempt-1, 10)
	timer := time.NewTimer(rand.N(longest + 1))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w while waiting after: %w", context.Cause(ctx), cause)
	case <-timer.C:
		return nil
	}
}
