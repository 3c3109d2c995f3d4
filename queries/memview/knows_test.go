package memview_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries/memview"
	"github.com/seed5b6a70b4/identity/queries/viewtest"
)

// An entity is known from the first commit of its own on, whatever else names its id,
// and as what it is only; it has a document from then on, also when it is removed.
func TestWhatIsKnownHasADocument(t *testing.T) {
	h, f := viewtest.NewHistory(t), newFollower()
	user, group := domain.NewID[domain.User](), domain.NewID[domain.Group]()
	for _, step := range []struct {
		what        string
		commit      func() eventstream.Commit
		user, group bool
	}{
		{"a membership of both", func() eventstream.Commit { return h.Member(group, user, true) }, false, false},
		{"the user", func() eventstream.Commit { return h.User(user, "ann") }, true, false},
		{"the group", func() eventstream.Commit { return h.Group(group, "g") }, true, true},
		{"the end of the membership", func() eventstream.Commit { return h.Member(group, user, false) }, true, true},
		{"the removal of the user", func() eventstream.Commit { return h.RemoveUser(user) }, true, true},
		{"the removal of the group", func() eventstream.Commit { return h.RemoveGroup(group) }, true, true},
	} {
		f.apply(t, step.commit())
		for entity, want := range map[memview.Entity]bool{
			{Kind: domain.UserMember, ID: user.UUID}: step.user, {Kind: domain.GroupMember, ID: group.UUID}: step.group,
			{Kind: domain.GroupMember, ID: user.UUID}: false, {Kind: domain.UserMember, ID: group.UUID}: false,
			{Kind: domain.UserMember, ID: uuid.New()}: false,
		} {
			document, err := f.view.Document(t.Context(), entity.Kind, entity.ID)
			if err != nil {
				t.Fatal(err)
			}
			if knows, has := f.view.Knows(entity), document.Revision > 0; knows != want || has != want {
				t.Errorf("after %s a %s is known: %t, and has a document: %t; want %t", step.what, entity.Kind, knows, has, want)
			}
		}
	}
}
