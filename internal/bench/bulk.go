package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

const (
	// bulkItems is how many users one batch makes, bulkConnections how many batches
	// are asked for at a time.
	bulkItems       = 500
	bulkConnections = 8
)

// newUserBody is a user whom no directory has, as JSON.
func newUserBody(to []byte) []byte {
	n, run := made.Add(1), time.Now().UnixNano()
	return fmt.Appendf(to, `{"username":"bench-%x-%d","email":"bench-%x-%d@example.org","name":"Bench Body","active":true,"attributes":{"department":"sales","site":"north","level":3}}`, run, n, run, n)
}

// newBatch asks for many of them at once.
func newBatch(int, int) load.Request {
	body := []byte(`{"items":[`)
	for i := range bulkItems {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(newUserBody(append(body, `{"op":"create","user":`...)), '}')
	}
	return load.NewRequest("POST", "/users:batch", adminKey, append(body, `]}`...))
}

// bulk compares making users one by one with making them in batches, and a stream
// of them with seeding a directory at rest.
func (b *bench) bulk(ctx context.Context, _, identity *process) error {
	fmt.Fprintln(b.out)
	for _, client := range []struct {
		name string
		run  func(context.Context, load.Plan) (load.Outcome, error)
	}{{"the load's own client", load.Run}, {"net/http", load.RunStandard}} {
		if err := b.batches(ctx, identity, client.name, client.run); err != nil {
			return err
		}
	}
	seeded, err := b.seedRate(ctx, b.users)
	if err != nil {
		return err
	}
	streamed, err := b.streamRate(ctx, b.users)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%d users: %.0f/s as lines over one connection, %.0f/s by seed: %.0f %%\n", b.users, streamed, seeded, 100*streamed/seeded)
	return nil
}

// batches compares users made one by one with users made 500 with each request: what
// is compared is per user. Clients share the machine with the server, so what one
// costs counts.
func (b *bench) batches(ctx context.Context, identity *process, client string, run func(context.Context, load.Plan) (load.Outcome, error)) error {
	sides := []struct {
		plan  load.Plan
		users int
		all   []load.Outcome
		cpu   time.Duration
	}{
		{plan: load.Plan{Connections: 64, Next: newUser, Want: 201}, users: 1},
		{plan: load.Plan{Connections: bulkConnections, Next: newBatch, Want: 200}, users: bulkItems},
	}
	for range b.Rounds {
		for i := range sides {
			side := &sides[i]
			side.plan.Address, side.plan.Duration = identity.address, 4*b.Duration // a batch takes its time
			before := identity.cpu()
			outcome, err := run(ctx, side.plan)
			if err != nil {
				return err
			}
			side.cpu += identity.cpu() - before
			side.all = append(side.all, outcome)
		}
	}
	var rates [2]float64
	for i := range sides {
		side := &sides[i]
		joined := load.Join(side.all)
		rates[i] = joined.Rate() * float64(side.users)
		fmt.Fprintf(b.out, "%s, %d at a time, %d connections: %.0f users/s, CPU %.1f µs each\n", client, side.users, side.plan.Connections, rates[i],
			float64(side.cpu.Microseconds())/float64(max(1, joined.Requests*side.users)))
	}
	fmt.Fprintf(b.out, "in batches %.1f times as many\n", rates[1]/rates[0])
	return nil
}

// seedRate is how many users a second seed makes in a new directory, index and
// all.
func (b *bench) seedRate(ctx context.Context, users int) (rate float64, err error) {
	data, err := os.MkdirTemp("", "identity-seed-*")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(data)
	begun := time.Now()
	if out, err := exec.CommandContext(ctx, b.identity, "seed", "--data", data, "--users", fmt.Sprint(users), "--groups", "0").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("seed: %w\n%s", err, out)
	}
	return float64(users) / time.Since(begun).Seconds(), nil
}

// streamRate is how many users a second a service with a new directory makes of
// lines.
func (b *bench) streamRate(ctx context.Context, users int) (rate float64, err error) {
	data, err := os.MkdirTemp("", "identity-stream-*")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(data)
	server, err := b.serve(ctx, data)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.end(os.Kill)) }()
	body, in := io.Pipe()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+server.address+"/users:batch", body)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+adminKey)
	request.Header.Set("Content-Type", "application/x-ndjson")
	begun := time.Now()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	go func() { in.CloseWithError(writeLines(in, users)) }()
	results, answered := bufio.NewScanner(answer.Body), 0
	for results.Scan() {
		answered++
	}
	if answered != users {
		return 0, errors.Join(fmt.Errorf("%d of %d lines were answered", answered, users), results.Err())
	}
	return float64(users) / time.Since(begun).Seconds(), nil
}

func writeLines(to io.Writer, users int) error {
	out := bufio.NewWriterSize(to, 64<<10)
	var line []byte
	for range users {
		line = append(newUserBody(append(line[:0], `{"op":"create","user":`...)), '}', '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}
