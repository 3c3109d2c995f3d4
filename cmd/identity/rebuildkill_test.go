package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/queries"
	"github.com/seed5b6a70b4/identity/queries/memview"
)

// A service that is killed at any moment of a rebuild answers as before when it is
// started again, has nothing left of what was begun, and can build.
func TestARebuildIsKilledAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "identity-data")
	mustRun(t, "seed", "--users", "3000", "--groups", "50", "--data", data)
	t.Setenv(adminVar, cloudAdminKey)
	var took time.Duration
	const lives = 7
	cut := 0
	for life := range lives {
		p := guarded(t, dir)
		w := &world{t: t}
		answering := 0
		for _, view := range w.views(p).Views {
			for _, generation := range view.Generations {
				if generation.State != httpapi.Answering {
					t.Errorf("life %d: generation %d of %s is %s", life, generation.Number, view.View, generation.State)
				}
				if view.View == httpapi.RowsView {
					answering = int(generation.Number)
				}
			}
		}
		for _, file := range must(os.ReadDir(filepath.Join(data, "snapshots"))) {
			if parts := generationFile.FindStringSubmatch(file.Name()); strings.HasSuffix(file.Name(), ".tmp") || parts != nil && (parts[2] == "") != (answering == 1) {
				t.Errorf("life %d: %s is left, and generation %d answers", life, file.Name(), answering)
			}
		}
		began := time.Now()
		w.order(p, "/views:rebuild", map[string]any{"views": []string{"rows"}}, http.StatusAccepted)
		if life == 0 || life == lives-1 {
			w.rebuilt(p)
			took = time.Since(began)
			w.order(p, "/views:drop", nil, http.StatusOK)
		} else {
			time.Sleep(rand.N(took)) // where the kill falls is for chance to say
			if g := w.views(p); g.Rebuild != nil && g.Rebuild.State == httpapi.Running {
				cut++
			}
		}
		if err := p.signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		p.wait()
		mustRun(t, "verify", "--data", data)
	}
	t.Logf("a rebuild takes %v; %d of %d were cut off", took, cut, lives-2)
}

// TestAKillLeavesNothingHalf copies the data directory at each step of a rebuild,
// as a kill would leave it, and starts on the copy.
func TestAKillLeavesNothingHalf(t *testing.T) {
	data := t.TempDir()
	b, _ := running(t, data, settings{})
	ids := populate(t, b, 50)
	if err := b.snapshot(); err != nil {
		t.Fatal(err)
	}
	copied := func(what string) string {
		to := t.TempDir()
		if err := os.CopyFS(to, os.DirFS(data)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return to
	}
	var once sync.Once
	var filling string
	b.describe.of = func(ctx context.Context, view *memview.View, entity memview.Entity) (queries.Document, error) {
		once.Do(func() { filling = copied("while it is filled") })
		return standardDocument.of(ctx, view, entity)
	}
	wantDone(t, rebuilt(t, b, everything))
	kills := map[string]string{"while it is filled": filling, "switched": copied("switched")}
	unrecorded := copied("saved and not on record")
	if err := os.Remove(filepath.Join(unrecorded, recordFile)); err != nil {
		t.Fatal(err)
	}
	kills["saved and not on record"] = unrecorded
	unsaved := copied("on record and not saved")
	for _, file := range must(filepath.Glob(filepath.Join(unsaved, "snapshots", "*.snapshot"))) {
		if err := os.Truncate(file, 100); err != nil {
			t.Fatal(err)
		}
	}
	kills["on record and damaged"] = unsaved
	for what, data := range kills {
		t.Run(what, func(t *testing.T) {
			again, _ := running(t, data, settings{})
			for _, id := range ids {
				if _, err := again.reader.User(t.Context(), id, queries.Freshness{}); err != nil {
					t.Errorf("a user: %v", err)
				}
			}
			if report, err := again.verify(t.Context(), unheard); err != nil || report.Drift > 0 {
				t.Errorf("%d findings, %v", report.Drift, err)
			}
			others := 0
			number := again.answering.Load().rows.number
			for _, file := range must(os.ReadDir(filepath.Join(data, "snapshots"))) {
				parts := generationFile.FindStringSubmatch(file.Name())
				if parts != nil && (parts[2] == "") != (number == 1) {
					others++
				}
			}
			if others > 0 {
				t.Errorf("%d files of generations that do not answer", others)
			}
			wantDone(t, rebuilt(t, again, everything))
		})
	}
}
