package memview_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memview"
	"github.com/seed5b6a70b4/identity/queries/viewtest"
)

// follower keeps the newest document of everything that a view says has changed,
// as a search index would: by revision.
type follower struct {
	view      *memview.View
	mu        sync.Mutex
	told      int
	documents map[memview.Entity]queries.Document
}

func newFollower() *follower {
	f := &follower{documents: map[memview.Entity]queries.Document{}}
	f.view = memview.New(&memview.Options{OnChange: f.changed})
	return f
}

func (f *follower) changed(entities []memview.Entity) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told += len(entities)
	for _, entity := range entities {
		document, err := f.view.Document(context.Background(), entity.Kind, entity.ID)
		if err != nil {
			panic(err)
		}
		if document.Revision > f.documents[entity].Revision {
			f.documents[entity] = document
		}
	}
}

func (f *follower) apply(t *testing.T, commits ...eventstream.Commit) {
	t.Helper()
	for _, commit := range commits {
		if err := f.view.Apply(context.Background(), []eventstream.Commit{commit}); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *follower) tidy(t *testing.T) {
	t.Helper()
	if err := f.view.Tidy(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (f *follower) groupsOf(id domain.UserID) []domain.GroupID {
	return f.documents[memview.Entity{Kind: domain.UserMember, ID: id.UUID}].Groups
}

func TestDocumentsHoldTheFieldsAndTheGroups(t *testing.T) {
	h, f := viewtest.NewHistory(t), newFollower()
	user, group, outer := domain.NewID[domain.User](), domain.NewID[domain.Group](), domain.NewID[domain.Group]()
	created := h.User(user, "ann", domain.SetEmail{Email: viewtest.Email("ann@example.com")}, domain.SetName{Name: viewtest.Text("Ann B")},
		domain.SetGivenName{GivenName: viewtest.Text("Ann")}, domain.SetFamilyName{FamilyName: viewtest.Text("B")}, domain.SetAttribute{Name: "a", Value: viewtest.Attribute("1")})
	grouped := h.Group(group, "staff", domain.SetAttribute{Name: "b", Value: viewtest.Attribute("2")})
	f.apply(t, created, grouped, h.Group(outer, "all"), h.Member(group, user, true), h.Nested(outer, group, true))
	want := map[memview.Entity]queries.Document{
		{Kind: domain.UserMember, ID: user.UUID}: {
			ID: user.UUID, Kind: domain.UserMember, Revision: 1 + 3 + 1, Username: "ann", Email: "ann@example.com", Name: "Ann B", GivenName: "Ann", FamilyName: "B",
			Active: true, Attributes: domain.Attributes{"a": viewtest.Attribute("1")}, Groups: []domain.GroupID{group}, CreatedAt: created.Time,
		},
		{Kind: domain.GroupMember, ID: group.UUID}: {
			ID: group.UUID, Kind: domain.GroupMember, Revision: 1 + 3 + 1, Name: "staff", Attributes: domain.Attributes{"b": viewtest.Attribute("2")},
			Groups: []domain.GroupID{outer}, CreatedAt: grouped.Time,
		},
	}
	delete(f.documents, memview.Entity{Kind: domain.GroupMember, ID: outer.UUID})
	if diff := cmp.Diff(want, f.documents, everything); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

func TestUnknownAndRemovedDocuments(t *testing.T) {
	h, f := viewtest.NewHistory(t), newFollower()
	user, group := domain.NewID[domain.User](), domain.NewID[domain.Group]()
	unknown, err := f.view.Document(context.Background(), domain.UserMember, user.UUID)
	if err != nil || unknown.Revision != 0 || unknown.Removed {
		t.Errorf("an unknown document has revision %d, removed %t, %v", unknown.Revision, unknown.Removed, err)
	}
	created := h.User(user, "ann")
	f.apply(t, created, h.Group(group, "g"), h.Member(group, user, true))
	before := f.documents[memview.Entity{Kind: domain.UserMember, ID: user.UUID}].Revision
	f.apply(t, h.RemoveUser(user))
	removed := f.documents[memview.Entity{Kind: domain.UserMember, ID: user.UUID}]
	want := queries.Document{ID: user.UUID, Kind: domain.UserMember, Removed: true, Revision: before + 1 + 1<<48, CreatedAt: created.Time}
	if diff := cmp.Diff(want, removed, everything); diff != "" {
		t.Errorf("removed document (-want +got):\n%s", diff)
	}
}

func TestWhatWasRemovedStaysRemoved(t *testing.T) {
	h, f := viewtest.NewHistory(t), newFollower()
	user := domain.NewID[domain.User]()
	f.apply(t, h.User(user, "u"), h.RemoveUser(user))
	revived := h.Write(eventstream.UserStream(user.UUID), domain.SetRemoved{Removed: false})
	if err := f.view.Apply(context.Background(), []eventstream.Commit{revived}); err == nil || errors.Is(err, eventstream.ErrMoved) {
		t.Errorf("reviving a user: %v, want a refusal", err)
	}
	if row, err := f.view.User(context.Background(), user); err != nil || !row.Removed {
		t.Errorf("the user was revived, %v", err)
	}
}

func TestTidyAnnouncesTheMembersOfARemovedGroup(t *testing.T) {
	h, f := viewtest.NewHistory(t), newFollower()
	group, kept := domain.NewID[domain.Group](), domain.NewID[domain.Group]()
	f.apply(t, h.Group(group, "g"), h.Group(kept, "k"))
	users := make([]domain.UserID, 700)
	for i := range users {
		users[i] = domain.NewID[domain.User]()
		f.apply(t, h.User(users[i], "u"), h.Member(group, users[i], true), h.Member(kept, users[i], true))
	}
	f.apply(t, h.RemoveGroup(group))
	f.told = 0
	f.tidy(t)
	if f.told != len(users) {
		t.Errorf("%d documents were announced, of %d that changed", f.told, len(users))
	}
	for _, user := range users {
		if diff := cmp.Diff([]domain.GroupID{kept}, f.groupsOf(user)); diff != "" {
			t.Fatalf("groups of a member (-want +got):\n%s", diff)
		}
	}
	if stats := f.view.Stats(); stats.Memberships != len(users) || stats.Former != len(users) || stats.Chores != 0 {
		t.Errorf("after tidying: %+v", stats)
	}
	for _, user := range users {
		stream := eventstream.MemberStream(group.UUID, user.UUID)
		if seq, err := f.view.Seq(context.Background(), stream); err != nil || seq != 1 {
			t.Fatalf("the row of a membership that was tidied away is at %d, %v", seq, err)
		}
	}
}

// TestAheadIsWhatAnIndexMissed has an index that missed what Tidy announced, and
// one that has nothing.
func TestAheadIsWhatAnIndexMissed(t *testing.T) {
	h, f := viewtest.NewHistory(t), newFollower()
	member, stranger := domain.NewID[domain.User](), domain.NewID[domain.User]()
	group := domain.NewID[domain.Group]()
	f.apply(t, h.User(member, "ann"), h.User(stranger, "bob"), h.Group(group, "staff"), h.Member(group, member, true))
	f.apply(t, h.RemoveGroup(group))
	index := map[uuid.UUID]uint64{uuid.New(): 9}
	for revision := range f.view.Revisions() {
		index[revision.ID] = revision.Revision
	}
	ahead := func(kind domain.MemberKind) (ids []uuid.UUID) {
		for entity := range f.view.Ahead(kind, maps.All(index)) {
			if entity.Kind != kind {
				t.Errorf("of the wrong kind: %v", entity)
			}
			ids = append(ids, entity.ID)
		}
		return ids
	}
	if got := slices.Concat(ahead(domain.UserMember), ahead(domain.GroupMember)); got != nil {
		t.Errorf("ahead of itself with %v", got)
	}
	f.tidy(t)
	if got := ahead(domain.UserMember); !slices.Equal(got, []uuid.UUID{member.UUID}) || ahead(domain.GroupMember) != nil {
		t.Errorf("ahead with %v, want the member %v", got, member)
	}
	clear(index)
	if got := ahead(domain.UserMember); len(got) != 2 || len(ahead(domain.GroupMember)) != 1 {
		t.Errorf("ahead of nothing with the users %v", got)
	}
}

func TestMembersAreFoundBehindManyHiddenOnes(t *testing.T) {
	h, f := viewtest.NewHistory(t), newFollower()
	group, last := domain.NewID[domain.Group](), domain.UserID{UUID: uuid.Max}
	f.apply(t, h.Group(group, "g"), h.User(last, "l"), h.Member(group, last, true))
	for range 3000 {
		user := domain.NewID[domain.User]()
		f.apply(t, h.User(user, "u"), h.Member(group, user, true), h.RemoveUser(user))
	}
	members, err := f.view.Members(context.Background(), group, uuid.Nil, 10)
	if err != nil || len(members) != 1 || members[0].Member != last.UUID {
		t.Errorf("%d members, %v", len(members), err)
	}
}

func TestTidyAnnouncesMembersThatCameBeforeTheirGroup(t *testing.T) {
	h, f := viewtest.NewHistory(t), newFollower()
	group, user := domain.NewID[domain.Group](), domain.NewID[domain.User]()
	f.apply(t, h.Member(group, user, true), h.User(user, "u"))
	if groups := f.groupsOf(user); len(groups) > 0 {
		t.Fatalf("a document has a group that does not exist")
	}
	f.apply(t, h.Group(group, "g"))
	f.tidy(t)
	if diff := cmp.Diff([]domain.GroupID{group}, f.groupsOf(user)); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

func TestTidyGoesOnWhereItWasInterrupted(t *testing.T) {
	h := viewtest.NewHistory(t)
	group, user := domain.NewID[domain.Group](), domain.NewID[domain.User]()
	var commits []eventstream.Commit
	commits = append(commits, h.Group(group, "g"), h.User(user, "u"))
	for range 1500 {
		member, other := domain.NewID[domain.User](), domain.NewID[domain.Group]()
		commits = append(commits, h.User(member, "m"), h.Member(group, member, true), h.Group(other, "o"), h.Member(other, user, true))
	}
	commits = append(commits, h.RemoveGroup(group), h.RemoveUser(user))

	interrupted := errors.New("interrupted")
	ctx, interrupt := context.WithCancelCause(context.Background())
	defer interrupt(nil)
	var view *memview.View
	told := 0
	view = memview.New(&memview.Options{OnChange: func(changed []memview.Entity) {
		if told += len(changed); view.Stats().Chores < 2 {
			interrupt(interrupted)
		}
	}})
	for _, commit := range commits {
		apply(view, []eventstream.Commit{commit})
	}
	if err := view.Tidy(ctx); !errors.Is(err, interrupted) {
		t.Fatalf("interrupted tidying: %v", err)
	}
	before := view.Stats()
	if before.Chores == 0 || before.Memberships == 0 {
		t.Fatalf("nothing was left to do: %+v", before)
	}
	dir := t.TempDir()
	if err := view.Save(dir); err != nil {
		t.Fatal(err)
	}
	loaded := memview.New(nil)
	if _, found, err := loaded.Load(dir); err != nil || !found {
		t.Fatal("no snapshot", err)
	}
	for _, v := range []*memview.View{view, loaded} {
		if err := v.Tidy(context.Background()); err != nil {
			t.Fatal(err)
		}
		if stats := v.Stats(); stats.Memberships != 0 || stats.Former != 3000 || stats.Chores != 0 {
			t.Errorf("after tidying to the end: %+v", stats)
		}
	}
}

func TestRunTidiesUntilItIsStopped(t *testing.T) {
	h := viewtest.NewHistory(t)
	group, user := domain.NewID[domain.Group](), domain.NewID[domain.User]()
	tidied := make(chan struct{})
	var removed bool
	view := memview.New(&memview.Options{OnChange: func(changed []memview.Entity) {
		if removed && changed[0].Kind == domain.UserMember {
			close(tidied)
		}
	}})
	for _, commit := range []eventstream.Commit{h.Group(group, "g"), h.User(user, "u"), h.Member(group, user, true)} {
		apply(view, []eventstream.Commit{commit})
	}
	removed = true
	ctx, stop := context.WithCancelCause(context.Background())
	stopped := errors.New("stopped")
	ended := make(chan error)
	go func() { ended <- view.Run(ctx) }()
	apply(view, []eventstream.Commit{h.RemoveGroup(group)})
	<-tidied
	stop(stopped)
	if err := <-ended; !errors.Is(err, stopped) {
		t.Errorf("run ended with %v", err)
	}
}

// TestRevisionsRiseAndDependOnTheCommitsAlone applies one history in two orders.
// Whatever a follower saw last must be what is there in the end.
func TestRevisionsRiseAndDependOnTheCommitsAlone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawLog(rt)
		first, second := newFollower(), newFollower()
		for _, commit := range l.commits {
			apply(first.view, []eventstream.Commit{commit})
			if rapid.IntRange(0, 9).Draw(rt, "tidy") == 0 {
				_ = first.view.Tidy(context.Background())
			}
		}
		byStream := map[eventstream.StreamID][]eventstream.Commit{}
		for _, commit := range l.commits {
			byStream[commit.Stream] = append(byStream[commit.Stream], commit)
		}
		streams := slices.Sorted(func(yield func(eventstream.StreamID) bool) {
			for stream := range byStream {
				if !yield(stream) {
					return
				}
			}
		})
		for _, stream := range rapid.Permutation(streams).Draw(rt, "order") {
			apply(second.view, byStream[stream])
		}
		for _, f := range []*follower{first, second} {
			if err := f.view.Tidy(context.Background()); err != nil {
				rt.Fatal(err)
			}
			f.complete(rt)
		}
		sameDocuments(rt, l, first.view, second.view)
	})
}

// complete demands that the follower has seen every document as it is now, and
// that Revisions names them all.
func (f *follower) complete(t *rapid.T) {
	t.Helper()
	met := 0
	for revision := range f.view.Revisions() {
		met++
		document, err := f.view.Document(context.Background(), revision.Kind, revision.ID)
		if err != nil {
			t.Fatal(err)
		}
		if document.Revision != revision.Revision || document.Removed != revision.Removed {
			t.Fatalf("revision %+v of document %+v", revision, document)
		}
		if diff := cmp.Diff(document, f.documents[revision.Entity], everything); diff != "" && !document.Removed {
			t.Fatalf("a follower's document is not the last (-want +got):\n%s", diff)
		}
	}
	if met != len(f.documents) {
		t.Fatalf("revisions of %d documents, of %d", met, len(f.documents))
	}
}
