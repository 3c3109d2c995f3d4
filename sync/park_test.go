package querysync_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

// older is a view of a build that does not know what bob's stream says yet.
func older() *feedtest.Model {
	return &feedtest.Model{Fail: func(commits []eventstream.Commit) error {
		if commits[0].Stream == bob && commits[0].Seq <= 2 && commits[len(commits)-1].Seq >= 2 {
			return errNotKnown
		}
		return nil
	}}
}

func TestRetryAppliesWhatCanBeAppliedNow(t *testing.T) {
	d, view := newDirectory(t), older()
	s := follow(t, d, nil, view)
	d.observe = s.Observe
	for range 3 {
		d.write(bob, users)
	}
	row(t, view, bob, 1)
	isErr(t, "too early", s.Retry(t.Context(), "model", bob), querysync.ErrParked)
	if parked := s.Parked(); len(parked) != 1 || parked[0].Attempts != 2 || parked[0].Seq != 2 {
		t.Errorf("parked: %v", parked)
	}
	view.Fail = nil
	isErr(t, "in time", s.Retry(t.Context(), "model", bob), nil)
	row(t, view, bob, 3)
	if parked := s.Parked(); len(parked) != 0 {
		t.Errorf("still parked: %v", parked)
	}
	isErr(t, "users/0@3", s.Ensure(t.Context(), view, users, 3), nil)
	isErr(t, "what is not parked", s.Retry(t.Context(), "model", ada), nil)
	if err := s.Retry(t.Context(), "no such view", bob); err == nil {
		t.Error("a view that there is not was retried")
	}
}

// parkBob is a process in whose view bob's stream is parked, and which ended.
// The snapshot is past the commit.
func parkBob(t *testing.T, d *directory, directory string) (snapshot *feedtest.Model) {
	t.Helper()
	view := older()
	s := follow(t, d, &querysync.Options{Directory: directory}, view)
	d.observe = s.Observe
	for range 3 {
		d.write(bob, users)
	}
	d.observe = nil
	applied(t, view, 3)
	return view.Copy(3)
}

func TestWhatIsParkedIsKnownAfterARestart(t *testing.T) {
	d, directory := newDirectory(t), t.TempDir()
	snapshot := parkBob(t, d, directory)
	snapshot.Fail = older().Fail
	s := follow(t, d, &querysync.Options{Directory: directory}, snapshot)
	if parked := s.Parked(); len(parked) != 1 || parked[0].Stream != bob || parked[0].Seq != 2 || parked[0].Attempts != 1 {
		t.Errorf("parked: %v", parked)
	}
	isErr(t, "users/0@1", s.Ensure(t.Context(), snapshot, users, 1), nil)
	isErr(t, "users/0@2", s.Ensure(t.Context(), snapshot, users, 2), querysync.ErrParked)
}

func TestABuildThatKnowsMoreAppliesWhatWasParked(t *testing.T) {
	d, directory := newDirectory(t), t.TempDir()
	snapshot := parkBob(t, d, directory)
	s := follow(t, d, &querysync.Options{Directory: directory}, snapshot)
	isErr(t, "catch up", s.CatchUp(t.Context(), d, snapshot, 2, nil), nil)
	row(t, snapshot, bob, 3)
	if parked := s.Parked(); len(parked) != 0 {
		t.Errorf("still parked: %v", parked)
	}
	if again := follow(t, d, &querysync.Options{Directory: directory}, snapshot).Parked(); len(again) != 0 {
		t.Errorf("parked again after a restart: %v", again)
	}
}

func TestALostListOfParkedStreamsIsMadeAgain(t *testing.T) {
	for name, lose := range map[string]func(file string) error{
		"deleted": os.Remove,
		"damaged": func(file string) error { return os.WriteFile(file, []byte("{"), 0o600) },
		"null":    func(file string) error { return os.WriteFile(file, []byte(`{"parked":[null]}`), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			d, directory := newDirectory(t), t.TempDir()
			snapshot := parkBob(t, d, directory)
			snapshot.Fail = older().Fail
			file := filepath.Join(directory, "parked-model.json")
			if err := lose(file); err != nil {
				t.Fatal(err)
			}
			s := follow(t, d, &querysync.Options{Directory: directory}, snapshot)
			if parked := s.Parked(); len(parked) != 0 {
				t.Fatalf("parked: %v", parked)
			}
			for range 2 { // the second sweep need not go over everything
				isErr(t, "sweep", s.Sweep(t.Context(), time.Now().Add(time.Hour)), nil)
				if parked := s.Parked(); len(parked) != 1 || parked[0].Stream != bob || parked[0].Seq != 2 {
					t.Errorf("parked: %v", parked)
				}
			}
			isErr(t, "users/0@2", s.Ensure(t.Context(), snapshot, users, 2), querysync.ErrParked)
			if again := follow(t, d, &querysync.Options{Directory: directory}, snapshot).Parked(); len(again) != 1 {
				t.Errorf("parked after a restart: %v", again)
			}
		})
	}
}

func TestAViewThatWasFoldedFromTheStartNeedsNoSweepOfEverything(t *testing.T) {
	d, directory := newDirectory(t), t.TempDir()
	d.write(bob)
	view := &feedtest.Model{}
	isErr(t, "catch up", follow(t, d, &querysync.Options{Directory: directory}, view).CatchUp(t.Context(), d, view, 1, nil), nil)
	again := unplaced{&feedtest.Model{}} // has lost everything, which only a sweep would find
	s := follow(t, d, &querysync.Options{Directory: directory}, again)
	isErr(t, "sweep", s.Sweep(t.Context(), time.Now().Add(time.Hour)), nil)
	row(t, again, bob, 0)
}

func TestThePositionWaitsUntilWhatIsParkedIsOnRecord(t *testing.T) {
	d, view := newDirectory(t), older()
	directory := filepath.Join(t.TempDir(), "gone")
	clock := time.Unix(0, 0)
	s := follow(t, d, &querysync.Options{Directory: directory, Now: func() time.Time { return clock }}, view)
	d.observe = s.Observe
	d.write(bob)
	d.write(bob)
	d.write(ada)
	applied(t, view, 1)
	row(t, view, ada, 1)
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(time.Minute)
	d.write(ada)
	applied(t, view, 4)
}

func TestARowThatSomebodyElseBroughtOnIsNotParked(t *testing.T) {
	d, view := newDirectory(t), older()
	s, newer := follow(t, d, nil, view), follow(t, d, nil, view)
	for range 3 {
		d.write(bob)
	}
	isErr(t, "older", s.Ensure(t.Context(), view, bob, 3), querysync.ErrParked)
	view.Fail = nil
	isErr(t, "newer", newer.Ensure(t.Context(), view, bob, 2), nil)
	isErr(t, "older", s.Ensure(t.Context(), view, bob, 3), nil)
	if parked := s.Parked(); len(parked) != 0 {
		t.Errorf("still parked: %v", parked)
	}
}

func TestWhatIsParkedIsLoggedOnce(t *testing.T) {
	d, view := newDirectory(t), older()
	var text bytes.Buffer
	s := follow(t, d, &querysync.Options{Logger: slog.New(slog.NewTextHandler(&text, nil))}, view)
	d.observe = s.Observe
	for range 4 {
		d.write(bob)
	}
	isErr(t, "retry", s.Retry(t.Context(), "model", bob), querysync.ErrParked)
	if count := strings.Count(text.String(), "stream parked"); count != 1 {
		t.Errorf("it was logged %d times:\n%s", count, text.String())
	}
}
