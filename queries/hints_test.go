package queries_test

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries"
)

// headless is a store whose heads have to be read, so that a reader of it keeps
// no hints.
type headless struct{ eventstream.Store }

// withoutHints is a reader of the same directory that reads every claim.
func (d *directory) withoutHints() *queries.Reader {
	d.t.Helper()
	config := d.config
	config.Streams = eventstream.New(headless{d.wrapped}, nil)
	reader, err := queries.NewReader(config)
	if err != nil {
		d.t.Fatal(err)
	}
	return reader
}

// counting counts the claims that are read.
type counting struct {
	*memstore.Store
	claims *int
}

func (c counting) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	if stream.Kind() == eventstream.ClaimKind {
		*c.claims++
	}
	return c.Store.Last(ctx, stream)
}

func TestAValueThatWasFoundIsFoundAgainWithoutItsClaim(t *testing.T) {
	claims := 0
	d := newDirectoryOn(t, func(s *memstore.Store) eventstream.Store { return counting{s, &claims} })
	ada := d.person()
	look := func(text string, reads int) {
		t.Helper()
		before := claims
		entity, err := d.reader.UserByUsername(t.Context(), text, queries.Freshness{})
		if err != nil || entity.Value.ID != ada.ID || claims-before != reads {
			t.Errorf("%s: %v, %v, with %d claims read, not %d", text, entity.Value.ID, err, claims-before, reads)
		}
	}
	look("ada", 1)
	look("ada", 0)
	look("ADA", 0)
	d.do(commands.UpdateUser{ID: ada.ID, Name: commands.To(text(t, "Ada Lovelace"))})
	look("ada", 0)
	d.deaf.Store(true)
	d.do(commands.UpdateUser{ID: ada.ID, Name: commands.To(text(t, "Augusta Ada"))})
	look("ada", 1) // the row that it names is not known to have the value still
}

// TestHintsChangeNoAnswer compares, whatever happens to names, what a reader with
// hints answers with what the claims say.
func TestHintsChangeNoAnswer(t *testing.T) {
	names := rapid.SampledFrom([]string{"ada", "bob", "eve"})
	rapid.Check(t, func(rt *rapid.T) {
		d := newDirectory(t)
		d.handler = commands.New(d.streams, d.settled, &commands.Options{Quarantine: quarantine(0)})
		plain := d.withoutHints()
		var users []domain.UserID
		do := func(command commands.Command) commands.Result {
			result, err := d.handler.Do(t.Context(), commands.Request{Actor: "test", Correlation: "test"}, command)
			if err != nil && !errors.Is(err, domain.Taken) && !errors.Is(err, domain.NotFound) {
				rt.Fatal(err)
			}
			return result
		}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				for _, name := range []string{"ada", "bob", "eve"} {
					got, gotErr := d.reader.UserByUsername(t.Context(), name, queries.Freshness{})
					want, wantErr := plain.UserByUsername(t.Context(), name, queries.Freshness{})
					if errors.Is(gotErr, domain.NotFound) != errors.Is(wantErr, domain.NotFound) || (gotErr == nil) != (wantErr == nil) {
						rt.Fatalf("%s: %v, not %v", name, gotErr, wantErr)
					}
					if got.Value.ID != want.Value.ID || got.Value.Seq < want.Value.Seq {
						rt.Fatalf("%s is %v at %d, not %v at %d", name, got.Value.ID, got.Value.Seq, want.Value.ID, want.Value.Seq)
					}
				}
			},
			"create": func(rt *rapid.T) {
				if made := do(commands.CreateUser{Username: parsed(t, domain.ParseUsername, names.Draw(rt, "name"))}); made.User != nil {
					users = append(users, made.User.ID)
				}
			},
			"rename": func(rt *rapid.T) {
				if len(users) > 0 {
					do(commands.UpdateUser{ID: rapid.SampledFrom(users).Draw(rt, "user"), Username: commands.To(parsed(t, domain.ParseUsername, names.Draw(rt, "name")))})
				}
			},
			"delete": func(rt *rapid.T) {
				if len(users) > 0 {
					do(commands.DeleteUser{ID: rapid.SampledFrom(users).Draw(rt, "user")})
				}
			},
			"deafen": func(*rapid.T) { d.deaf.Store(!d.deaf.Load()) },
		})
	})
}
