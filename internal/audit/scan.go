package audit

import (
	"context"
	"errors"
	"iter"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Scanner is a store that does not number its transactions but gives all of its
// commits, stream by stream.
type Scanner interface {
	// Scan gives every commit that was there when the call began, and perhaps later
	// ones; those of a stream one after the other, in order. It checks no hashes. What
	// is no commit is an error that is eventstream.ErrCorrupt, beside the position
	// that it has; the scan goes on behind it. Any other error ends it.
	Scan(ctx context.Context) iter.Seq2[eventstream.Commit, error]
	// At gives the commit at a position, the zero Commit if there is none, and
	// eventstream.ErrCorrupt for one that is not what was written.
	At(ctx context.Context, position eventstream.Position) (eventstream.Commit, error)
	// Size is about how many commits there are.
	Size(ctx context.Context) (uint64, error)
}

// scan is a scan of all streams. Two pages of it are from two instants.
type scan struct {
	*audit
	stream  eventstream.StreamID // the one that it is in
	folding folding
	together
	size uint64
}

// readStreams goes over all streams.
func (a *audit) readStreams(ctx context.Context) error {
	if err := a.readStore(ctx); err != nil {
		return err
	}
	s := &scan{audit: a, together: newTogether(a.options.Now())}
	var err error
	if s.size, err = a.scanner.Size(ctx); err != nil {
		return err
	}
	for commit, err := range a.scanner.Scan(ctx) {
		switch {
		case errors.Is(err, eventstream.ErrCorrupt):
			s.find(&commit, "the item cannot be read as a commit")
		case err != nil:
			return err
		default:
			if err := s.meet(ctx, &commit); err != nil {
				return err
			}
		}
	}
	s.leave()
	a.progress("streams", uint64(a.report.Commits), uint64(a.report.Commits))
	return s.scanAgain(ctx)
}

// readStore reads the stream store, which says how the others are read.
func (a *audit) readStore(ctx context.Context) error {
	for commit, err := range a.subject.Store.Read(ctx, eventstream.StoreStream, 0) {
		if err != nil {
			return unlessCorrupt(err)
		}
		if events, err := domain.DecodeEvents(commit.Data); err == nil {
			a.learnStore(&commit, events)
		}
	}
	return nil
}

// meet takes a commit of the scan. Those that should be before it are asked for:
// the items of a transaction do not show at one instant, and it may have several
// of one stream.
func (s *scan) meet(ctx context.Context, commit *eventstream.Commit) error {
	if commit.Stream != s.stream {
		s.leave()
		s.stream = commit.Stream
		s.folding = s.begin(commit.Stream, s.tips[keyOf(commit.Stream)].seq > 0)
	}
	at := s.tips[keyOf(commit.Stream)].seq
	if commit.Seq > at+1 {
		for earlier, err := range s.subject.Store.Read(ctx, commit.Stream, at) {
			if err != nil {
				if err = unlessCorrupt(err); err != nil {
					return err
				}
				break
			}
			if earlier.Seq >= commit.Seq {
				break
			}
			if err := s.add(ctx, &earlier); err != nil {
				return err
			}
		}
	}
	return s.add(ctx, commit)
}

// progressEvery is how many commits there are between two tellings.
const progressEvery = 1024

func (s *scan) add(ctx context.Context, commit *eventstream.Commit) error {
	if s.report.Commits++; s.report.Commits%progressEvery == 0 {
		done := uint64(s.report.Commits)
		s.progress("streams", done, max(done, s.size))
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	tx := &transaction{commits: []eventstream.Commit{*commit}, facts: make([][]domain.Event, 1), first: make([]entity, 1)}
	if commit.Stream.Kind() == eventstream.ChangesKind {
		s.report.Transactions++
		s.addNotices(tx)
		return nil
	}
	tx.facts[0] = tx.read(commit)
	if len(commit.Siblings) == 0 {
		tx.compareListed()
	}
	s.addAll(tx.findings)
	s.learn(tx, s.follow(commit) && tx.facts[0] != nil)
	return s.tie(ctx, s.audit, commit, tx.facts[0])
}

// learn is audit.learn of a commit of a scan. Whatever needs other streams
// comes later, and the fold of an entity is kept only while the scan is in it.
func (s *scan) learn(tx *transaction, whole bool) {
	commit, events := &tx.commits[0], tx.facts[0]
	switch commit.Stream.Kind() {
	case eventstream.UserKind, eventstream.GroupKind:
		s.folding.add(s.audit, commit, events, whole)
	case eventstream.StoreKind, eventstream.NestingKind: // read by themselves
	default:
		s.audit.learn(tx, 0, whole)
	}
}

// leave ends the stream that the scan was in.
func (s *scan) leave() {
	if s.stream != "" {
		s.folding.end(s.audit)
	}
}

// addNotices takes a commit of changes/{n}, which holds no facts.
func (s *scan) addNotices(tx *transaction) {
	commit := &tx.commits[0]
	if commit.ComputeHash() != commit.Hash {
		s.find(commit, notItsHash)
	}
	s.follow(commit)
	if s.takeNotices(commit) != nil {
		s.find(commit, "the notices cannot be read")
	}
}
