package commands_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// brokenStore fails every append.
type brokenStore struct {
	eventstream.Store
	err error
}

func (s *brokenStore) Append(context.Context, eventstream.Transaction) ([]eventstream.Commit, error) {
	return nil, s.err
}

func TestEveryCommandIsToldWithItsOutcome(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	var told []string
	options := commands.Options{
		Tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)),
		OnCommand: func(name string, outcome commands.Outcome, took time.Duration) {
			if took < 0 {
				t.Errorf("%s took %v", name, took)
			}
			told = append(told, name+" "+string(outcome))
		},
	}
	w := newWorld(t, options)
	w.have(anna + staff)
	rename := commands.UpdateUser{ID: userID("anna"), Name: commands.To(text("Anna"))}
	w.do(rename)
	w.do(rename)
	w.refused(commands.CreateUser{Username: username("anna")}, "username_taken")
	w.refused(commands.DeleteUser{ID: userID("anna"), If: ifAt()}, "stale")
	w.refused(add("staff", "staff"), "cycle")
	for range 2 {
		w.repeatedBy("", keyed("k", "d"), commands.CreateGroup{Name: groupName("crew")})
	}
	for _, err := range []error{eventstream.ErrUnavailable, eventstream.ErrCorrupt, &eventstream.ConflictError{}, context.Canceled} {
		broken := eventstream.New(&brokenStore{w.store, err}, &eventstream.Options{Attempts: 1})
		w.handler = commands.New(broken, w.directory, &options)
		if _, err := w.handler.Do(t.Context(), actor, commands.RemoveMember{Group: groupID("staff"), Member: ids["anna"]}); err != nil {
			t.Error(err)
		}
		if _, err := w.handler.Do(t.Context(), actor, commands.CreateUser{Username: username("berta")}); err == nil {
			t.Error("a broken store succeeded")
		}
	}

	want := []string{
		"UpdateUser written", "UpdateUser unchanged", "CreateUser taken", "DeleteUser stale", "AddMember cycle",
		"CreateGroup written", "CreateGroup repeated",
		"RemoveMember unchanged", "CreateUser unavailable", "RemoveMember unchanged", "CreateUser failed",
		"RemoveMember unchanged", "CreateUser conflict", "RemoveMember unchanged", "CreateUser canceled",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	var traced []string
	for _, span := range spans.Ended() {
		line := strings.TrimPrefix(span.Name(), "commands.")
		for _, attribute := range span.Attributes() {
			line += " " + attribute.Value.AsString()
		}
		traced = append(traced, line)
	}
	if diff := cmp.Diff(want, traced); diff != "" {
		t.Errorf("traced (-want +got):\n%s", diff)
	}
}

// TestErrorsTellNoPersonalData goes over refusals that concern values.
func TestErrorsTellNoPersonalData(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.do(commands.CreateUser{Username: username("personal-name"), Email: email("personal-mail@x.org"), ExternalID: externalID("personal-id")})
	for _, command := range []commands.Command{
		commands.CreateUser{Username: username("personal-name")},
		commands.CreateUser{Username: username("berta"), Email: email("personal-mail@x.org")},
		commands.CreateUser{Username: username("berta"), ExternalID: externalID("personal-id")},
		commands.CreateGroup{Name: groupName("personal-group"), ExternalID: externalID("personal-id")},
	} {
		if _, err := w.handler.Do(t.Context(), actor, command); err == nil || strings.Contains(err.Error(), "personal") {
			t.Errorf("%T: %v", command, err)
		}
	}
}
