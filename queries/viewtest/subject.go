package viewtest

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// subject is a fresh view under test, and a history to give it. A fault of the
// view ends the test.
type subject struct {
	*History
	view   View
	settle func(context.Context, View) error
	slow   bool
}

func newSubject(t *testing.T, h Harness) *subject {
	return &subject{History: NewHistory(t), view: h.New(t), settle: h.Settle, slow: h.Slow}
}

func (s *subject) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("the view failed: %v", err)
	}
}

// same compares what the view says with what is right.
func (s *subject) same(what string, got, want any) {
	s.t.Helper()
	if reflect.DeepEqual(got, want) { // most are, and cmp takes its time
		return
	}
	all := cmp.Exporter(func(reflect.Type) bool { return true })
	if diff := cmp.Diff(want, got, all, cmpopts.EquateEmpty()); diff != "" {
		s.t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// given applies commits one by one.
func (s *subject) given(commits ...eventstream.Commit) {
	s.t.Helper()
	for _, commit := range commits {
		s.apply(commit)
	}
}

// apply applies consecutive commits of one stream at once.
func (s *subject) apply(commits ...eventstream.Commit) {
	s.t.Helper()
	s.check(s.view.Apply(s.ctx(), commits))
}

// moved demands that commits are refused because the row is elsewhere.
func (s *subject) moved(commits ...eventstream.Commit) {
	s.t.Helper()
	if err := s.view.Apply(s.ctx(), commits); !errors.Is(err, eventstream.ErrMoved) {
		s.t.Fatalf("apply of commits that do not follow: %v, want ErrMoved", err)
	}
}

// settled lets the view do what it does in the background.
func (s *subject) settled() {
	s.t.Helper()
	if s.settle != nil {
		s.check(s.settle(s.ctx(), s.view))
	}
}

func (s *subject) user(id domain.UserID) domain.User {
	s.t.Helper()
	user, err := s.view.User(s.ctx(), id)
	s.check(err)
	return user
}

func (s *subject) group(id domain.GroupID) domain.Group {
	s.t.Helper()
	group, err := s.view.Group(s.ctx(), id)
	s.check(err)
	return group
}

func (s *subject) key(id domain.KeyID) domain.APIKey {
	s.t.Helper()
	key, err := s.view.Key(s.ctx(), id)
	s.check(err)
	return key
}

func (s *subject) membership(group domain.GroupID, member uuid.UUID) domain.Membership {
	s.t.Helper()
	membership, err := s.view.Membership(s.ctx(), group, member)
	s.check(err)
	return membership
}

func (s *subject) root(kind domain.MemberKind, id uuid.UUID) domain.Root {
	s.t.Helper()
	roots, err := s.view.Roots(s.ctx(), []domain.EntityID{{Kind: kind, ID: id}})
	s.check(err)
	s.same("roots", len(roots), 1)
	return roots[0]
}

func (s *subject) seq(stream eventstream.StreamID) eventstream.Seq {
	s.t.Helper()
	seq, err := s.view.Seq(s.ctx(), stream)
	s.check(err)
	return seq
}
