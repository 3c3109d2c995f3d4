package replica_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/sync/replica"
)

// keyed is a source that may refuse, and counts how often it is asked.
type keyed struct {
	*source
	refusal refusal
	asked   atomic.Int64
}

// refusal is why something is refused, for now.
type refusal struct{ why atomic.Pointer[error] }

func (r *refusal) set(why error) { r.why.Store(&why) }

func (r *refusal) err() error {
	if why := r.why.Load(); why != nil {
		return *why
	}
	return nil
}

func (k *keyed) Events(ctx context.Context, after string, endless bool) (io.ReadCloser, error) {
	k.asked.Add(1)
	if err := k.refusal.err(); err != nil {
		return nil, err
	}
	return k.source.Events(ctx, after, endless)
}

// strict notes meet no source, as long as they refuse.
type strict struct {
	notes
	refusal refusal
}

func (s *strict) Meet(context.Context, string, bool) error { return s.refusal.err() }

// follows runs a follower, whose log is given, until the test ends.
func follows(t *testing.T, from replica.Source, to *memstore.Store, kept replica.Notes) (*replica.Follower, *bytes.Buffer) {
	t.Helper()
	told := &bytes.Buffer{}
	follower, err := replica.New(from, eventstream.New(to, nil), kept, slog.New(slog.NewTextHandler(told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	running := make(chan error, 1)
	go func() { running <- follower.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-running; err != nil {
			t.Error(err)
		}
	})
	return follower, told
}

// A source that refuses is asked again, ever less often, and followed when it refuses no
// more. Each reason is logged once, and again now and then.
func TestASourceThatRefusesIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := &keyed{source: plain(t, 3)}, memstore.New(nil)
		from.refusal.set(fmt.Errorf("%w: the key is of no use", replica.ErrRefused))
		follower, told := follows(t, from, to, &notes{})
		warned := func(word string, want int) {
			t.Helper()
			synctest.Wait()
			if n := strings.Count(told.String(), word); n != want {
				t.Errorf("%q was logged %d times, not %d:\n%s", word, n, want, told)
			}
		}
		time.Sleep(4 * time.Minute)
		warned("is of no use", 1)
		if state := follower.State(); !errors.Is(state.Err, replica.ErrRefused) {
			t.Errorf("it tells %v", state.Err)
		}
		asked := from.asked.Load()
		if asked > 20 {
			t.Errorf("it was asked %d times in four minutes", asked)
		}
		time.Sleep(4 * time.Minute)
		warned("is of no use", 2)
		if n := from.asked.Load() - asked; n < 4 || n > 9 {
			t.Errorf("it was asked %d times in four minutes more", n)
		}
		from.refusal.set(fmt.Errorf("%w: the key may not", replica.ErrRefused))
		time.Sleep(2 * time.Minute)
		warned("may not", 1)
		from.refusal.set(nil)
		time.Sleep(time.Minute)
		warned("works again", 1)
		if state := follower.State(); state.Err != nil || to.End() != 3 {
			t.Errorf("%d transactions came, and it tells %v", to.End(), state.Err)
		}
	})
}

// One that is not who was followed before is no other case: what it begins with is not
// taken for a sign that it can be followed.
func TestAStrangerIsMetAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, kept, to := &keyed{source: plain(t, 3)}, &strict{}, memstore.New(nil)
		kept.refusal.set(fmt.Errorf("%w: a stranger", replica.ErrRefused))
		follower, told := follows(t, from, to, kept)
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		asked := from.asked.Load()
		if n := strings.Count(told.String(), "\n"); n != 1 || asked > 20 || follower.State().Err == nil {
			t.Errorf("asked %d times, it logged\n%s", asked, told)
		}
		kept.refusal.set(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if state := follower.State(); state.Err != nil || to.End() != 3 {
			t.Errorf("%d transactions came, and it tells %v", to.End(), state.Err)
		}
	})
}

// A copy begins with no source that refuses; one that is none any more follows nothing.
func TestWhatEndsTheFollowing(t *testing.T) {
	refusing := &keyed{source: plain(t, 3)}
	refusing.refusal.set(fmt.Errorf("%w: the key is of no use", replica.ErrRefused))
	follower, err := replica.New(refusing, eventstream.New(memstore.New(nil), nil), &notes{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	never := func(context.Context) (bool, error) { return false, nil }
	if err := follower.Begin(t.Context(), never); !errors.Is(err, replica.ErrRefused) {
		t.Errorf("it begins with %v", err)
	}
	over := &strict{}
	over.refusal.set(fmt.Errorf("%w: it was promoted", replica.ErrOver))
	if follower, err = replica.New(plain(t, 3), eventstream.New(memstore.New(nil), nil), over, nil); err != nil {
		t.Fatal(err)
	}
	if err := follower.Run(t.Context()); !errors.Is(err, replica.ErrOver) || !errors.Is(follower.State().Err, replica.ErrOver) {
		t.Errorf("following ends with %v", err)
	}
	if _, err := follower.Finish(t.Context(), true); !errors.Is(err, replica.ErrOver) {
		t.Errorf("finishing ends with %v", err)
	}
}

// Who cannot be followed to the end is not closed: it may be another one than the one
// that was followed.
func TestWhoIsNotFollowedIsNotClosed(t *testing.T) {
	from, kept := &keyed{}, &strict{}
	for _, test := range []struct {
		name string
		at   *refusal
		why  error
	}{
		{"a stranger", &kept.refusal, fmt.Errorf("%w: a stranger", replica.ErrRefused)},
		{"a copy no more", &kept.refusal, fmt.Errorf("%w: it was promoted", replica.ErrOver)},
		{"a place unknown", &from.refusal, fmt.Errorf("%w: the place is of another life", replica.ErrRefused)},
		{"away", &from.refusal, errors.New("it is away")},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				from.source, kept.place = plain(t, 3), ""
				to := memstore.New(nil)
				follower, err := replica.New(from, eventstream.New(to, nil), kept, nil)
				if err != nil {
					t.Fatal(err)
				}
				test.at.set(test.why)
				if _, err := follower.Finish(t.Context(), false); !errors.Is(err, test.why) || from.closed {
					t.Errorf("closed is %v, and finishing ends with %v", from.closed, err)
				}
				test.at.set(nil)
				if _, err := follower.Finish(t.Context(), false); err != nil || !from.closed || to.End() != 3 {
					t.Errorf("mended, %d transactions came, closed is %v, and finishing ends with %v", to.End(), from.closed, err)
				}
			})
		})
	}
}

// Nor is one closed whose events contradict what is here.
func TestAContradictionIsNotClosed(t *testing.T) {
	from, to := plain(t, 3), memstore.New(nil)
	write(t, to, "users/0")
	follower, err := replica.New(from, eventstream.New(to, nil), &notes{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var refused *eventstream.ImportError
	if _, err := follower.Finish(t.Context(), false); !errors.As(err, &refused) || from.closed {
		t.Errorf("closed is %v, and finishing ends with %v", from.closed, err)
	}
}

// slow is a source that says nothing for long, and then that it is away.
type slow struct{ asked int }

func (s *slow) Close(context.Context) error { return errors.New("it is away") }

func (s *slow) Events(context.Context, string, bool) (io.ReadCloser, error) {
	s.asked++
	time.Sleep(45 * time.Second)
	return nil, errors.New("it says nothing")
}

// One that says nothing is not waited for again and again: it may be lost, and until it
// is given up nobody can say so.
func TestFinishGivesUpWhoSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &slow{}
		follower, err := replica.New(from, eventstream.New(memstore.New(nil), nil), &notes{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := follower.Finish(t.Context(), false); err == nil || from.asked != 1 {
			t.Errorf("it was asked %d times, and finishing ends with %v", from.asked, err)
		}
	})
}
