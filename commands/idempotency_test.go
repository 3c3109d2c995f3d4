package commands_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

func keyed(key, digest string) commands.Request {
	request := actor
	request.IdempotencyKey, request.Digest = key, digest
	return request
}

// TestARepeatedRequestAnswersAsTheFirstTime does every command twice with one
// idempotency key, the world having moved on in between.
func TestARepeatedRequestAnswersAsTheFirstTime(t *testing.T) {
	given := anna + `user/$bert SetUsername{"username":"bert"}` + staff + admins + annaInStaff +
		`key/$key SetKey{"hash":"f0","scopes":["read"],"label":"laptop","active":true}`
	meanwhile := map[string]string{
		"user":   `user/$anna SetName{"name":"Later"}`,
		"member": `member/$staff/$anna SetMember{"present":false,"kind":"user"}` + "\n" + `member/$staff/$bert SetMember{"present":false,"kind":"user"}`,
		"group":  `group/$staff SetDescription{"description":"Later"}`,
	}
	for name, command := range map[string]commands.Command{
		"create a user":                commands.CreateUser{Username: username("berta"), Email: email("b@x.org")},
		"create a user with an id":     commands.CreateUser{ID: userID("nobody"), Username: username("berta"), Email: email("b@x.org")},
		"change a user":                commands.UpdateUser{ID: userID("anna"), Name: commands.To(text("Anna")), Active: commands.To(false)},
		"change nothing of a user":     commands.UpdateUser{ID: userID("anna")},
		"change a user that was there": commands.UpdateUser{ID: userID("anna"), If: ifAt(annaAt(1)), Name: commands.To(text("Anna"))},
		"delete a user":                commands.DeleteUser{ID: userID("bert")},
		"create a group":               commands.CreateGroup{Name: groupName("crew"), Attributes: domain.Attributes{"a": attribute("1")}},
		"change a group":               commands.UpdateGroup{ID: groupID("staff"), Name: commands.To(groupName("crew"))},
		"delete a group":               commands.DeleteGroup{ID: groupID("admins")},
		"add a member":                 commands.AddMember{Group: groupID("staff"), Member: ids["bert"], OnlyNew: true},
		"add a member that is in":      add("staff", "anna"),
		"add a group":                  add("staff", "admins"),
		"add members":                  commands.AddMembers{Group: groupID("staff"), Members: []uuid.UUID{ids["admins"], ids["anna"], ids["bert"]}},
		"remove a member":              commands.RemoveMember{Group: groupID("staff"), Member: ids["anna"]},
		"remove nobody":                commands.RemoveMember{Group: groupID("staff"), Member: ids["nobody"]},
		"create a key":                 commands.CreateKey{Label: text("sync"), Scopes: reading},
		"revoke a key":                 commands.RevokeKey{ID: domain.KeyID{UUID: ids["key"]}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, commands.Options{})
			w.have(given)
			first, err := w.handler.Do(t.Context(), keyed("k", "d"), command)
			if err != nil {
				t.Fatal(err)
			}
			for _, lines := range meanwhile {
				w.have(lines)
			}
			end := w.store.End()
			again, err := w.handler.Do(t.Context(), keyed("k", "d"), command)
			if err != nil {
				t.Fatal(err)
			}
			want := first
			want.Changed, want.Repeated = false, true
			if diff := cmp.Diff(want, again, compareUnexported); diff != "" {
				t.Errorf("the second answer (-want +got):\n%s", diff)
			}
			if w.store.End() != end {
				t.Error("the second time, something was written")
			}
			w.repeatedBy("mismatch", keyed("k", "other"), command)
		})
	}
}

// TestAKeyMayComeWithTheRepetition creates a user without an idempotency key, and
// repeats the request by its id and with a key, twice.
func TestAKeyMayComeWithTheRepetition(t *testing.T) {
	w := newWorld(t, commands.Options{})
	create := commands.CreateUser{ID: userID("anna"), Username: username("anna")}
	want := w.do(create)
	want.Changed, want.Created, want.Repeated = false, false, true
	for range 2 {
		got, err := w.handler.Do(t.Context(), keyed("k", "d"), create)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, compareUnexported); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func (w *world) repeatedBy(code string, request commands.Request, command commands.Command) {
	w.t.Helper()
	if _, err := w.handler.Do(w.t.Context(), request, command); codeOf(err) != code {
		w.t.Errorf("%T under the same key: %v, want %q", command, err, code)
	}
}

func TestAnIdempotencyKeyIsItsActors(t *testing.T) {
	w := newWorld(t, commands.Options{})
	create := commands.CreateUser{Username: username("anna")}
	if _, err := w.handler.Do(t.Context(), keyed("k", "d"), create); err != nil {
		t.Fatal(err)
	}
	other := keyed("k", "d")
	other.Actor = "key/tset"
	w.repeatedBy("username_taken", other, create)
	w.repeatedBy("username_taken", keyed("k2", "d"), create)
	w.repeatedBy("mismatch", keyed("k", "d"), commands.CreateGroup{Name: groupName("staff")})
	w.repeatedBy("fault: a request with an idempotency key has no digest", keyed("k", ""), create)
}

func TestRefusalsAreNotRemembered(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna)
	create := commands.CreateUser{Username: username("anna")}
	end := w.store.End()
	w.repeatedBy("username_taken", keyed("k", "d"), create)
	if w.store.End() != end {
		t.Error("a refusal was written")
	}
	create.Username = username("berta")
	w.repeatedBy("", keyed("k", "d"), create)
}

func TestARememberedSecretIsReadableWithTheIdempotencyKeyAlone(t *testing.T) {
	w := newWorld(t, commands.Options{})
	create := commands.CreateKey{Label: text("sync"), Scopes: reading}
	before := w.store.End()
	first, err := w.handler.Do(t.Context(), keyed("the-idempotency-key", "d"), create)
	if err != nil {
		t.Fatal(err)
	}
	for commits := range w.store.Tail(t.Context(), before) {
		for _, commit := range commits {
			all := string(commit.Data) + string(commit.Stream)
			if strings.Contains(all, first.Secret[len(first.Secret)-43:]) || strings.Contains(all, "the-idempotency-key") {
				t.Errorf("%s tells the secret or the idempotency key", commit.Stream.Kind())
			}
		}
	}
	again, err := w.handler.Do(t.Context(), keyed("the-idempotency-key", "d"), create)
	if err != nil || again.Secret != first.Secret {
		t.Errorf("the secret was not told again: %v", err)
	}
}

// TestOfConcurrentRequestsWithOneKeyOneWrites also holds that the others answer
// what it did.
func TestOfConcurrentRequestsWithOneKeyOneWrites(t *testing.T) {
	for name, command := range map[string]func(i int) commands.Command{
		"create a user": func(int) commands.Command { return commands.CreateUser{Username: username("anna")} },
		"create a key":  func(int) commands.Command { return commands.CreateKey{Label: text("sync"), Scopes: reading} },
		"add members": func(int) commands.Command {
			return commands.AddMembers{Group: groupID("staff"), Members: []uuid.UUID{ids["admins"], ids["guests"]}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, commands.Options{})
			w.have(staff + admins + guests)
			results := make([]commands.Result, 16)
			var wrote atomic.Int32
			var requests sync.WaitGroup
			for i := range results {
				requests.Go(func() {
					var err error
					if results[i], err = w.handler.Do(t.Context(), keyed("k", "d"), command(i)); err != nil {
						t.Error(err)
					}
					if results[i].Changed {
						wrote.Add(1)
					}
					results[i].Changed, results[i].Repeated = false, false
				})
			}
			requests.Wait()
			if wrote.Load() != 1 {
				t.Errorf("%d requests wrote", wrote.Load())
			}
			for _, result := range results {
				if diff := cmp.Diff(results[0], result, compareUnexported); diff != "" {
					t.Fatalf("two answers differ:\n%s", diff)
				}
			}
		})
	}
}

// TestARequestInTheWayIsToldByItsKey has another request with the key done after
// the key was looked up, so that the value is taken by then.
func TestARequestInTheWayIsToldByItsKey(t *testing.T) {
	for digest, want := range map[string]string{"d": "", "other": "mismatch"} {
		t.Run(digest, func(t *testing.T) {
			w := newWorld(t, commands.Options{})
			create := commands.CreateUser{Username: username("anna")}
			var first commands.Result
			store := &interruptedStore{Store: w.store, kind: eventstream.RequestKind, happens: func() {
				var err error
				if first, err = w.handler.Do(t.Context(), keyed("k", digest), create); err != nil {
					t.Error(err)
				}
			}}
			interrupted := commands.New(eventstream.New(store, nil), w.directory, nil)
			got, err := interrupted.Do(t.Context(), keyed("k", "d"), create)
			if codeOf(err) != want {
				t.Fatalf("the later request is told %v, want %q", err, want)
			}
			if err == nil && got.User.ID != first.User.ID {
				t.Errorf("the later request is answered %s, the first one made %s", got.User.ID, first.User.ID)
			}
		})
	}
}

// TestALostReplyDoublesNothing tries every fate of two appends for every command
// that makes something.
func TestALostReplyDoublesNothing(t *testing.T) {
	for name, command := range map[string]commands.Command{
		"create a user": commands.CreateUser{Username: username("berta"), Email: email("b@x.org")},
		"change a user": commands.UpdateUser{ID: userID("anna"), If: ifAt(annaAt(1)), Username: commands.To(username("anna2"))},
		"delete a user": commands.DeleteUser{ID: userID("anna")},
		"add a group":   add("staff", "admins"),
		"create a key":  commands.CreateKey{Label: text("sync"), Scopes: reading},
	} {
		for _, plan := range [][]fate{{replyLost}, {requestLost}, {requestLost, replyLost}, {replyLost, requestLost}, {replyLost, replyLost}} {
			t.Run(fmt.Sprintf("%s %v", name, plan), func(t *testing.T) {
				calm := newWorld(t, commands.Options{})
				calm.have(anna + staff + admins)
				before := calm.store.End()
				calm.do(command)

				w := newWorld(t, commands.Options{})
				w.have(anna + staff + admins)
				store := &forgetfulStore{Store: w.store, plan: plan}
				w.handler = commands.New(eventstream.New(store, &eventstream.Options{Backoff: 1}), w.directory, nil)
				result := w.do(command)
				if diff := cmp.Diff(calm.written(before), w.written(before)); diff != "" {
					t.Errorf("written with lost replies (-without +with):\n%s", diff)
				}
				if !result.Changed {
					t.Error("the result says that nothing was written")
				}
			})
		}
	}
}

// TestALostReplyIsRecognisedAfterOthersWrote has somebody else change the user
// between the append whose reply is lost and the next attempt.
func TestALostReplyIsRecognisedAfterOthersWrote(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(anna)
	store := &forgetfulStore{Store: w.store, plan: []fate{replyLost}}
	store.between = func() { w.have(`user/$anna SetActive{"active":false}`) }
	w.handler = commands.New(eventstream.New(store, &eventstream.Options{Backoff: 1}), w.directory, nil)
	result := w.do(commands.UpdateUser{ID: userID("anna"), Name: commands.To(text("Anna"))})
	if diff := cmp.Diff(annaAt(2), result.Entity); diff != "" || !result.User.Active || result.User.Name != text("Anna") {
		t.Errorf("the answer is %v, %+v; want what the lost append wrote", result.Entity, result.User)
	}
	if last, err := w.streams.Last(t.Context(), eventstream.UserStream(ids["anna"])); err != nil || last.Seq != 3 {
		t.Errorf("the user is at %d (%v), want 3", last.Seq, err)
	}
}
