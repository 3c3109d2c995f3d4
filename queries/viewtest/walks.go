package viewtest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// checkWalks walks lists while users come and go, and join and leave: who is
// there throughout must be met exactly once, and nobody twice.
func checkWalks(t *testing.T, h Harness) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &subject{History: NewHistory(rt), view: h.New(t), settle: h.Settle}
		c := newChurn(s, rapid.IntRange(5, 60).Draw(rt, "stable"), rapid.IntRange(5, 60).Draw(rt, "passing"))
		size := rapid.IntRange(1, 30).Draw(rt, "page")
		failed := make(chan error, len(c.writers))
		var writing sync.WaitGroup
		for _, commits := range c.writers {
			writing.Go(func() {
				for _, commit := range commits {
					if err := s.view.Apply(s.ctx(), []eventstream.Commit{commit}); err != nil {
						failed <- fmt.Errorf("apply: %w", err)
						return
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { writing.Wait(); close(done) }()
		defer func() { <-done }()
		for walking := true; walking; {
			select {
			case <-done:
				walking = false // once more, now that all is quiet
			default:
			}
			c.met(s, "users", userIDs(s.users(size)))
			c.met(s, "members", memberIDs(s.members(c.group, size)))
			c.metGroup(s, groupIDs(s.groupsOf(c.stable[0], size)))
		}
		select {
		case err := <-failed:
			s.check(err)
		default:
		}
	})
}

// churn is a group whose members are stable or passing.
type churn struct {
	group   domain.GroupID
	stable  []uuid.UUID
	writers [][]eventstream.Commit
}

func newChurn(s *subject, stable, passing int) *churn {
	ids := mixedIDs(stable + passing)
	c := &churn{group: domain.NewID[domain.Group](), stable: sortedIDs(ids[:stable]), writers: make([][]eventstream.Commit, 2)}
	s.given(s.Group(c.group, "g"))
	for _, id := range c.stable {
		user := domain.UserID{UUID: id}
		s.given(s.User(user, "u"), s.Member(c.group, user, true))
	}
	for i, id := range ids[stable:] {
		named := c.stable[i%2+i/2%(stable/2)*2] // one writer for each stream
		user, other := domain.UserID{UUID: id}, domain.NewID[domain.Group]()
		first := domain.UserID{UUID: c.stable[0]}
		c.writers[i%2] = append(c.writers[i%2], s.User(user, "u"), s.Member(c.group, user, true), s.Group(other, "o"), s.Member(other, first, true),
			s.Write(eventstream.UserStream(named), domain.SetName{Name: Text("another name")}))
		if i%2 == 0 {
			c.writers[0] = append(c.writers[0], s.Member(c.group, user, false), s.RemoveGroup(other))
		}
		if i%3 == 0 {
			c.writers[i%2] = append(c.writers[i%2], s.RemoveUser(user))
		}
	}
	return c
}

// met demands that a walk met every stable one once, in order, and nobody twice.
func (c *churn) met(s *subject, what string, walk []uuid.UUID) {
	s.t.Helper()
	if !slices.IsSortedFunc(walk, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }) {
		s.t.Fatalf("%s are out of order", what)
	}
	if len(slices.Compact(slices.Clone(walk))) != len(walk) {
		s.t.Fatalf("%s: one was met twice", what)
	}
	stable := slices.DeleteFunc(walk, func(id uuid.UUID) bool { return !slices.Contains(c.stable, id) })
	s.same(what+" that stayed", stable, c.stable)
}

func (c *churn) metGroup(s *subject, walk []uuid.UUID) {
	s.t.Helper()
	if !slices.Contains(walk, c.group.UUID) || len(slices.Compact(walk)) != len(walk) {
		s.t.Fatalf("the member's groups are not each met once")
	}
}
