package commands_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// waveringStore lets others go first, now and then.
type waveringStore struct{ eventstream.Store }

func (s waveringStore) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	waver()
	return s.Store.Append(ctx, tx)
}

func (s waveringStore) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	waver()
	return s.Store.Last(ctx, stream)
}

func waver() {
	for range rand.IntN(20) {
		runtime.Gosched()
	}
}

// outcome is what a client sees of a command, but for the ids that were made.
type outcome struct {
	Code, Result string
}

func outcomeOf(command commands.Serial, result commands.Result, err error) outcome {
	if err != nil {
		return outcome{Code: codeOf(err)}
	}
	user := *result.User
	if create, is := command.(commands.CreateUser); is && create.ID.IsZero() {
		user.ID = domain.UserID{}
		return outcome{Result: fmt.Sprintf("%v %v %v %+v", result.Changed, result.Created, result.Repeated, user)}
	}
	return outcome{Result: fmt.Sprintf("%v %v %v %v %+v", result.Changed, result.Created, result.Repeated, result.Entity, user)}
}

// TestASeriesIsOneAfterAnother does the same commands in a series and one after
// another: what comes of each is the same. Few users and few values, so that most
// are in each other's way.
func TestASeriesIsOneAfterAnother(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		quarantine := rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(r, "quarantine")
		one := newWorld(t, commands.Options{Quarantine: &quarantine})
		many := newWorld(t, commands.Options{Quarantine: &quarantine})
		wavering := eventstream.New(waveringStore{many.store}, &eventstream.Options{Backoff: time.Microsecond})
		handler := commands.New(wavering, many.directory, &commands.Options{Quarantine: &quarantine, Now: func() time.Time { return many.now }})
		list := rapid.SliceOfN(rapid.Custom(drawSerial), 1, 40).Draw(r, "commands")
		series := handler.NewSeries(rapid.IntRange(1, 12).Draw(r, "width"), time.Minute)
		underway := make([]*commands.Underway, len(list))
		for i, command := range list {
			underway[i] = series.Add(t.Context(), actor, command)
		}
		series.Close()
		var want, got []outcome
		for i, command := range list {
			result, err := one.handler.Do(t.Context(), actor, command)
			want = append(want, outcomeOf(command, result, err))
			result, err = underway[i].Wait()
			got = append(got, outcomeOf(command, result, err))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("in a series (-one after another +series):\n%s", diff)
		}
	})
}

func drawSerial(r *rapid.T) commands.Serial {
	id := domain.UserID{UUID: number(100 + byte(rapid.IntRange(1, 4).Draw(r, "id")))}
	if rapid.Bool().Draw(r, "patch") {
		return commands.UpdateUser{
			ID: id, Username: maybe(r, drawUsername), Email: maybe(r, drawEmail), ExternalID: maybe(r, drawExternalID),
			Active: maybe(r, func(r *rapid.T) bool { return rapid.Bool().Draw(r, "active") }),
		}
	}
	if rapid.IntRange(0, 3).Draw(r, "made") == 0 {
		id = domain.UserID{}
	}
	return commands.CreateUser{ID: id, Username: drawUsername(r), Email: drawEmail(r), ExternalID: drawExternalID(r), Active: true}
}

// meetingStore holds appends back until two are there at once.
type meetingStore struct {
	eventstream.Store
	there chan struct{}
}

func (s meetingStore) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	select {
	case s.there <- struct{}{}:
	case <-s.there:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.Store.Append(ctx, tx)
}

// Commands that have nothing to do with each other are done at the same time.
func TestASeriesDoesManyAtATime(t *testing.T) {
	w := newWorld(t, commands.Options{})
	handler := commands.New(eventstream.New(meetingStore{w.store, make(chan struct{})}, nil), w.directory, nil)
	series := handler.NewSeries(2, time.Minute)
	var underway []*commands.Underway
	for _, name := range []string{"anna", "bert"} {
		username, err := domain.ParseUsername(name)
		if err != nil {
			t.Fatal(err)
		}
		underway = append(underway, series.Add(t.Context(), actor, commands.CreateUser{Username: username}))
	}
	series.Close()
	for _, u := range underway {
		if _, err := u.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// A command that cannot end in time ends, and those after it are done.
func TestASeriesEndsWhatTakesTooLong(t *testing.T) {
	w := newWorld(t, commands.Options{})
	handler := commands.New(eventstream.New(meetingStore{w.store, make(chan struct{})}, nil), w.directory, nil)
	series := handler.NewSeries(1, 10*time.Millisecond)
	username, err := domain.ParseUsername("anna")
	if err != nil {
		t.Fatal(err)
	}
	alone := series.Add(t.Context(), actor, commands.CreateUser{Username: username})
	series.Close()
	if _, err := alone.Wait(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ends with %v", err)
	}
}
