package commands_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
)

// distant is a store in which every read takes a request.
type distant struct {
	eventstream.Store
	reads atomic.Int64
}

func (s *distant) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	s.reads.Add(1)
	return s.Store.Read(ctx, stream, after)
}

// processes are handlers of several processes over one distant store, and a user.
func processes(t *testing.T, count int) (*distant, []*commands.Handler, domain.UserID) {
	t.Helper()
	store := &distant{Store: memstore.New(nil)}
	var handlers []*commands.Handler
	for range count {
		streams := eventstream.New(store, &eventstream.Options{Attempts: 1000})
		directory, err := commands.OpenDirectory(t.Context(), streams, domain.ClaimSecret{1}, 1)
		if err != nil {
			t.Fatal(err)
		}
		handlers = append(handlers, commands.New(streams, directory, nil))
	}
	id := domain.UserID{UUID: uuid.New()}
	username, err := domain.ParseUsername("homer")
	if err != nil {
		t.Fatal(err)
	}
	do(t, handlers[0], commands.CreateUser{ID: id, Username: username, Active: true})
	return store, handlers, id
}

func do(t *testing.T, h *commands.Handler, command commands.Command) commands.Result {
	t.Helper()
	result, err := h.Do(t.Context(), commands.Request{Actor: "test", Correlation: "test"}, command)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func named(id domain.UserID, name string) commands.UpdateUser {
	text, err := domain.ParseText(name, domain.MaxText)
	if err != nil {
		panic(err)
	}
	return commands.UpdateUser{ID: id, Name: commands.Change[domain.Text]{Set: true, Value: text}}
}

func givenName(id domain.UserID, name string) commands.UpdateUser {
	command := named(id, name)
	command.GivenName, command.Name = command.Name, commands.Change[domain.Text]{}
	return command
}

// A user whom this process has just changed is changed again without being read.
func TestWhatWasJustWrittenIsNotReadAgain(t *testing.T) {
	store, handlers, id := processes(t, 1)
	do(t, handlers[0], named(id, "Homer"))
	before := store.reads.Load()
	for i := range 5 {
		result := do(t, handlers[0], named(id, fmt.Sprint("Homer ", i)))
		if result.User.Seq != uint64(3+i) || result.User.Username.String() != "homer" {
			t.Errorf("answered %+v", result.User)
		}
	}
	if reads := store.reads.Load() - before; reads != 0 {
		t.Errorf("%d reads", reads)
	}
}

// What another process has done since is never overlooked: neither in what is
// written, nor in what is refused, nor in what is said to be so already.
func TestWhatOthersWroteIsNotOverlooked(t *testing.T) {
	for _, test := range []struct {
		what  string
		other commands.Command
		mine  commands.UpdateUser
		check func(commands.Result, error) bool
	}{
		{"another field", givenName(domain.UserID{}, "Max"), named(domain.UserID{}, "Power"), func(r commands.Result, err error) bool {
			return err == nil && r.User.Name.String() == "Power" && r.User.GivenName.String() == "Max" && r.User.Seq == 4
		}},
		{"the same field, back to what was seen", named(domain.UserID{}, "Max"), named(domain.UserID{}, "Homer"), func(r commands.Result, err error) bool {
			return err == nil && r.Changed && r.User.Name.String() == "Homer" && r.User.Seq == 4
		}},
		{"the same change", named(domain.UserID{}, "Max"), named(domain.UserID{}, "Max"), func(r commands.Result, err error) bool {
			return err == nil && !r.Changed && r.User.Seq == 3
		}},
		{"removed", commands.DeleteUser{}, named(domain.UserID{}, "Power"), func(_ commands.Result, err error) bool {
			return errors.Is(err, domain.NotFound)
		}},
	} {
		t.Run(test.what, func(t *testing.T) {
			_, handlers, id := processes(t, 2)
			do(t, handlers[0], named(id, "Homer"))
			switch other := test.other.(type) {
			case commands.UpdateUser:
				other.ID = id
				do(t, handlers[1], other)
			case commands.DeleteUser:
				other.ID = id
				do(t, handlers[1], other)
			}
			test.mine.ID = id
			result, err := handlers[0].Do(t.Context(), commands.Request{Actor: "test", Correlation: "test"}, test.mine)
			if !test.check(result, err) {
				t.Errorf("answered %+v, %v", result.User, err)
			}
		})
	}
}

// Changes of different fields through several processes at once lose nothing.
func TestProcessesThatGuessLoseNothing(t *testing.T) {
	const each = 40
	_, handlers, id := processes(t, 4)
	var group errgroup.Group
	for i, handler := range handlers {
		group.Go(func() error {
			for n := range each {
				command := named(id, fmt.Sprint("name ", i, " ", n))
				if i%2 == 0 {
					command = givenName(id, fmt.Sprint("name ", i, " ", n))
				}
				result, err := handler.Do(t.Context(), commands.Request{Actor: "test", Correlation: "test"}, command)
				if err != nil || !result.Changed {
					return fmt.Errorf("%d of %d: %v, %w", n, i, result.Changed, err)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	last := do(t, handlers[0], named(id, "the last"))
	if last.User.Seq != 2+4*each || last.User.GivenName.String() == "" {
		t.Errorf("at the end %+v", last.User)
	}
}
