package viewtest

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// foldFunc is how the domain folds a commit into an entity.
type foldFunc = func(seq uint64, at time.Time, events []domain.Event) error

// foldInto folds commits the way the domain does.
func foldInto(apply foldFunc, commits ...eventstream.Commit) error {
	for _, commit := range commits {
		events, err := domain.DecodeEvents(commit.Data)
		if err != nil {
			return err
		}
		if err := apply(uint64(commit.Seq), commit.Time, events); err != nil {
			return err
		}
	}
	return nil
}

var writingPromises = []promise{
	{"users, groups, memberships and keys are shown, nothing else", func(s *subject) {
		a, b := uuid.New(), uuid.New()
		for _, stream := range []eventstream.StreamID{eventstream.UserStream(a), eventstream.GroupStream(a), eventstream.MemberStream(a, b), eventstream.KeyStream(a)} {
			s.same(string(stream.Kind()), s.view.Shows(stream), true)
		}
		for _, stream := range []eventstream.StreamID{
			eventstream.UsersStream(0), eventstream.GroupsStream(3), eventstream.NestingStream, eventstream.StoreStream, eventstream.ClaimStream("email", "ab"),
			eventstream.RequestStream("ab"), eventstream.LogStream, "user", "user/", "user/x", "member/" + eventstream.StreamID(a.String()), "",
			// Stream ids are compared byte by byte, and the directory writes them in lower case.
			"user/0191ABCD-0000-7000-8000-000000000001",
		} {
			s.same(string(stream), s.view.Shows(stream), false)
			s.same("seq", s.seq(stream), eventstream.Seq(0))
		}
	}},
	{"seq is that of the last commit applied", func(s *subject) {
		for _, stream := range s.oneOfEach() {
			s.same("before", s.seq(stream), eventstream.Seq(0))
			for _, commit := range s.Commits(stream) {
				s.apply(commit)
				s.same("after", s.seq(stream), commit.Seq)
			}
		}
	}},
	{"commits that do not follow the row change nothing and are ErrMoved", func(s *subject) {
		for _, stream := range s.oneOfEach() {
			commits := s.Commits(stream)
			s.moved(commits[1:]...)
			s.same("seq", s.seq(stream), eventstream.Seq(0))
			s.apply(commits[:2]...)
			s.moved(commits[:2]...)
			s.moved(commits[1:]...)
			s.moved(commits[3])
			s.same("seq", s.seq(stream), eventstream.Seq(2))
			s.apply(commits[2:]...)
			s.same("seq", s.seq(stream), eventstream.Seq(4))
		}
	}},
	{"duplicates change nothing", func(s *subject) {
		user, group := domain.NewID[domain.User](), domain.NewID[domain.Group]()
		s.given(s.User(user, "u"), s.Group(group, "g"), s.Write(eventstream.UserStream(user.UUID), domain.SetName{Name: Text("N")}), s.Member(group, user, true))
		row, edge := s.user(user), s.membership(group, user.UUID)
		for commit := range s.All() {
			s.moved(commit)
		}
		s.same("user", s.user(user), row)
		s.same("membership", s.membership(group, user.UUID), edge)
		s.same("list", len(s.users(5)), 1)
		s.same("members", len(s.members(group, 5)), 1)
		s.same("groups", len(s.groupsOf(user.UUID, 5)), 1)
	}},
	{"an unknown event changes nothing and is no ErrMoved", func(s *subject) {
		for _, stream := range s.oneOfEach() {
			commits := s.Commits(stream)
			s.apply(commits...)
			unknown := s.WriteData(stream, []byte(`[{"type":"SetMood","v":1,"data":{}}]`))
			s.refused(unknown)
			later := s.WriteData(stream, []byte(`[{"type":"SetOwner","v":1,"data":{"ownerSeq":1}}]`))
			s.refused(unknown, later)
			s.same("seq", s.seq(stream), commits[len(commits)-1].Seq)
		}
	}},
	{"one bad commit among good ones changes nothing", func(s *subject) {
		id := domain.NewID[domain.User]()
		s.given(s.User(id, "u"))
		before := s.user(id)
		good := s.Write(eventstream.UserStream(id.UUID), domain.SetName{Name: Text("N")})
		s.refused(good, s.WriteData(eventstream.UserStream(id.UUID), []byte(`{`)))
		s.same("row", s.user(id), before)
	}},
	{"a first commit that is refused leaves no row", func(s *subject) {
		user := domain.NewID[domain.User]()
		s.refused(s.Write(eventstream.UserStream(user.UUID), domain.SetGroupName{Name: GroupName("g")}))
		s.same("row", s.user(user), domain.User{})
		s.same("list", len(s.users(5)), 0)
	}},
	{"a stream that is not shown is refused", func(s *subject) {
		s.refused(s.Write(eventstream.NestingStream, domain.SetNode{Group: domain.NewID[domain.Group](), Removed: true}))
	}},
}

// refused demands that commits cannot be applied, now or later.
func (s *subject) refused(commits ...eventstream.Commit) {
	s.t.Helper()
	err := s.view.Apply(s.ctx(), commits)
	if err == nil || errors.Is(err, eventstream.ErrMoved) || errors.Is(err, eventstream.ErrUnavailable) {
		s.t.Fatalf("apply of commits that cannot be: %v, want an error for good", err)
	}
}

// oneOfEach writes four commits to a stream of each kind that is shown.
func (s *subject) oneOfEach() []eventstream.StreamID {
	user, group, key := domain.NewID[domain.User](), domain.NewID[domain.Group](), domain.NewID[domain.APIKey]()
	s.User(user, "u")
	s.Group(group, "g")
	for i := range 4 {
		s.Member(group, user, i%2 == 0)
		s.Write(eventstream.KeyStream(key.UUID), domain.SetKey{Active: i%2 == 0})
	}
	for _, name := range []string{"b", "c", "d"} {
		s.Write(eventstream.UserStream(user.UUID), domain.SetName{Name: Text(name)})
		s.Write(eventstream.GroupStream(group.UUID), domain.SetDescription{Description: Text(name)})
	}
	return []eventstream.StreamID{
		eventstream.UserStream(user.UUID), eventstream.GroupStream(group.UUID),
		eventstream.MemberStream(group.UUID, user.UUID), eventstream.KeyStream(key.UUID),
	}
}
