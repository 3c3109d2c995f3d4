package commands_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// race does n commands at once, in four handlers that know nothing of each other,
// as processes do not, and gives their errors.
func (w *world) race(n int, command func(i int) commands.Command) []error {
	handlers := make([]*commands.Handler, 4)
	for i := range handlers {
		streams := eventstream.New(w.store, &eventstream.Options{Attempts: 100})
		handlers[i] = commands.New(streams, w.directory, nil)
	}
	errs := make([]error, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			_, errs[i] = handlers[i%len(handlers)].Do(w.t.Context(), actor, command(i))
		})
	}
	start.Done()
	done.Wait()
	return errs
}

func TestOfConcurrentCreatesOfOneValueOneWins(t *testing.T) {
	for name, c := range map[string]struct {
		code    string
		command func(i int) commands.Command
	}{
		"username": {"username_taken", func(int) commands.Command { return commands.CreateUser{Username: username("anna")} }},
		"e-mail": {"email_taken", func(i int) commands.Command {
			return commands.CreateUser{Username: username(fmt.Sprint("anna", i)), Email: email("a@x.org")}
		}},
		"external id of users and groups": {"externalid_taken", func(i int) commands.Command {
			if i%2 == 0 {
				return commands.CreateGroup{Name: groupName(fmt.Sprint("staff", i)), ExternalID: externalID("hr-1")}
			}
			return commands.CreateUser{Username: username(fmt.Sprint("anna", i)), ExternalID: externalID("hr-1")}
		}},
		"group name": {"groupname_taken", func(int) commands.Command { return commands.CreateGroup{Name: groupName("staff")} }},
		"id of users and groups": {"id_taken", func(i int) commands.Command {
			if i%2 == 0 {
				return commands.CreateGroup{ID: groupID("anna"), Name: groupName(fmt.Sprint("staff", i))}
			}
			return commands.CreateUser{ID: userID("anna"), Username: username(fmt.Sprint("anna", i))}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, commands.Options{})
			winners := 0
			for _, err := range w.race(24, c.command) {
				if err == nil {
					winners++
				} else if codeOf(err) != c.code {
					t.Errorf("a loser was told %v", err)
				}
			}
			if winners != 1 {
				t.Errorf("%d won", winners)
			}
		})
	}
}

func TestConcurrentUpdatesOfDifferentFieldsAllSurvive(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna)
	const n = 32
	for i, err := range w.race(n, func(i int) commands.Command {
		return commands.UpdateUser{ID: userID("anna"), Attributes: domain.Attributes{fmt.Sprint("a", i): attribute(fmt.Sprint(i))}}
	}) {
		if err != nil {
			t.Errorf("update %d: %v", i, err)
		}
	}
	user := w.do(commands.UpdateUser{ID: userID("anna")}).User
	if len(user.Attributes) != n || user.Seq != n+1 {
		t.Errorf("%d attributes survived, at %d", len(user.Attributes), user.Seq)
	}
}

// TestCommandsOfOneProcessTakeTurns holds that those who would beat each other to
// a stream wait instead, however many there are and however slow the store is.
func TestCommandsOfOneProcessTakeTurns(t *testing.T) {
	const n = 64
	groups := make([]domain.GroupID, n)
	for name, command := range map[string]func(i int) commands.Command{
		"to change a user": func(i int) commands.Command {
			return commands.UpdateUser{ID: userID("anna"), Attributes: domain.Attributes{fmt.Sprint("a", i): attribute("1")}}
		},
		"to change a group": func(i int) commands.Command {
			return commands.UpdateGroup{ID: groupID("staff"), Attributes: domain.Attributes{fmt.Sprint("a", i): attribute("1")}}
		},
		"to change the nesting": func(i int) commands.Command {
			return commands.AddMember{Group: groupID("staff"), Member: groups[i].UUID}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, commands.Options{})
			w.have(anna + staff)
			for i := range groups {
				groups[i] = w.do(commands.CreateGroup{Name: groupName(fmt.Sprint("group ", i))}).Group.ID
			}
			var retries atomic.Int32
			streams := eventstream.New(w.store, &eventstream.Options{OnRetry: func(error) { retries.Add(1) }})
			handler := commands.New(streams, w.directory, nil)
			var done sync.WaitGroup
			for i := range n {
				done.Go(func() {
					if _, err := handler.Do(t.Context(), actor, command(i)); err != nil {
						t.Error(err)
					}
				})
			}
			done.Wait()
			if retries.Load() > 0 {
				t.Errorf("%d commands were beaten", retries.Load())
			}
		})
	}
}

// TestARemovedGroupIsBeatenOnceAtMost removes groups that the nesting does not
// name while it changes all the time: only the first attempt is in nobody's turn.
func TestARemovedGroupIsBeatenOnceAtMost(t *testing.T) {
	const n = 24
	w := newWorld(t, commands.Options{})
	w.have(staff)
	groups := make([]domain.GroupID, 2*n)
	for i := range groups {
		groups[i] = w.do(commands.CreateGroup{Name: groupName(fmt.Sprint("group ", i))}).Group.ID
	}
	var retries atomic.Int32
	streams := eventstream.New(w.store, &eventstream.Options{OnRetry: func(error) { retries.Add(1) }})
	handler := commands.New(streams, w.directory, nil)
	var done sync.WaitGroup
	for i, group := range groups {
		done.Go(func() {
			var command commands.Command = commands.DeleteGroup{ID: group}
			if i < n {
				command = commands.AddMember{Group: groupID("staff"), Member: group.UUID}
			}
			if _, err := handler.Do(t.Context(), actor, command); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if retries.Load() > n {
		t.Errorf("%d removals were beaten %d times", n, retries.Load())
	}
}

func TestWaitingForATurnEndsWithTheRequest(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna)
	entered, leave := make(chan struct{}), make(chan struct{})
	store := &meddlingStore{Store: w.store, before: func() { close(entered); <-leave }}
	w.handler = commands.New(eventstream.New(store, nil), w.directory, nil)
	var first sync.WaitGroup
	first.Go(func() { w.do(commands.UpdateUser{ID: userID("anna"), Active: commands.To(false)}) })
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.handler.Do(ctx, actor, commands.UpdateUser{ID: userID("anna"), Active: commands.To(true)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	close(leave)
	first.Wait()
}

func TestOfConcurrentUpdatesUnderOneTagOneWins(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna)
	winners := 0
	for _, err := range w.race(16, func(i int) commands.Command {
		return commands.UpdateUser{ID: userID("anna"), If: ifAt(annaAt(1)), Attributes: domain.Attributes{fmt.Sprint("a", i): attribute("1")}}
	}) {
		if err == nil {
			winners++
		} else if codeOf(err) != "stale" {
			t.Errorf("a loser was told %v", err)
		}
	}
	if winners != 1 {
		t.Errorf("%d won", winners)
	}
}

func TestAStaleTagIsNeverTriedAgain(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna)
	var appends atomic.Int32
	store := &meddlingStore{Store: w.store, before: func() {
		if appends.Add(1) == 1 {
			w.have(`user/$anna SetName{"name":"somebody else's"}`)
		}
	}}
	w.handler = commands.New(eventstream.New(store, &eventstream.Options{Backoff: 1}), w.directory, nil)
	w.refused(commands.UpdateUser{ID: userID("anna"), If: ifAt(annaAt(1)), Name: commands.To(text("mine"))}, "stale")
	if appends.Load() != 1 {
		t.Errorf("%d appends were tried", appends.Load())
	}
	w.do(commands.UpdateUser{ID: userID("anna"), If: ifAny, Name: commands.To(text("mine"))})
}

// meddlingStore lets somebody else write right before every append.
type meddlingStore struct {
	eventstream.Store
	before func()
}

func (s *meddlingStore) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	s.before()
	return s.Store.Append(ctx, tx)
}

func TestWhoIsAlwaysBeatenGivesUpWithAConflict(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna)
	store := &meddlingStore{Store: w.store, before: func() { w.have(`user/$anna SetActive{"active":true}`) }}
	w.handler = commands.New(eventstream.New(store, &eventstream.Options{Backoff: 1}), w.directory, nil)
	_, err := w.handler.Do(t.Context(), actor, commands.UpdateUser{ID: userID("anna"), Name: commands.To(text("x"))})
	if !isConflict(err) {
		t.Errorf("error is %v, want a conflict", err)
	}
}

// TestConcurrentNestingNeverMakesACycle lets every group of a ring into the next
// at once: all but one can get in.
func TestConcurrentNestingNeverMakesACycle(t *testing.T) {
	w := newWorld(t, commands.Options{})
	ring := make([]domain.GroupID, 8)
	for i := range ring {
		ring[i] = w.do(commands.CreateGroup{Name: groupName(fmt.Sprint("ring ", i))}).Group.ID
	}
	refused := 0
	for _, err := range w.race(len(ring), func(i int) commands.Command {
		return commands.AddMember{Group: ring[i], Member: ring[(i+1)%len(ring)].UUID}
	}) {
		if codeOf(err) == "cycle" {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if refused != 1 {
		t.Errorf("%d were refused, want the one that would close the ring", refused)
	}
}

// TestAnotherCommandComesBetween does a command between the decision of another
// and its append, and says how the other one ends.
func TestAnotherCommandComesBetween(t *testing.T) {
	nest, reverse := add("staff", "admins"), add("admins", "staff")
	for name, c := range map[string]struct {
		first, between commands.Command
		code           string
	}{
		"a group takes the id": {
			commands.CreateUser{ID: userID("nobody"), Username: username("berta")},
			commands.CreateGroup{ID: groupID("nobody"), Name: groupName("crew")},
			"id_taken",
		},
		"a user takes the id": {
			commands.CreateGroup{ID: groupID("nobody"), Name: groupName("crew")},
			commands.CreateUser{ID: userID("nobody"), Username: username("berta")},
			"id_taken",
		},
		"the same request comes twice": {
			commands.CreateUser{ID: userID("nobody"), Username: username("berta")},
			commands.CreateUser{ID: userID("nobody"), Username: username("berta")},
			"",
		},
		"somebody takes a new value": {
			commands.CreateUser{Username: username("berta")}, commands.UpdateUser{ID: userID("anna"), Username: commands.To(username("berta"))}, "username_taken",
		},
		"somebody takes a released value": {
			commands.CreateUser{Username: username("anna2")}, commands.UpdateUser{ID: userID("anna"), Username: commands.To(username("anna2"))}, "username_taken",
		},
		"somebody changes another field": {
			commands.UpdateUser{ID: userID("anna"), Name: commands.To(text("x"))}, commands.UpdateUser{ID: userID("anna"), GivenName: commands.To(text("y"))}, "",
		},
		"somebody removes the user": {
			commands.UpdateUser{ID: userID("anna"), Name: commands.To(text("x"))}, commands.DeleteUser{ID: userID("anna")}, "not_found",
		},
		"somebody nests the groups the other way": {nest, reverse, "cycle"},
		"somebody nests them the same way":        {nest, nest, ""},
		"somebody renames the group":              {nest, commands.UpdateGroup{ID: groupID("staff"), Description: commands.To(text("x"))}, ""},
		"somebody removes the member that gets in": {
			add("staff", "anna"), commands.DeleteUser{ID: userID("anna")}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newInterrupted(t, c.between)
			_, err := w.handler.Do(t.Context(), actor, c.first)
			if got := codeOf(err); got != c.code {
				t.Errorf("error is %v, want %q", err, c.code)
			}
		})
	}
}

// newInterrupted is a world of anna, who was anna2 before, staff and admins, in
// which a command comes between the first decision and its append.
func newInterrupted(t *testing.T, between commands.Command) *world {
	none := time.Duration(0)
	w := newWorld(t, commands.Options{Quarantine: &none})
	w.have(anna + staff + admins + `claim/username/anna2 SetOwner{"ownerSeq":1,"former":"$anna"}`)
	calm := *w
	done := false
	store := &meddlingStore{Store: w.store, before: func() {
		if !done {
			done = true
			calm.do(between)
		}
	}}
	options := commands.Options{Quarantine: &none, Now: func() time.Time { return w.now }}
	w.handler = commands.New(eventstream.New(store, &eventstream.Options{Backoff: 1}), w.directory, &options)
	return w
}

// TestTheNestingKnowsEveryRemovedGroup has a group nested or removed while it is
// being removed or nested.
func TestTheNestingKnowsEveryRemovedGroup(t *testing.T) {
	nest := add("staff", "admins")
	for _, removed := range []string{"staff", "admins"} {
		remove := commands.DeleteGroup{ID: groupID(removed)}
		for name, c := range map[string]struct {
			first, between commands.Command
			code           string
			want           int
		}{
			"removed while it is nested": {nest, remove, "not_found", 0},
			"nested while it is removed": {remove, nest, "", 2},
		} {
			t.Run(removed+" "+name, func(t *testing.T) {
				w := newInterrupted(t, c.between)
				if _, err := w.handler.Do(t.Context(), actor, c.first); codeOf(err) != c.code {
					t.Errorf("error is %v, want %q", err, c.code)
				}
				if lines := w.nestingLines(); len(lines) != c.want {
					t.Errorf("the nesting says %q", lines)
				}
			})
		}
	}
}

func (w *world) nestingLines() []string {
	var lines []string
	for commit := range w.streams.Read(w.t.Context(), eventstream.NestingStream, 0) {
		lines = append(lines, w.line(&commit))
	}
	return lines
}

func TestConcurrentAddsOfOneMemberWriteOnce(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna + staff)
	for _, err := range w.race(16, func(i int) commands.Command {
		if i%2 == 0 {
			return add("staff", "anna")
		}
		return commands.AddMembers{Group: groupID("staff"), Members: []uuid.UUID{ids["anna"]}}
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	last, err := w.streams.Last(t.Context(), eventstream.MemberStream(ids["staff"], ids["anna"]))
	if err != nil || last.Seq != 1 {
		t.Errorf("the membership is at %d (%v)", last.Seq, err)
	}
}

func isConflict(err error) bool { return errors.Is(err, eventstream.ErrConflict) }
