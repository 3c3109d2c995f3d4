package commands_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
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

// queuedStore is an eventstream.Queue: it appends one after another, whenever it
// likes, and refuses some at first. It may be used concurrently.
type queuedStore struct {
	*memstore.Store
	mu   sync.Mutex
	last chan struct{}
}

// queuedAppend is an append of a queuedStore.
type queuedAppend struct {
	done    chan struct{}
	commits []eventstream.Commit
	err     error
}

func (s *queuedStore) Enqueue(_ context.Context, tx eventstream.Transaction) (eventstream.Appending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, before := &queuedAppend{done: make(chan struct{})}, s.last
	s.last = a.done
	go func() {
		defer close(a.done)
		if before != nil {
			<-before
		}
		waver()
		if a.err = eventstream.ErrThrottled; rand.IntN(4) > 0 {
			a.commits, a.err = s.Store.Append(context.Background(), tx)
		}
	}()
	return a, nil
}

func (a *queuedAppend) Wait(ctx context.Context) ([]eventstream.Commit, error) {
	select {
	case <-a.done:
		return a.commits, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", eventstream.ErrUnknownOutcome, ctx.Err())
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
		var wavering eventstream.Store = waveringStore{many.store}
		if rapid.Bool().Draw(r, "queued") {
			wavering = &queuedStore{Store: many.store}
		}
		streams := eventstream.New(wavering, &eventstream.Options{Backoff: time.Microsecond, Attempts: 1000})
		handler := commands.New(streams, many.directory, &commands.Options{Quarantine: &quarantine, Now: func() time.Time { return many.now }})
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

// meetingQueue holds back what is enqueued until there are two.
type meetingQueue struct {
	eventstream.Store
	two chan struct{}

	mu    sync.Mutex
	count int
}

func (q *meetingQueue) Enqueue(_ context.Context, tx eventstream.Transaction) (eventstream.Appending, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count++; q.count == 2 {
		close(q.two)
	}
	return meetingAppend(func(ctx context.Context) ([]eventstream.Commit, error) {
		select {
		case <-q.two:
			return q.Append(ctx, tx)
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", eventstream.ErrUnknownOutcome, ctx.Err())
		}
	}), nil
}

// meetingAppend is an append of a meetingQueue.
type meetingAppend func(context.Context) ([]eventstream.Commit, error)

func (a meetingAppend) Wait(ctx context.Context) ([]eventstream.Commit, error) { return a(ctx) }

// onBoth runs a test over a store of which each append is waited for, and over one
// that is a queue. Both append only when there are two at once.
func onBoth(t *testing.T, test func(*testing.T, *world, eventstream.Store)) {
	t.Run("store", func(t *testing.T) {
		w := newWorld(t, commands.Options{})
		test(t, w, meetingStore{w.store, make(chan struct{})})
	})
	t.Run("queue", func(t *testing.T) {
		w := newWorld(t, commands.Options{})
		test(t, w, &meetingQueue{Store: w.store, two: make(chan struct{})})
	})
}

// Commands that have nothing to do with each other are done at the same time.
func TestASeriesDoesManyAtATime(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, store eventstream.Store) {
		series := commands.New(eventstream.New(store, nil), w.directory, nil).NewSeries(2, time.Minute)
		anna, bert := series.Add(t.Context(), actor, someone(t, "anna")), series.Add(t.Context(), actor, someone(t, "bert"))
		series.Close()
		for _, u := range []*commands.Underway{anna, bert} {
			if _, err := u.Wait(); err != nil {
				t.Error(err)
			}
		}
	})
}

// A command that cannot end in time ends, and those after it are done.
func TestASeriesEndsWhatTakesTooLong(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, store eventstream.Store) {
		series := commands.New(eventstream.New(store, nil), w.directory, nil).NewSeries(1, 10*time.Millisecond)
		alone := series.Add(t.Context(), actor, someone(t, "anna"))
		series.Close()
		if _, err := alone.Wait(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ends with %v", err)
		}
	})
}

// panickingStore panics when it is asked for what nobody has claimed yet.
type panickingStore struct {
	eventstream.Store
	times *atomic.Int32
}

func (s panickingStore) Last(ctx context.Context, stream eventstream.StreamID) (eventstream.Commit, error) {
	if stream.Kind() == eventstream.ClaimKind && s.times.Add(-1) >= 0 {
		panic("a secret")
	}
	return s.Store.Last(ctx, stream)
}

// A command that panics takes no other with it, and its panic's value is not told.
func TestASeriesSurvivesAPanic(t *testing.T) {
	for name, over := range map[string]func(*world, *atomic.Int32) eventstream.Store{
		"store": func(w *world, times *atomic.Int32) eventstream.Store { return panickingStore{w.store, times} },
		"queue": func(w *world, times *atomic.Int32) eventstream.Store {
			return struct {
				panickingStore
				eventstream.Queue
			}{panickingStore{w.store, times}, &queuedStore{Store: w.store}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, times := newWorld(t, commands.Options{}), &atomic.Int32{}
			user := w.do(someone(t, "anna")).User.ID
			rename := func(name string) commands.UpdateUser {
				return commands.UpdateUser{ID: user, Username: commands.To(someone(t, name).Username)}
			}
			times.Store(1)
			series := commands.New(eventstream.New(over(w, times), nil), w.directory, nil).NewSeries(1, time.Minute)
			first, second := series.Add(t.Context(), actor, rename("bert")), series.Add(t.Context(), actor, rename("carl"))
			series.Close()
			if _, err := first.Wait(); err == nil || !strings.HasPrefix(err.Error(), "panic: string\n") || strings.Contains(err.Error(), "a secret") {
				t.Errorf("ends with %v", err)
			}
			if _, err := second.Wait(); err != nil {
				t.Errorf("the one after it ends with %v", err)
			}
		})
	}
}

func someone(t *testing.T, name string) commands.CreateUser {
	t.Helper()
	username, err := domain.ParseUsername(name)
	if err != nil {
		t.Fatal(err)
	}
	return commands.CreateUser{Username: username}
}

// A command that waits for another keeps no third one waiting.
func TestASeriesGoesOnPastWhatWaits(t *testing.T) {
	w := newWorld(t, commands.Options{})
	user := w.do(someone(t, "anna")).User.ID
	rename := func(name string) commands.UpdateUser {
		return commands.UpdateUser{ID: user, Name: commands.To(text(name))}
	}
	store := &meetingQueue{Store: w.store, two: make(chan struct{})}
	series := commands.New(eventstream.New(store, nil), w.directory, nil).NewSeries(3, time.Minute)
	all := []*commands.Underway{
		series.Add(t.Context(), actor, rename("Anna")), series.Add(t.Context(), actor, rename("Hanna")),
		series.Add(t.Context(), actor, someone(t, "bert")),
	}
	series.Close()
	for i, u := range all {
		if _, err := u.Wait(); err != nil {
			t.Errorf("command %d: %v", i, err)
		}
	}
}

// yieldingQueue throttles who is called anna, and then writes her after bert.
type yieldingQueue struct {
	eventstream.Store
	annas atomic.Int32
	bert  chan struct{}
}

func (q *yieldingQueue) Enqueue(_ context.Context, tx eventstream.Transaction) (eventstream.Appending, error) {
	anna := bytes.Contains(tx.Entries[0].Data, []byte("anna"))
	return meetingAppend(func(ctx context.Context) ([]eventstream.Commit, error) {
		switch {
		case !anna:
			defer close(q.bert)
		case q.annas.Add(1) == 1:
			return nil, eventstream.ErrThrottled
		default:
			select {
			case <-q.bert:
			case <-ctx.Done():
			}
		}
		return q.Append(ctx, tx)
	}), nil
}

// A command that is decided again keeps none waiting that was begun after it.
func TestASeriesGoesOnPastWhatIsDecidedAgain(t *testing.T) {
	w := newWorld(t, commands.Options{})
	store := &yieldingQueue{Store: w.store, bert: make(chan struct{})}
	series := commands.New(eventstream.New(store, nil), w.directory, nil).NewSeries(2, time.Minute)
	anna, bert := series.Add(t.Context(), actor, someone(t, "anna")), series.Add(t.Context(), actor, someone(t, "bert"))
	series.Close()
	for name, u := range map[string]*commands.Underway{"anna": anna, "bert": bert} {
		if _, err := u.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A panic while an append is waited for is the error of its command alone.
func TestASeriesSurvivesAPanicOfAnAppend(t *testing.T) {
	for name, over := range map[string]func(*world) eventstream.Store{
		"store": func(w *world) eventstream.Store { return w.store },
		"queue": func(w *world) eventstream.Store {
			q := &meetingQueue{Store: w.store, two: make(chan struct{})}
			close(q.two)
			q.count = 2
			return q
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, commands.Options{})
			var times atomic.Int32
			options := &eventstream.Options{OnAppend: func(int, error) {
				if times.Add(1) == 1 {
					panic("a secret")
				}
			}}
			series := commands.New(eventstream.New(over(w), options), w.directory, nil).NewSeries(1, time.Minute)
			first, second := series.Add(t.Context(), actor, someone(t, "anna")), series.Add(t.Context(), actor, someone(t, "bert"))
			series.Close()
			if _, err := first.Wait(); err == nil || !strings.HasPrefix(err.Error(), "panic: string\n") {
				t.Errorf("ends with %v", err)
			}
			if _, err := second.Wait(); err != nil {
				t.Errorf("the one after it ends with %v", err)
			}
		})
	}
}
