package main

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed5b6a70b4/identity/httpapi"
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
