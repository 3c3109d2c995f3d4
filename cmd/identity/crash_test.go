package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
)

// written is a user whose making was acknowledged, or not.
type written struct {
	id, username string
	acknowledged bool
}

// Whatever was acknowledged survives kill -9 in the midst of writing, and nothing
// is there by half: a user is found by its id, by its name and by search, or not
// at all.
func TestKillsUnderLoad(t *testing.T) {
	const lives, writers = 5, 8
	dir := t.TempDir()
	var all []written
	for life := range lives {
		p := mustStart(t, dir, "--no-access-log")
		c := clientOf(t, dir)
		compare(t, c, all)
		batch := writeUntilKilled(t, p, c, writers, fmt.Sprintf("life%d", life))
		acknowledged := slices.ContainsFunc(batch, func(w written) bool { return w.acknowledged })
		if !acknowledged {
			t.Error("nothing was acknowledged before the kill")
		}
		all = append(all, batch...)
	}
	mustStart(t, dir, "--no-access-log")
	compare(t, clientOf(t, dir), all)
	if code, out, errs := runHere(t, "verify", "--data", filepath.Join(dir, "identity-data")); code != exitDone {
		t.Errorf("verify ends with %d: %s%s", code, out, errs)
	}
}

// writeUntilKilled makes users until the process is killed, which is after some
// of them were acknowledged.
func writeUntilKilled(t *testing.T, p *process, c *client, writers int, prefix string) []written {
	t.Helper()
	const before = 100
	var mu sync.Mutex
	var all []written
	acknowledged := 0
	enough := make(chan struct{})
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for number := 0; ; number++ {
				w := written{id: uuid.Must(uuid.NewV7()).String(), username: fmt.Sprintf("%s-%d-%d", prefix, writer, number)}
				status, err := c.do(context.Background(), http.MethodPost, "/users", map[string]any{
					"id": w.id, "username": w.username, "email": w.username + "@example.org",
				}, nil)
				w.acknowledged = status == http.StatusCreated
				mu.Lock()
				all = append(all, w)
				if w.acknowledged {
					if acknowledged++; acknowledged == before {
						close(enough)
					}
				}
				mu.Unlock()
				var refused *problem
				if errors.As(err, &refused) {
					t.Errorf("a write was refused: %v", err)
				}
				if err != nil {
					return
				}
			}
		})
	}
	<-enough
	// Where in a batch the kill falls is for chance to say.
	time.Sleep(rand.N(5 * time.Millisecond))
	if err := p.signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	p.wait()
	group.Wait()
	return all
}

// compare asks for every user in every way.
func compare(t *testing.T, c *client, all []written) {
	t.Helper()
	for _, w := range all {
		byID, err := c.do(t.Context(), http.MethodGet, "/users/"+w.id, nil, nil)
		var refused *problem
		if errors.As(err, &refused) {
			byID = refused.Status
		}
		ways := []string{"username=" + w.username, "email=" + w.username + "%40example.org", "q=" + w.username}
		for _, query := range ways {
			var page struct {
				Items []struct {
					ID string `json:"id"`
				} `json:"items"`
			}
			if _, err := c.do(t.Context(), http.MethodGet, "/users?"+query, nil, &page); err != nil {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(page.Items, func(item struct {
				ID string `json:"id"`
			},
			) bool {
				return item.ID == w.id
			})
			if found != (byID == http.StatusOK) {
				t.Errorf("%s (acknowledged: %t) is %d by id, but %t by %s", w.username, w.acknowledged, byID, found, query)
			}
		}
		if w.acknowledged && byID != http.StatusOK {
			t.Errorf("%s was acknowledged and is %d", w.username, byID)
		}
	}
}
