package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

// rebuilds measures how fast all views are built anew beside those that answer:
// while nobody writes, and while users are made, who keep as much of their rate.
func (b *bench) rebuilds(ctx context.Context, data string) error {
	commits, err := count(ctx, data)
	if err != nil {
		return err
	}
	identity, err := b.serve(ctx, data)
	if err != nil {
		return err
	}
	fmt.Fprintln(b.out)
	before := identity.cpu()
	took, err := rebuildAll(ctx, identity)
	if err != nil {
		return errors.Join(err, identity.end(os.Interrupt))
	}
	fmt.Fprintf(b.out, "all views rebuilt in %v without writes: %.0f commits/s, CPU %.2f µs each\n", took.Round(time.Millisecond), float64(commits)/took.Seconds(),
		float64((identity.cpu()-before).Microseconds())/float64(commits))
	if err := b.rebuildUnderWrites(ctx, identity); err != nil {
		return errors.Join(err, identity.end(os.Interrupt))
	}
	return identity.end(os.Interrupt)
}

// rebuildUnderWrites has users made for as long as a rebuild lasts, as before it.
func (b *bench) rebuildUnderWrites(ctx context.Context, identity *process) error {
	plan := load.Plan{Address: identity.address, Connections: 64, Duration: 10 * b.Duration, Next: newUser, Want: http.StatusCreated}
	alone, err := load.Run(ctx, plan)
	if err != nil {
		return err
	}
	var took time.Duration
	writing, enough := context.WithCancel(ctx)
	defer enough()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		defer enough()
		took, err = rebuildAll(ctx, identity)
		return err
	})
	plan.Duration = time.Hour
	beside, err := load.Run(writing, plan)
	if err := errors.Join(err, group.Wait()); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "all views rebuilt in %v with writes, which keep %.0f of %.0f/s (%.0f%%) all the while\n",
		took.Round(time.Millisecond), beside.Rate(), alone.Rate(), 100*beside.Rate()/alone.Rate())
	return nil
}

// rebuildAll has a server rebuild its views and waits for that.
func rebuildAll(ctx context.Context, identity *process) (time.Duration, error) {
	began := time.Now()
	if _, err := askViews(ctx, identity, http.MethodPost, "/views:rebuild", `{"views":["rows","search","closure"]}`); err != nil {
		return 0, err
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		state, err := askViews(ctx, identity, http.MethodGet, "/views", "")
		if err != nil {
			return 0, err
		}
		switch state.Rebuild.State {
		case "done":
			return time.Since(began), nil
		case "failed":
			return 0, fmt.Errorf("rebuild: %s", state.Rebuild.Reason)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

type viewStates struct {
	Rebuild struct {
		State  string `json:"state"`
		Reason string `json:"reason"`
	} `json:"rebuild"`
}

func askViews(ctx context.Context, identity *process, method, path, body string) (state viewStates, err error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+identity.address+path, strings.NewReader(body))
	if err != nil {
		return state, err
	}
	r.Header.Set("Authorization", "Bearer "+adminKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return state, err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return state, fmt.Errorf("%s %s is answered %s", method, path, answer.Status)
	}
	return state, json.NewDecoder(answer.Body).Decode(&state)
}
