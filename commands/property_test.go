package commands_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// TestAnyHistoryKeepsTheRules does random commands on few entities with few
// values, in two handlers in turns, and audits what came of it.
func TestAnyHistoryKeepsTheRules(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, commands.Options{})
		other := commands.New(w.streams, w.directory, &commands.Options{Now: func() time.Time { return w.now }})
		var all cast
		for range rapid.IntRange(1, 60).Draw(r, "length") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 20).Draw(r, "days")) * 24 * time.Hour)
			handler := rapid.SampledFrom([]*commands.Handler{w.handler, other}).Draw(r, "handler")
			command := all.command(r)
			end := w.store.End()
			result, err := handler.Do(t.Context(), actor, command)
			if fault := codeOf(err); len(fault) > 5 && fault[:5] == "fault" {
				r.Fatalf("%T: %v", command, err)
			}
			if wrote := w.store.End() > end; wrote != result.Changed {
				r.Fatalf("%T: Changed is %v, and something was written: %v", command, result.Changed, wrote)
			}
			all.join(result)
			if !result.Wrote.Covers(result.Entity) {
				r.Fatalf("%T: Wrote %v does not cover Entity %v", command, result.Wrote, result.Entity)
			}
		}
		newAudit(r, w).check()
	})
}

// cast is who takes part in a history: those created so far, removed ones too.
type cast struct {
	users  []domain.UserID
	groups []domain.GroupID
}

func (c *cast) join(result commands.Result) {
	if result.Created && result.User != nil {
		c.users = append(c.users, result.User.ID)
	}
	if result.Created && result.Group != nil {
		c.groups = append(c.groups, result.Group.ID)
	}
}

func (c *cast) user(r *rapid.T) domain.UserID {
	return rapid.SampledFrom(append(c.users, userID("nobody"))).Draw(r, "user")
}

func (c *cast) group(r *rapid.T) domain.GroupID {
	return rapid.SampledFrom(append(c.groups, groupID("nobody"))).Draw(r, "group")
}

func (c *cast) member(r *rapid.T) uuid.UUID {
	if rapid.Bool().Draw(r, "nested") {
		return c.group(r).UUID
	}
	return c.user(r).UUID
}

// fresh is the zero id, for the directory to make one, or an id that may be used.
func (c *cast) fresh(r *rapid.T) uuid.UUID {
	n := byte(rapid.IntRange(0, 9).Draw(r, "id"))
	if n == 0 {
		return uuid.Nil
	}
	return number(100 + n)
}

func (c *cast) command(r *rapid.T) commands.Command {
	switch rapid.IntRange(0, 11).Draw(r, "command") {
	case 0, 1:
		return commands.CreateUser{
			ID: domain.UserID{UUID: c.fresh(r)}, Username: drawUsername(r), Email: drawEmail(r), ExternalID: drawExternalID(r),
			Active: rapid.Bool().Draw(r, "active"),
		}
	case 2, 3, 4:
		return commands.CreateGroup{ID: domain.GroupID{UUID: c.fresh(r)}, Name: drawGroupName(r), ExternalID: drawExternalID(r)}
	case 5:
		return commands.UpdateUser{
			ID: c.user(r), Username: maybe(r, drawUsername), Email: maybe(r, drawEmail), ExternalID: maybe(r, drawExternalID),
			Active: maybe(r, func(r *rapid.T) bool { return rapid.Bool().Draw(r, "active") }),
		}
	case 6:
		return commands.UpdateGroup{ID: c.group(r), Name: maybe(r, drawGroupName), ExternalID: maybe(r, drawExternalID)}
	case 7:
		if rapid.Bool().Draw(r, "of a user") {
			return commands.DeleteUser{ID: c.user(r)}
		}
		return commands.DeleteGroup{ID: c.group(r)}
	case 8, 9:
		return commands.AddMember{Group: c.group(r), Member: c.member(r)}
	case 10:
		return commands.AddMembers{Group: c.group(r), Members: []uuid.UUID{c.member(r), c.member(r)}}
	default:
		return commands.RemoveMember{Group: c.group(r), Member: c.member(r)}
	}
}

func maybe[T any](r *rapid.T, draw func(*rapid.T) T) commands.Change[T] {
	if rapid.Bool().Draw(r, "changed") {
		return commands.To(draw(r))
	}
	return commands.Change[T]{}
}

func drawUsername(r *rapid.T) domain.Username {
	return username(rapid.SampledFrom([]string{"anna", "ANNA", "berta", "Berta", "carl"}).Draw(r, "username"))
}

func drawEmail(r *rapid.T) domain.Email {
	if text := rapid.SampledFrom([]string{"", "a@x.org", "A@X.org", "b@x.org"}).Draw(r, "email"); text != "" {
		return email(text)
	}
	return domain.Email{}
}

func drawExternalID(r *rapid.T) domain.ExternalID {
	if text := rapid.SampledFrom([]string{"", "", "", "hr-1", "hr-2"}).Draw(r, "external id"); text != "" {
		return externalID(text)
	}
	return domain.ExternalID{}
}

func drawGroupName(r *rapid.T) domain.GroupName {
	return groupName(rapid.SampledFrom([]string{"Staff", "STAFF", "Admins", "Crew", "Guests", "Ops", "Board"}).Draw(r, "group name"))
}

// audit is everything that the log says, folded.
type audit struct {
	r       *rapid.T
	w       *world
	users   map[uuid.UUID]*domain.User
	groups  map[uuid.UUID]*domain.Group
	claims  map[eventstream.StreamID]*domain.Claim
	edges   map[[2]uuid.UUID]*domain.Membership
	listed  map[uuid.UUID]*domain.User // directory facts, of groups the name as Name
	names   map[uuid.UUID]domain.GroupName
	nesting domain.Nesting
	nested  map[[2]uuid.UUID]bool
	nodes   map[uuid.UUID]bool
}

func newAudit(r *rapid.T, w *world) *audit {
	a := &audit{
		r: r, w: w, users: map[uuid.UUID]*domain.User{}, groups: map[uuid.UUID]*domain.Group{}, claims: map[eventstream.StreamID]*domain.Claim{},
		edges: map[[2]uuid.UUID]*domain.Membership{}, listed: map[uuid.UUID]*domain.User{}, names: map[uuid.UUID]domain.GroupName{},
		nested: map[[2]uuid.UUID]bool{}, nodes: map[uuid.UUID]bool{},
	}
	for commits, err := range w.store.Tail(w.t.Context(), 0) {
		if err != nil {
			r.Fatal(err)
		}
		for i := range commits {
			events, err := domain.DecodeEvents(commits[i].Data)
			if err == nil {
				err = a.apply(&commits[i], events)
			}
			if err != nil {
				r.Fatalf("%s at %d: %v", commits[i].Stream, commits[i].Seq, err)
			}
		}
	}
	return a
}

func entry[K comparable, V any](m map[K]*V, key K) *V {
	if m[key] == nil {
		m[key] = new(V)
	}
	return m[key]
}

func (a *audit) apply(commit *eventstream.Commit, events []domain.Event) error {
	seq, of := uint64(commit.Seq), commit.Stream.UUIDs()
	switch commit.Stream.Kind() {
	case eventstream.UserKind:
		return entry(a.users, of[0]).Apply(seq, commit.Time, events)
	case eventstream.GroupKind:
		return entry(a.groups, of[0]).Apply(seq, commit.Time, events)
	case eventstream.ClaimKind:
		return entry(a.claims, commit.Stream).Apply(seq, commit.Time, events)
	case eventstream.MemberKind:
		return entry(a.edges, [2]uuid.UUID(of)).Apply(seq, commit.Time, events)
	case eventstream.UsersKind, eventstream.GroupsKind:
		return a.list(events)
	case eventstream.NestingKind:
		for _, event := range events {
			switch e := event.(type) {
			case domain.SetNesting:
				a.nested[[2]uuid.UUID{e.Group.UUID, e.Member.UUID}] = e.Present
			case domain.SetNode:
				a.nodes[e.Group.UUID] = true
			}
		}
		return a.nesting.Apply(seq, events)
	}
	return nil
}

func (a *audit) list(events []domain.Event) error {
	for _, event := range events {
		listed := event.(domain.Listed)
		row := entry(a.listed, listed.Of)
		if listed.Seq < row.Seq {
			return fmt.Errorf("facts of commit %d after those of %d", listed.Seq, row.Seq)
		}
		row.Seq = listed.Seq
		switch fact := listed.Fact.(type) {
		case domain.SetUsername:
			row.Username = fact.Username
		case domain.SetEmail:
			row.Email = fact.Email
		case domain.SetActive:
			row.Active = fact.Active
		case domain.SetGroupName:
			a.names[listed.Of] = fact.Name
		case domain.SetRemoved:
			row.Removed = true
		default:
			return fmt.Errorf("%T is no directory fact", fact)
		}
	}
	return nil
}

func (a *audit) check() {
	held := map[eventstream.StreamID]uuid.UUID{}
	hold := func(owner uuid.UUID, kind domain.ClaimKind, value interface {
		IsZero() bool
		Key() string
	},
	) {
		if value.IsZero() {
			return
		}
		stream := a.w.directory.ClaimOf(kind, value.Key())
		if first, twice := held[stream]; twice {
			a.r.Fatalf("%s %q is held by %s and %s", kind, value, first, owner)
		}
		held[stream] = owner
		if claim := a.claims[stream]; claim == nil || claim.Owner != owner {
			a.r.Fatalf("%s %q of %s is claimed as %+v", kind, value, owner, claim)
		}
	}
	for id, user := range a.users {
		a.checkListedUser(id, user)
		if user.Exists() {
			hold(id, domain.UsernameClaim, user.Username)
			hold(id, domain.EmailClaim, user.Email)
			hold(id, domain.ExternalIDClaim, user.ExternalID)
		}
	}
	for id, group := range a.groups {
		if a.names[id] != group.Name || a.listed[id].Removed != group.Removed {
			a.r.Fatalf("group %s is %+v, listed as %q and %+v", id, group, a.names[id], a.listed[id])
		}
		if group.Exists() {
			hold(id, domain.GroupNameClaim, group.Name)
			hold(id, domain.ExternalIDClaim, group.ExternalID)
		}
	}
	for stream, claim := range a.claims {
		if claim.Owner != held[stream] {
			a.r.Fatalf("a claim %+v is of a value that its owner does not have", claim)
		}
	}
	a.checkNesting()
}

func (a *audit) checkListedUser(id uuid.UUID, user *domain.User) {
	row := a.listed[id]
	if row == nil || row.Username != user.Username || row.Email != user.Email || row.Active != user.Active || row.Removed != user.Removed {
		a.r.Fatalf("user %s is %+v, listed as %+v", id, user, row)
	}
}

func (a *audit) checkNesting() {
	for ends, edge := range a.edges {
		if edge.Kind == domain.GroupMember && a.nested[ends] != edge.Present {
			a.r.Fatalf("membership %v is %v, in the nesting %v", ends, edge.Present, a.nested[ends])
		}
	}
	for ends, present := range a.nested {
		if !present || a.nodes[ends[0]] || a.nodes[ends[1]] {
			continue // the edge does not count, and the nesting knows
		}
		if !a.groups[ends[0]].Exists() || !a.groups[ends[1]].Exists() {
			a.r.Fatalf("an end of %v is removed, and the nesting does not know", ends)
		}
		if a.nesting.Reaches(domain.GroupID{UUID: ends[1]}, domain.GroupID{UUID: ends[0]}) {
			a.r.Fatalf("group %s is in itself by way of %s", ends[0], ends[1])
		}
	}
}
