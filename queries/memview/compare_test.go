package memview_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/queries/memview"
	"github.com/seed5b6a70b4/identity/queries/viewtest"
)

func pair(t *testing.T, commits ...eventstream.Commit) (a, b *memview.View) {
	t.Helper()
	a, b = memview.New(nil), memview.New(nil)
	for i := range commits {
		handed(t, a, commits[i])
		handed(t, b, commits[len(commits)-1-i]) // each of another stream
	}
	return a, b
}

func handed(t *testing.T, v *memview.View, commits ...eventstream.Commit) {
	t.Helper()
	for i := range commits {
		if err := v.Apply(t.Context(), commits[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
}

// unsettled is for views that stand where they are: what differs in its number
// cannot be brought to another.
func unsettled(_ context.Context, stream eventstream.StreamID, _ eventstream.Seq) error {
	if stream == eventstream.LogStream {
		return nil
	}
	return eventstream.ErrParked
}

// ended is the log of views that nothing is added to.
func ended() uint64 { return 0 }

func differing(t *testing.T, a, b *memview.View) memview.Comparison {
	t.Helper()
	found, err := memview.Compare(t.Context(), a, b, memview.CompareOptions{Settle: unsettled, End: ended})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestViewsOfTheSameCommitsDoNotDiffer(t *testing.T) {
	h := viewtest.NewHistory(t)
	user, group := domain.NewID[domain.User](), domain.NewID[domain.Group]()
	a, b := pair(t, h.User(user, "ann"), h.Group(group, "staff"), h.Member(group, user, true))
	if found := differing(t, a, b); found.Differing > 0 || found.Compared != 3 || found.Sampled != 2 {
		t.Errorf("%+v", found)
	}
	removal := h.RemoveUser(user)
	handed(t, a, removal)
	handed(t, b, removal)
	if err := a.Tidy(t.Context()); err != nil { // only one of them
		t.Fatal(err)
	}
	if found := differing(t, a, b); found.Differing > 0 || found.Compared != 3 {
		t.Errorf("after a removal: %+v", found)
	}
}

func TestWhatDiffersIsNamed(t *testing.T) {
	user, group := domain.NewID[domain.User](), domain.NewID[domain.Group]()
	for name, one := range map[string]struct {
		stream eventstream.StreamID
		fields []string
		made   func(h *viewtest.History, other bool) []eventstream.Commit
	}{
		"a field": {eventstream.UserStream(user.UUID), []string{"username"}, func(h *viewtest.History, other bool) []eventstream.Commit {
			return []eventstream.Commit{h.User(user, map[bool]string{false: "ann", true: "eve"}[other])}
		}},
		"a number": {eventstream.UserStream(user.UUID), []string{"seq"}, func(h *viewtest.History, other bool) []eventstream.Commit {
			commits := []eventstream.Commit{h.User(user, "ann")}
			if other {
				commits = append(commits, h.RemoveUser(user))
			}
			return commits
		}},
		"one is missing": {eventstream.GroupStream(group.UUID), []string{"seq"}, func(h *viewtest.History, other bool) []eventstream.Commit {
			if other {
				return nil
			}
			return []eventstream.Commit{h.Group(group, "staff")}
		}},
		"a membership": {eventstream.MemberStream(group.UUID, user.UUID), []string{"present"}, func(h *viewtest.History, other bool) []eventstream.Commit {
			return []eventstream.Commit{h.Member(group, user, !other)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := memview.New(nil), memview.New(nil)
			handed(t, a, one.made(viewtest.NewHistory(t), false)...)
			handed(t, b, one.made(viewtest.NewHistory(t), true)...)
			for _, found := range []memview.Comparison{differing(t, a, b), differing(t, b, a)} {
				if found.Differing != 1 || found.Differences[0].Stream != one.stream {
					t.Fatalf("%+v", found)
				}
				has := map[string]bool{}
				for _, field := range found.Differences[0].Fields {
					has[field] = true
				}
				for _, field := range one.fields {
					if !has[field] {
						t.Errorf("fields %v, without %s", found.Differences[0].Fields, field)
					}
				}
			}
		})
	}
}

// TestAMovingRowIsComparedAtOneNumber has the view that is behind brought along.
func TestAMovingRowIsComparedAtOneNumber(t *testing.T) {
	h := viewtest.NewHistory(t)
	user := domain.UserID{UUID: uuid.New()}
	first, second := h.User(user, "ann"), h.RemoveUser(user)
	a, b := memview.New(nil), memview.New(nil)
	handed(t, a, first, second)
	handed(t, b, first)
	found, err := memview.Compare(t.Context(), a, b, memview.CompareOptions{End: ended, Settle: func(_ context.Context, stream eventstream.StreamID, seq eventstream.Seq) error {
		if stream == eventstream.UserStream(user.UUID) && seq == 2 {
			handed(t, b, second)
		}
		return nil
	}})
	if err != nil || found.Differing > 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestASampleIsOfOnePosition has a commit arrive in one view before a sample is read,
// and in the other after it.
func TestASampleIsOfOnePosition(t *testing.T) {
	h := viewtest.NewHistory(t)
	user := domain.UserID{UUID: uuid.New()}
	a, b := pair(t, h.User(user, "ann"))
	removal := h.RemoveUser(user)
	asked := uint64(0)
	found, err := memview.Compare(t.Context(), a, b, memview.CompareOptions{Samples: 1, Settle: unsettled, End: func() uint64 {
		switch asked++; asked {
		case 1: // before the sample is read at all
			handed(t, a, removal)
		case 3: // after it was read again
			handed(t, b, removal)
		}
		return asked
	}})
	if err != nil || found.Differing > 0 || found.Sampled != 1 || asked < 3 {
		t.Errorf("asked %d times where the log ends: %+v, %v", asked, found, err)
	}
}
