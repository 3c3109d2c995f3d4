package dynamostore

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// request is what is sent for some members, again and again as it is.
type request struct {
	members []*member
	commits [][]eventstream.Commit // of each member
	actions []action
	// remembered names the streams whose heads were not read for this request.
	remembered map[eventstream.StreamID]bool
}

// action is a condition on an item, and mostly writes it: that the stream has no
// commit of the number.
type action struct {
	member, entry int
	stream        eventstream.StreamID
	seq           eventstream.Seq
	commit        *eventstream.Commit // nil only looks
}

// plan makes the request for the members that may hold, and answers the others.
func (s *Store) plan(ctx context.Context, group []*member) *request {
	r := &request{remembered: map[eventstream.StreamID]bool{}}
	moved := map[eventstream.StreamID]eventstream.Head{} // by members before
	now := s.options.Now()
	for _, m := range group {
		heads, err := s.findHeads(ctx, m.tx, moved, r.remembered)
		for err == nil && !allowed(m.tx, heads) {
			if err = s.conflict(ctx, m.tx, nil); err == nil { // they moved meanwhile
				heads, err = s.findHeads(ctx, m.tx, moved, r.remembered)
			}
		}
		if err != nil {
			m.answer(nil, err)
			continue
		}
		commits := eventstream.Seal(m.tx, heads, now)
		r.commits = append(r.commits, commits)
		r.add(len(r.members), m.tx, heads, commits)
		r.members = append(r.members, m)
		for i := range commits {
			moved[commits[i].Stream] = headOf(&commits[i])
		}
	}
	return r
}

// add makes the actions of a member. What a head that was seen proves for ever
// (that there is a commit of its number) is not asked again.
func (r *request) add(member int, tx *eventstream.Transaction, heads []eventstream.Head, commits []eventstream.Commit) {
	next := 0
	for i := range tx.Entries {
		entry := &tx.Entries[i]
		a := action{member: member, entry: i, stream: entry.Stream, seq: heads[i].Seq + 1}
		if entry.Data != nil {
			a.commit = &commits[next]
			next++
		} else if !pins(entry) {
			continue
		}
		r.actions = append(r.actions, a)
	}
}

// allowed tells whether the heads meet the expectations.
func allowed(tx *eventstream.Transaction, heads []eventstream.Head) bool {
	for i := range tx.Entries {
		if !tx.Entries[i].Expect.Allows(heads[i].Seq) {
			return false
		}
	}
	return true
}

// findHeads gives the head of each stream that must be known: where members
// before left it, else as remembered if that may do, else read. Of a stream that
// must be empty it need not be: the condition tells.
func (s *Store) findHeads(ctx context.Context, tx *eventstream.Transaction, moved map[eventstream.StreamID]eventstream.Head, remembered map[eventstream.StreamID]bool) ([]eventstream.Head, error) {
	heads := make([]eventstream.Head, len(tx.Entries))
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(8)
	for i := range tx.Entries {
		entry := &tx.Entries[i]
		if entry.Expect == eventstream.Empty() || entry.Expect == eventstream.Any() && entry.Data == nil {
			continue
		}
		if head, ok := moved[entry.Stream]; ok {
			heads[i] = head
			continue
		}
		if head, ok := s.heads.get(entry.Stream); ok && entry.Expect.Allows(head.Seq) {
			heads[i], remembered[entry.Stream] = head, true
			continue
		}
		delete(remembered, entry.Stream)
		reads.Go(func() error {
			last, err := s.last(ctx, entry.Stream)
			heads[i] = headOf(&last)
			return err
		})
	}
	return heads, reads.Wait()
}
