package domain_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
)

var unexported = cmp.Exporter(func(reflect.Type) bool { return true })

// TestFactsMakeTheEntityAgain folds any history, and then its facts as one commit
// at the same place.
func TestFactsMakeTheEntityAgain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		user, group := domain.User{ID: domain.UserID{UUID: user1}}, domain.Group{ID: group1}
		for seq := range uint64(rapid.IntRange(1, 5).Draw(rt, "commits")) {
			for kind, apply := range map[string]func(uint64, []domain.Event) error{
				"user":  func(seq uint64, events []domain.Event) error { return user.Apply(seq, noon, events) },
				"group": func(seq uint64, events []domain.Event) error { return group.Apply(seq, noon, events) },
			} {
				if err := apply(seq+1, rapid.SliceOf(rapid.Custom(entities[kind].event)).Draw(rt, kind)); err != nil {
					rt.Fatal(err)
				}
			}
		}
		userAgain := domain.User{ID: user.ID, Root: domain.Root{Seq: user.Seq - 1, CreatedAt: user.CreatedAt}}
		groupAgain := domain.Group{ID: group.ID, Root: domain.Root{Seq: group.Seq - 1, CreatedAt: group.CreatedAt}}
		for _, again := range []struct {
			apply func(events []domain.Event) error
			facts []domain.Event
		}{
			{func(events []domain.Event) error { return userAgain.Apply(user.Seq, user.UpdatedAt, events) }, user.Facts()},
			{func(events []domain.Event) error { return groupAgain.Apply(group.Seq, group.UpdatedAt, events) }, group.Facts()},
		} {
			data, err := domain.EncodeEvents(again.facts)
			if err != nil {
				rt.Fatal(err)
			}
			events, err := domain.DecodeEvents(data)
			if err != nil {
				rt.Fatal(err)
			}
			if err := again.apply(events); err != nil {
				rt.Fatal(err)
			}
		}
		if diff := cmp.Diff(user, userAgain, unexported, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("a user (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(group, groupAgain, unexported, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("a group (-want +got):\n%s", diff)
		}
	})
}
