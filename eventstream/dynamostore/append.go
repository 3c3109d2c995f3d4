package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// maxRequest is how many bytes of items are sent in one transaction at most; the
// storage takes 4 MiB.
const maxRequest = 4<<20 - 64<<10

// Append implements eventstream.Store. When ctx ends while a request is on its
// way, the error is eventstream.ErrUnknownOutcome; when it ends before or between
// requests, nothing was written.
func (s *Store) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := tx.Check(); err != nil {
		return nil, err
	}
	if size := boundOf(&tx); size > maxRequest {
		return nil, fmt.Errorf("%w: %d bytes with its siblings, more than %d", eventstream.ErrTooLarge, size, maxRequest)
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	defer s.calls.Done()
	if _, err := s.sliced(ctx); err != nil {
		return nil, err
	}
	tx.Entries = copyEntries(tx.Entries)
	if stream, shared := sharedStream(&tx); shared {
		return s.ride(ctx, stream, &tx)
	}
	m := newMember(&tx)
	s.run(ctx, []*member{m})
	return m.commits, m.err
}

// boundOf is how many bytes a transaction's items count for at most.
func boundOf(tx *eventstream.Transaction) int {
	names, size, writes := 0, 0, 0
	for i := range tx.Entries {
		if entry := &tx.Entries[i]; entry.Data != nil {
			names += len(entry.Stream) + 20
			size += len(entry.Data) + len(entry.Stream) + len(tx.Actor) + len(tx.Correlation) + 200
			writes++
		}
	}
	return size + names*(writes-1)
}

// copyEntries makes the entries the store's own: what is returned holds their
// data.
func copyEntries(entries []eventstream.Entry) []eventstream.Entry {
	copied := slices.Clone(entries)
	for i := range copied {
		if copied[i].Data != nil {
			copied[i].Data = append([]byte{}, copied[i].Data...)
		}
	}
	return copied
}

// member is a transaction on its way, alone or together with others, and its
// answer.
type member struct {
	tx      *eventstream.Transaction
	done    chan struct{} // closed by answer
	commits []eventstream.Commit
	err     error
}

func newMember(tx *eventstream.Transaction) *member {
	return &member{tx: tx, done: make(chan struct{})}
}

// answer is called once.
func (m *member) answer(commits []eventstream.Commit, err error) {
	m.commits, m.err = commits, err
	close(m.done)
}

// run appends transactions that share no stream but one that all of them write
// whatever its number: together, as long as they hold, and each whole or not at
// all. All are answered when it returns.
func (s *Store) run(ctx context.Context, group []*member) {
	for attempt := 1; len(group) > 0; attempt++ {
		r := s.plan(ctx, group)
		if group = r.members; len(group) == 0 {
			return
		}
		failed, err := s.send(ctx, r)
		switch {
		case err != nil:
			s.refuse(ctx, group, err)
			return
		case len(failed) == 0:
			s.answer(r)
			return
		}
		group = s.lose(ctx, r, failed)
		if err := s.mayTryAgain(ctx, attempt, len(group)); err != nil {
			answerAll(group, err)
			return
		}
	}
}

func answerAll(group []*member, err error) {
	for _, m := range group {
		m.answer(nil, err)
	}
}

// mayTryAgain pauses after others were first. The first time it does not: whoever
// won is known.
func (s *Store) mayTryAgain(ctx context.Context, attempt, members int) error {
	lost := fmt.Errorf("%w: others were first %d times", eventstream.ErrThrottled, attempt)
	switch {
	case members == 0:
		return nil
	case attempt >= s.options.Attempts:
		return lost
	default:
		return s.pause(ctx, attempt, lost)
	}
}

// answer tells all members that they were written.
func (s *Store) answer(r *request) {
	for i, m := range r.members {
		for k := range r.commits[i] {
			s.heads.raise(&r.commits[i][k])
		}
		m.answer(r.commits[i], nil)
	}
}

// refuse tells members of an error. One that says that nothing was written may be
// the fault of one of several: then each is tried alone.
func (s *Store) refuse(ctx context.Context, group []*member, err error) {
	if len(group) == 1 || !isRefusal(err) || errors.Is(err, eventstream.ErrUnavailable) || ctx.Err() != nil {
		answerAll(group, err)
		return
	}
	for _, m := range group {
		s.run(ctx, []*member{m})
	}
}

// lose answers the members whose own expectations did not hold, and gives those
// that may be tried again.
func (s *Store) lose(ctx context.Context, r *request, failed []failedCondition) (left []*member) {
	beaten := make([][]int, len(r.members))
	for _, f := range failed {
		at := &r.actions[f.action]
		s.learn(r, at, f.there)
		if pins(&r.members[at.member].tx.Entries[at.entry]) {
			beaten[at.member] = append(beaten[at.member], at.entry)
		}
	}
	for i, m := range r.members {
		if beaten[i] == nil {
			left = append(left, m)
			continue
		}
		if err := s.conflict(ctx, m.tx, beaten[i]); err != nil {
			m.answer(nil, err)
		} else {
			left = append(left, m)
		}
	}
	return left
}

// learn corrects what is remembered of a stream that was not where it was thought
// to be. If that was out of date already, how much is not known.
func (s *Store) learn(r *request, at *action, there *eventstream.Commit) {
	if there == nil || r.remembered[at.stream] {
		s.heads.forget(at.stream)
		return
	}
	s.heads.raise(there)
}

// pins tells whether an entry fixes the number of the stream's last commit.
func pins(e *eventstream.Entry) bool {
	return e.Expect != eventstream.Any() && e.Expect != eventstream.Exists()
}
