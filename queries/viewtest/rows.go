package viewtest

import (
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

var rowPromises = []promise{
	{"what is not known is the zero row", func(s *subject) {
		id := uuid.New()
		s.same("user", s.user(domain.UserID{UUID: id}), domain.User{})
		s.same("group", s.group(domain.GroupID{UUID: id}), domain.Group{})
		s.same("key", s.key(domain.KeyID{UUID: id}), domain.APIKey{})
		s.same("membership", s.membership(domain.GroupID{UUID: id}, uuid.New()), domain.Membership{})
	}},
	{"the end of a membership is no row", func(s *subject) {
		group, user := domain.NewID[domain.Group](), domain.NewID[domain.User]()
		s.given(s.Member(group, user, true))
		s.same("user", s.user(user), domain.User{})
		s.same("group", s.group(group), domain.Group{})
	}},
	{"a user's row is the fold of its stream", func(s *subject) {
		id := domain.NewID[domain.User]()
		stream := eventstream.UserStream(id.UUID)
		s.Write(stream, domain.SetOrigin{Digest: "00ff12"}, domain.SetUsername{Username: Username("Åsa.42")},
			domain.SetEmail{Email: Email("asa@example.com")}, domain.SetName{Name: Text("Åsa 😀 Öberg")},
			domain.SetGivenName{GivenName: Text("Åsa")}, domain.SetFamilyName{FamilyName: Text("Öberg")},
			domain.SetActive{Active: true}, domain.SetExternalID{ExternalID: ExternalID("x/1")},
			domain.SetAttribute{Name: "team", Value: Attribute(`"red"`)}, domain.SetAttribute{Name: "n", Value: Attribute(`[1,true,"a"]`)})
		s.Write(stream, domain.SetActive{Active: false}, domain.SetName{}, domain.SetAttribute{Name: "n"})
		s.Write(stream, domain.SetEmail{Email: Email("other@example.com")}, domain.SetAttribute{Name: "", Value: Attribute(`""`)})
		want := domain.User{ID: id}
		for _, commit := range s.Commits(stream) {
			s.apply(commit)
			s.check(foldInto(want.Apply, commit))
			s.same("row", s.user(id), want)
		}
	}},
	{"a group's row is the fold of its stream", func(s *subject) {
		id := domain.NewID[domain.Group]()
		stream := eventstream.GroupStream(id.UUID)
		s.Write(stream, domain.SetOrigin{Digest: "no hexadecimal"}, domain.SetGroupName{Name: GroupName("Все")},
			domain.SetDescription{Description: Text("Everybody")}, domain.SetExternalID{ExternalID: ExternalID("x/1")},
			domain.SetAttribute{Name: "team", Value: Attribute(`"red"`)})
		s.Write(stream, domain.SetDescription{}, domain.SetAttribute{Name: "team", Value: Attribute(`"blue"`)})
		want := domain.Group{ID: id}
		for _, commit := range s.Commits(stream) {
			s.apply(commit)
			s.check(foldInto(want.Apply, commit))
			s.same("row", s.group(id), want)
		}
	}},
	{"the roots of users and groups are given as they are asked for", func(s *subject) {
		user, group, gone := domain.NewID[domain.User](), domain.NewID[domain.Group](), domain.NewID[domain.User]()
		s.given(s.User(user, "u"), s.Group(group, "g"), s.User(gone, "x"), s.RemoveUser(gone))
		of := []domain.EntityID{{Kind: domain.GroupMember, ID: user.UUID}}
		for range s.many() / 4 {
			of = append(of, domain.EntityID{Kind: domain.UserMember, ID: uuid.New()})
		}
		of = append(of, domain.EntityID{Kind: domain.UserMember, ID: gone.UUID}, domain.EntityID{Kind: domain.GroupMember, ID: group.UUID},
			domain.EntityID{Kind: domain.UserMember, ID: user.UUID}, domain.EntityID{Kind: domain.UserMember, ID: gone.UUID})
		roots, err := s.view.Roots(s.ctx(), of)
		s.check(err)
		want := make([]domain.Root, len(of)-4, len(of))
		removed := s.user(gone).Root
		s.same("roots", roots, append(want, removed, s.group(group).Root, s.user(user).Root, removed))
		roots, err = s.view.Roots(s.ctx(), nil)
		s.check(err)
		s.same("roots of none", len(roots), 0)
	}},
	{"a membership's row is the fold of its stream", func(s *subject) {
		group, user := domain.NewID[domain.Group](), domain.NewID[domain.User]()
		s.given(s.Group(group, "g"), s.User(user, "u"))
		stream := eventstream.MemberStream(group.UUID, user.UUID)
		want := domain.Membership{Group: group, Member: user.UUID}
		for _, present := range []bool{false, true, true, false, true} {
			commit := s.Member(group, user, present)
			s.apply(commit)
			s.check(foldInto(want.Apply, commit))
			s.same("row", s.membership(group, user.UUID), want)
		}
		s.same("seq", s.seq(stream), eventstream.Seq(5))
	}},
	{"a key's row is the fold of its stream", func(s *subject) {
		id := domain.NewID[domain.APIKey]()
		stream := eventstream.KeyStream(id.UUID)
		set := domain.SetKey{Hash: "ab", Scopes: []domain.Scope{domain.ReadScope, domain.WriteScope}, Label: Text("ci"), Owner: domain.NewID[domain.User](), Active: true}
		s.Write(stream, set)
		set.Active = false
		s.Write(stream, set)
		want := domain.APIKey{ID: id}
		for _, commit := range s.Commits(stream) {
			s.apply(commit)
			s.check(foldInto(want.Apply, commit))
			s.same("row", s.key(id), want)
		}
	}},
	{"several commits at once are the same as one by one", func(s *subject) {
		user, group := domain.NewID[domain.User](), domain.NewID[domain.Group]()
		commits := []eventstream.Commit{s.User(user, "u"), s.Write(eventstream.UserStream(user.UUID), domain.SetName{Name: Text("N")})}
		s.given(s.Group(group, "g"))
		s.apply(commits...)
		edge := []eventstream.Commit{s.Member(group, user, true), s.Member(group, user, false), s.Member(group, user, true)}
		s.apply(edge...)
		want := domain.User{ID: user}
		s.check(foldInto(want.Apply, commits...))
		s.same("user", s.user(user), want)
		wantEdge := domain.Membership{Group: group, Member: user.UUID}
		s.check(foldInto(wantEdge.Apply, edge...))
		s.same("membership", s.membership(group, user.UUID), wantEdge)
	}},
	{"rows grow and shrink", func(s *subject) {
		id := domain.NewID[domain.User]()
		want := domain.User{ID: id}
		s.User(id, "u")
		for i := range 40 {
			long := make([]byte, 1+(i*7919)%900)
			for j := range long {
				long[j] = byte('a' + (i+j)%26)
			}
			s.Write(eventstream.UserStream(id.UUID), domain.SetAttribute{Name: string(long[:1+i%5]), Value: Attribute(`"` + string(long) + `"`)})
		}
		for _, commit := range s.Commits(eventstream.UserStream(id.UUID)) {
			s.apply(commit)
			s.check(foldInto(want.Apply, commit))
			s.same("row", s.user(id), want)
		}
	}},
	{"what a caller does to a row stays with the caller", func(s *subject) {
		user, key := domain.NewID[domain.User](), domain.NewID[domain.APIKey]()
		s.given(s.User(user, "u", domain.SetAttribute{Name: "a", Value: Attribute("1")}),
			s.Write(eventstream.KeyStream(key.UUID), domain.SetKey{Scopes: []domain.Scope{domain.ReadScope}, Active: true}))
		s.user(user).Attributes["a"] = Attribute("2")
		s.key(key).Scopes[0] = domain.AdminScope
		s.same("attribute", s.user(user).Attributes["a"], Attribute("1"))
		s.same("scopes", s.key(key).Scopes, []domain.Scope{domain.ReadScope})
	}},
}
