package dynamoview_test

import (
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries/viewtest"
)

// TestEverAfterTidying shows that a membership that was tidied away still says
// what its own stream does, and later commits of that stream too.
func TestEverAfterTidying(t *testing.T) {
	view, h := fresh(t, connect(t)), viewtest.NewHistory(t)
	group, user := domain.NewID[domain.Group](), domain.NewID[domain.User]()
	apply := func(commits ...eventstream.Commit) {
		t.Helper()
		for _, commit := range commits {
			if err := view.Apply(t.Context(), []eventstream.Commit{commit}); err != nil {
				t.Fatal(err)
			}
		}
	}
	ever := func() domain.Membership {
		t.Helper()
		members, err := view.EverMembers(t.Context(), group, uuid.Nil, 5)
		if err != nil {
			t.Fatal(err)
		}
		groups, err := view.EverGroupsOf(t.Context(), user.UUID, domain.GroupID{}, 5)
		if err != nil {
			t.Fatal(err)
		}
		if len(members) != 1 || !reflect.DeepEqual(members, groups) {
			t.Fatalf("the group says %+v, the member %+v", members, groups)
		}
		return members[0]
	}
	apply(h.Group(group, "g"), h.User(user, "u"), h.Member(group, user, true))
	before := ever()
	apply(h.RemoveUser(user))
	ended, err := view.Tidy(t.Context(), eventstream.UserStream(user.UUID))
	if err != nil || len(ended) != 1 {
		t.Fatalf("tidy: %v, %v", ended, err)
	}
	if err := view.Tidied(t.Context(), eventstream.UserStream(user.UUID), ended); err != nil {
		t.Fatal(err)
	}
	if after := ever(); !reflect.DeepEqual(after, before) {
		t.Fatalf("after tidying %+v, before %+v", after, before)
	}
	row, err := view.Membership(t.Context(), group, user.UUID)
	if err != nil || row.Present {
		t.Fatalf("the membership of a removed user is present: %t, %v", row.Present, err)
	}
	for _, present := range []bool{false, true} {
		if apply(h.Member(group, user, present)); ever().Present != present {
			t.Fatalf("present is not %t", present)
		}
	}
}
