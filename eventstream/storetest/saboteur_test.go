package storetest_test

import (
	"context"
	"iter"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/storetest"
)

// sabotage is what is wrong with a store. The zero sabotage is nothing.
type sabotage struct {
	// topic is the part of the kit that must notice.
	topic string
	// Each of these stands in for the session's method.
	append  func(s *session, ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error)
	enqueue func(s *session, ctx context.Context, tx eventstream.Transaction) (eventstream.Appending, error)
	imports func(s *session, ctx context.Context, transactions [][]eventstream.Commit) (int, error)
	read    func(s *session, ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error]
	last    func(s *session, ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error)
	head    func(s *session, ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error)
	recent  func(s *session, ctx context.Context, since time.Time) iter.Seq2[eventstream.Position, error]
	tail    func(s *session, ctx context.Context, after uint64) iter.Seq2[[]eventstream.Commit, error]
	end     func(s *session) uint64
	close   func(s *session) error
	// observe changes what the observer is told.
	observe func(eventstream.Observer) eventstream.Observer
	// name changes the stream ids that go in.
	name func(eventstream.StreamID) eventstream.StreamID
	// commit changes the commits that come out.
	commit func(*eventstream.Commit)
	// forget makes the reopened store of what the disk held.
	forget func(*disk) *disk
	// hangs tells that the kit notices by not ending.
	hangs bool
}

func (b sabotage) open(d *disk, options storetest.Options) *saboteur {
	if b.observe != nil && options.Observe != nil {
		options.Observe = b.observe(options.Observe)
	}
	return &saboteur{session: open(d, options), sabotage: b}
}

func (b sabotage) reopen(d *disk, options storetest.Options) *saboteur {
	if b.forget != nil {
		d = b.forget(d)
	}
	return b.open(d, options)
}

// saboteur is a store with something wrong.
type saboteur struct {
	session *session
	sabotage
}

func (s *saboteur) in(stream eventstream.StreamID) eventstream.StreamID {
	if s.name == nil {
		return stream
	}
	return s.name(stream)
}

func (s *saboteur) out(commit eventstream.Commit) eventstream.Commit {
	if s.sabotage.commit != nil {
		s.sabotage.commit(&commit)
	}
	return commit
}

func (s *saboteur) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	if s.name != nil {
		entries := make([]eventstream.Entry, len(tx.Entries))
		for i, entry := range tx.Entries {
			entry.Stream = s.name(entry.Stream)
			entries[i] = entry
		}
		tx.Entries = entries
	}
	do := (*session).Append
	if s.append != nil {
		do = s.append
	}
	commits, err := do(s.session, ctx, tx)
	for i := range commits {
		commits[i] = s.out(commits[i])
	}
	return commits, err
}

func (s *saboteur) Enqueue(ctx context.Context, tx eventstream.Transaction) (eventstream.Appending, error) {
	if s.enqueue != nil {
		return s.enqueue(s.session, ctx, tx)
	}
	return s.session.Enqueue(ctx, tx)
}

func (s *saboteur) Import(ctx context.Context, transactions [][]eventstream.Commit) (int, error) {
	if s.imports != nil {
		return s.imports(s.session, ctx, transactions)
	}
	return s.session.Import(ctx, transactions)
}

func (s *saboteur) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	do := (*session).Read
	if s.read != nil {
		do = s.read
	}
	commits := do(s.session, ctx, s.in(stream), after)
	return func(yield func(eventstream.Commit, error) bool) {
		for commit, err := range commits {
			if !yield(s.out(commit), err) {
				return
			}
		}
	}
}

func (s *saboteur) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	do := (*session).Last
	if s.last != nil {
		do = s.last
	}
	commit, err := do(s.session, ctx, s.in(stream))
	return s.out(commit), err
}

func (s *saboteur) Head(ctx context.Context, stream eventstream.StreamID) (eventstream.Seq, error) {
	if s.head != nil {
		return s.head(s.session, ctx, s.in(stream))
	}
	return s.session.Head(ctx, s.in(stream))
}

func (s *saboteur) Recent(ctx context.Context, since time.Time) iter.Seq2[eventstream.Position, error] {
	if s.recent != nil {
		return s.recent(s.session, ctx, since)
	}
	return s.session.Recent(ctx, since)
}

func (s *saboteur) Tail(ctx context.Context, after uint64) iter.Seq2[[]eventstream.Commit, error] {
	do := (*session).Tail
	if s.tail != nil {
		do = s.tail
	}
	transactions := do(s.session, ctx, after)
	return func(yield func([]eventstream.Commit, error) bool) {
		for commits, err := range transactions {
			changed := make([]eventstream.Commit, len(commits))
			for i := range commits {
				changed[i] = s.out(commits[i])
			}
			if !yield(changed, err) {
				return
			}
		}
	}
}

func (s *saboteur) End() uint64 {
	if s.end != nil {
		return s.end(s.session)
	}
	return s.session.End()
}

func (s *saboteur) Close() error {
	if s.close != nil {
		return s.close(s.session)
	}
	return s.session.Close()
}
