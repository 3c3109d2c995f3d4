package viewtest

import (
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// racers is how many do the same at once.
const racers = 4

// together calls do so many times at once, and gives what went wrong.
func together(do func(racer int) error) error {
	failures := make([]error, racers)
	var racing sync.WaitGroup
	for racer := range racers {
		racing.Go(func() { failures[racer] = do(racer) })
	}
	racing.Wait()
	return errors.Join(failures...)
}

var racePromises = []promise{
	{"of those that apply the same commit, one does and the others are told ErrMoved", func(s *subject) {
		for _, stream := range s.oneOfEach() {
			for _, commit := range s.Commits(stream) {
				applied := make([]bool, racers)
				s.check(together(func(racer int) error {
					err := s.view.Apply(s.ctx(), []eventstream.Commit{commit})
					if applied[racer] = err == nil; errors.Is(err, eventstream.ErrMoved) {
						return nil
					}
					return err
				}))
				if winners := len(slices.DeleteFunc(applied, func(won bool) bool { return !won })); winners != 1 {
					s.t.Fatalf("%d of %d applied one commit of a %s", winners, racers, stream.Kind())
				}
				s.same("seq", s.seq(stream), commit.Seq)
			}
		}
	}},
	{"what a row's seq covers shows everywhere", func(s *subject) {
		group := domain.NewID[domain.Group]()
		s.given(s.Group(group, "g"))
		users, commits := mixedIDs(60), []eventstream.Commit(nil)
		for _, id := range users {
			user := domain.UserID{UUID: id}
			commits = append(commits, s.User(user, "u"), s.Member(group, user, true))
		}
		written := make(chan struct{})
		s.check(together(func(racer int) error {
			if racer == 0 {
				defer close(written)
				for _, commit := range commits {
					if err := s.view.Apply(s.ctx(), []eventstream.Commit{commit}); err != nil {
						return err
					}
				}
				return nil
			}
			for _, id := range users {
				if err := s.awaitListed(group, id, written); err != nil {
					return err
				}
			}
			return nil
		}))
	}},
	{"streams may be applied at the same time", func(s *subject) {
		ids := mixedIDs(40)
		var streams [racers][][]eventstream.Commit
		for i, id := range ids {
			user, group := domain.UserID{UUID: id}, domain.GroupID{UUID: ids[(i*7+1)%len(ids)]}
			streams[i%racers] = append(streams[i%racers],
				[]eventstream.Commit{s.User(user, "u"), s.Write(eventstream.UserStream(id), domain.SetName{Name: Text("N")})},
				[]eventstream.Commit{s.Group(domain.GroupID{UUID: id}, "g")},
				[]eventstream.Commit{s.Member(group, user, true)})
		}
		s.check(together(func(racer int) error {
			for _, commits := range streams[racer] {
				if err := s.view.Apply(s.ctx(), commits); err != nil {
					return err
				}
			}
			return nil
		}))
		s.same("users", userIDs(s.users(7)), sortedIDs(ids))
		s.same("groups", len(s.groups(7)), len(ids))
		for i, id := range ids {
			group := domain.GroupID{UUID: ids[(i*7+1)%len(ids)]}
			s.same("name", s.user(domain.UserID{UUID: id}).Name, Text("N"))
			s.same("members", memberIDs(s.members(group, 5)), []uuid.UUID{id})
			s.same("groups of", groupIDs(s.groupsOf(id, 5)), []uuid.UUID{group.UUID})
		}
	}},
}

// awaitListed waits until the row of a membership is there, at the latest when all
// was written, and demands that then both of its ends list it.
func (s *subject) awaitListed(group domain.GroupID, user uuid.UUID, written <-chan struct{}) error {
	for over, seq := false, eventstream.Seq(0); seq == 0; runtime.Gosched() {
		if over {
			return errors.New("a membership that was applied has no row")
		}
		select {
		case <-written:
			over = true
		default:
		}
		var err error
		if seq, err = s.view.Seq(s.ctx(), eventstream.MemberStream(group.UUID, user)); err != nil {
			return err
		}
	}
	members, err := s.view.Members(s.ctx(), group, uuid.Nil, 100)
	if err != nil || !slices.Contains(memberIDs(members), user) {
		return errors.Join(err, errors.New("a group does not list a member that was applied"))
	}
	groups, err := s.view.GroupsOf(s.ctx(), user, domain.GroupID{}, 100)
	if err != nil || !slices.Contains(groupIDs(groups), group.UUID) {
		return errors.Join(err, errors.New("a member does not list a group that was applied"))
	}
	users, err := s.view.Users(s.ctx(), domain.UserID{}, 100)
	if err != nil || !slices.Contains(userIDs(users), user) {
		return errors.Join(err, errors.New("a user that was applied is not listed"))
	}
	return nil
}
