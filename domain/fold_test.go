package domain_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/domain"
)

// commit is one commit of a history.
type commit struct {
	seq    uint64
	at     time.Time
	events []domain.Event
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// folded is an entity under test: what applies a commit to it, a copy of it, and
// the events that it has. Deep gives all that can be seen of it.
type folded struct {
	apply func(commit) error
	copy  func() folded
	deep  func() any
}

func drawText(t *rapid.T) domain.Text {
	return rapid.SampledFrom([]domain.Text{{}, text("a"), text("b")}).Draw(t, "text")
}

func drawUUID(t *rapid.T) uuid.UUID {
	return rapid.SampledFrom([]uuid.UUID{uuid.Nil, user1, group1.UUID, group2.UUID}).Draw(t, "id")
}

func drawGroupID(t *rapid.T) domain.GroupID {
	return rapid.SampledFrom([]domain.GroupID{group1, group2, {UUID: user1}}).Draw(t, "group")
}

func drawAttribute(t *rapid.T) domain.SetAttribute {
	value := rapid.SampledFrom([]domain.Attribute{{}, attribute("1"), attribute(`["x"]`)}).Draw(t, "value")
	return domain.SetAttribute{Name: rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "name"), Value: value}
}

func drawExternalID(t *rapid.T) domain.SetExternalID {
	return domain.SetExternalID{ExternalID: rapid.SampledFrom([]domain.ExternalID{{}, must(domain.ParseExternalID("x"))}).Draw(t, "external id")}
}

// entities gives, for each kind of entity, an empty one and its events.
var entities = map[string]struct {
	fresh func() folded
	event func(*rapid.T) domain.Event
}{
	"user": {
		fresh: func() folded { return foldUser(&domain.User{ID: domain.UserID{UUID: user1}}) },
		event: func(t *rapid.T) domain.Event {
			return rapid.SampledFrom([]func() domain.Event{
				func() domain.Event { return domain.SetOrigin{Digest: "d"} },
				func() domain.Event {
					return domain.SetUsername{Username: rapid.SampledFrom([]domain.Username{must(domain.ParseUsername("a")), must(domain.ParseUsername("B"))}).Draw(t, "username")}
				},
				func() domain.Event {
					return domain.SetEmail{Email: rapid.SampledFrom([]domain.Email{{}, must(domain.ParseEmail("a@b"))}).Draw(t, "email")}
				},
				func() domain.Event { return domain.SetName{Name: drawText(t)} },
				func() domain.Event { return domain.SetGivenName{GivenName: drawText(t)} },
				func() domain.Event { return domain.SetFamilyName{FamilyName: drawText(t)} },
				func() domain.Event { return domain.SetActive{Active: rapid.Bool().Draw(t, "active")} },
				func() domain.Event { return drawExternalID(t) },
				func() domain.Event { return drawAttribute(t) },
				func() domain.Event { return drawAttribute(t) },
				func() domain.Event { return domain.SetRemoved{Removed: rapid.Bool().Draw(t, "removed")} },
			}).Draw(t, "event")()
		},
	},
	"group": {
		fresh: func() folded { return foldGroup(&domain.Group{ID: group1}) },
		event: func(t *rapid.T) domain.Event {
			return rapid.SampledFrom([]func() domain.Event{
				func() domain.Event { return domain.SetOrigin{Digest: "d"} },
				func() domain.Event {
					return domain.SetGroupName{Name: rapid.SampledFrom([]domain.GroupName{must(domain.ParseGroupName("a")), must(domain.ParseGroupName("B"))}).Draw(t, "name")}
				},
				func() domain.Event { return domain.SetDescription{Description: drawText(t)} },
				func() domain.Event { return drawExternalID(t) },
				func() domain.Event { return drawAttribute(t) },
				func() domain.Event { return domain.SetRemoved{Removed: rapid.Bool().Draw(t, "removed")} },
			}).Draw(t, "event")()
		},
	},
	"membership": {
		fresh: func() folded { return foldMembership(&domain.Membership{Group: group1, Member: user1}) },
		event: func(t *rapid.T) domain.Event {
			return domain.SetMember{Present: rapid.Bool().Draw(t, "present"), Kind: rapid.SampledFrom([]domain.MemberKind{domain.UserMember, domain.GroupMember}).Draw(t, "kind")}
		},
	},
	"key": {
		fresh: func() folded { return foldKey(&domain.APIKey{}) },
		event: func(t *rapid.T) domain.Event {
			scopes := rapid.SliceOf(rapid.SampledFrom([]domain.Scope{domain.ReadScope, domain.AdminScope})).Draw(t, "scopes")
			if len(scopes) == 0 {
				scopes = nil // none is nil
			}
			return domain.SetKey{Hash: "h", Scopes: scopes, Label: drawText(t), Owner: domain.UserID{UUID: drawUUID(t)}, Active: rapid.Bool().Draw(t, "active")}
		},
	},
	"nesting": {
		fresh: func() folded { return foldNesting(&domain.Nesting{}, nil) },
		event: func(t *rapid.T) domain.Event {
			if rapid.IntRange(0, 4).Draw(t, "node") == 0 {
				return domain.SetNode{Group: drawGroupID(t), Removed: rapid.Bool().Draw(t, "removed")}
			}
			return domain.SetNesting{Group: drawGroupID(t), Member: drawGroupID(t), Present: rapid.Bool().Draw(t, "present")}
		},
	},
}

func foldUser(u *domain.User) folded {
	return folded{
		apply: func(c commit) error { return u.Apply(c.seq, c.at, c.events) },
		copy:  func() folded { copied := *u; return foldUser(&copied) },
		deep:  func() any { return *u },
	}
}

func foldGroup(g *domain.Group) folded {
	return folded{
		apply: func(c commit) error { return g.Apply(c.seq, c.at, c.events) },
		copy:  func() folded { copied := *g; return foldGroup(&copied) },
		deep:  func() any { return *g },
	}
}

func foldMembership(m *domain.Membership) folded {
	return folded{
		apply: func(c commit) error { return m.Apply(c.seq, c.at, c.events) },
		copy:  func() folded { copied := *m; return foldMembership(&copied) },
		deep:  func() any { return *m },
	}
}

func foldKey(k *domain.APIKey) folded {
	return folded{
		apply: func(c commit) error { return k.Apply(c.seq, c.at, c.events) },
		copy:  func() folded { copied := *k; return foldKey(&copied) },
		deep:  func() any { return *k },
	}
}

// foldNesting copies a nesting by folding its history again: it holds maps.
func foldNesting(n *domain.Nesting, history []commit) folded {
	apply := func(c commit) error {
		err := n.Apply(c.seq, c.events)
		if err == nil && c.seq == uint64(len(history))+1 {
			history = append(history, c)
		}
		return err
	}
	return folded{
		apply: apply,
		copy: func() folded {
			copied := foldNesting(&domain.Nesting{}, nil)
			for _, c := range history {
				if err := copied.apply(c); err != nil {
					panic(err)
				}
			}
			return copied
		},
		deep: func() any { return fmt.Sprint(n.Seq, reach(n)) },
	}
}

// reach is what can be seen of a nesting.
func reach(n *domain.Nesting) (reached []string) {
	all := []domain.GroupID{group1, group2, {UUID: user1}}
	for i, a := range all {
		for k, b := range all {
			if n.Reaches(a, b) {
				reached = append(reached, fmt.Sprint(i, ">", k))
			}
		}
	}
	return reached
}

func drawHistory(t *rapid.T, event func(*rapid.T) domain.Event) []commit {
	var history []commit
	for seq := range rapid.Uint64Range(1, 12).Draw(t, "commits") {
		c := commit{seq: seq + 1, at: noon.Add(time.Duration(seq) * time.Second)}
		for range rapid.IntRange(1, 4).Draw(t, "events") {
			c.events = append(c.events, event(t))
		}
		history = append(history, c)
	}
	return history
}

func applyAll(t *rapid.T, entity folded, history []commit) {
	for _, c := range history {
		if err := entity.apply(c); err != nil {
			t.Fatalf("commit %d: %v", c.seq, err)
		}
	}
}

func TestFoldingInPartsGivesTheSame(t *testing.T) {
	for kind, entity := range entities {
		t.Run(kind, rapid.MakeCheck(func(t *rapid.T) {
			history := drawHistory(t, entity.event)
			whole := entity.fresh()
			applyAll(t, whole, history)
			parts := entity.fresh()
			for at := 0; at < len(history); {
				before, was := parts, exact(parts.deep(), nil)
				parts = parts.copy()
				end := rapid.IntRange(at+1, len(history)).Draw(t, "part")
				applyAll(t, parts, history[at:end])
				if is := exact(before.deep(), nil); is != was {
					t.Fatalf("folding into a copy changed what was copied:\nfrom %s\nto %s", was, is)
				}
				at = end
			}
			if diff := exact(parts.deep(), whole.deep()); diff != "" {
				t.Fatalf("in parts it is (-whole +parts):\n%s", diff)
			}
		}))
	}
}

func TestApplyingTwiceChangesNothing(t *testing.T) {
	for kind, entity := range entities {
		t.Run(kind, rapid.MakeCheck(func(t *rapid.T) {
			history := drawHistory(t, entity.event)
			once, often := entity.fresh(), entity.fresh()
			applyAll(t, once, history)
			for i, c := range history {
				doubled := c
				doubled.events = append(c.events[:len(c.events):len(c.events)], c.events...)
				applyAll(t, often, []commit{doubled})
				applyAll(t, often, history[rapid.IntRange(0, i).Draw(t, "from"):i+1])
			}
			if diff := exact(often.deep(), once.deep()); diff != "" {
				t.Fatalf("with commits and events applied again it is (-once +often):\n%s", diff)
			}
		}))
	}
}

func TestGapsAndForeignEventsAreRefusedAndChangeNothing(t *testing.T) {
	for kind, entity := range entities {
		t.Run(kind, rapid.MakeCheck(func(t *rapid.T) {
			history := drawHistory(t, entity.event)
			folded := entity.fresh()
			applyAll(t, folded, history)
			want := folded.copy().deep()

			gap := commit{uint64(len(history)) + 2 + rapid.Uint64Range(0, 100).Draw(t, "gap"), noon, []domain.Event{entity.event(t)}}
			if err := folded.apply(gap); err == nil || errors.Is(err, domain.ErrUnknownEvent) {
				t.Fatalf("a gap: %v, want an error", err)
			}
			foreign := commit{uint64(len(history)) + 1, noon.Add(time.Hour), []domain.Event{entity.event(t), domain.SetEpoch{Epoch: "e"}, entity.event(t)}}
			if err := folded.apply(foreign); !errors.Is(err, domain.ErrUnknownEvent) {
				t.Fatalf("an event of something else: %v, want ErrUnknownEvent", err)
			}
			if diff := exact(folded.deep(), want); diff != "" {
				t.Fatalf("what was refused changed (-want +got):\n%s", diff)
			}
		}))
	}
}

func TestHistoriesSurviveTheFileFormat(t *testing.T) {
	for kind, entity := range entities {
		t.Run(kind, rapid.MakeCheck(func(t *rapid.T) {
			for _, c := range drawHistory(t, entity.event) {
				back, err := domain.DecodeEvents(must(domain.EncodeEvents(c.events)))
				if err != nil {
					t.Fatal(err)
				}
				if diff := exact(back, c.events); diff != "" {
					t.Fatalf("came back as (-want +got):\n%s", diff)
				}
			}
		}))
	}
}
