package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream/logstore"
	"github.com/seed5b6a70b4/identity/internal/bench/load"
)

// tailFor is how long users are made before a kill: what came after the last
// snapshot has to be read from the log again.
const tailFor = 10 * time.Second

// starts measures how long a directory takes to be ready: after an orderly end,
// after kill -9 under load, and with no snapshot of any view.
func (b *bench) starts(ctx context.Context, data string) error {
	fmt.Fprintln(b.out)
	if err := b.end(ctx, data, os.Interrupt, "SIGTERM", 0); err != nil {
		return err
	}
	if err := b.end(ctx, data, os.Kill, "kill -9", 0); err != nil {
		return err
	}
	if err := b.end(ctx, data, os.Kill, "kill -9", tailFor); err != nil {
		return err
	}
	return b.rebuild(ctx, data)
}

// end serves, makes users for a time, ends the server, and measures the next start.
func (b *bench) end(ctx context.Context, data string, signal os.Signal, name string, making time.Duration) error {
	identity, err := b.serve(ctx, data)
	if err != nil {
		return err
	}
	var written load.Outcome
	if making > 0 {
		written, err = load.Run(ctx, load.Plan{Address: identity.address, Connections: 64, Duration: making, Next: newUser, Want: 201})
	}
	if err := errors.Join(err, identity.end(signal)); err != nil {
		return err
	}
	if identity, err = b.serve(ctx, data); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "ready %v after %s, %d users after the start\n", identity.started.Round(time.Millisecond), name, written.Requests)
	return identity.end(os.Interrupt)
}

func (b *bench) rebuild(ctx context.Context, data string) error {
	err := filepath.WalkDir(data, func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".snapshot") && !strings.HasPrefix(filepath.Base(path), "heads-") {
			return os.Remove(path)
		}
		return err
	})
	if err != nil {
		return err
	}
	identity, err := b.serve(ctx, data)
	if err != nil {
		return err
	}
	took := identity.started
	if err := identity.end(os.Interrupt); err != nil {
		return err
	}
	commits, err := count(ctx, data)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "ready %v without a snapshot of any view, from a log of %d commits: %.0f commits/s\n", took.Round(time.Millisecond), commits, float64(commits)/took.Seconds())
	return nil
}

// count tells how many commits the log of a data directory holds.
func count(ctx context.Context, data string) (commits int, err error) {
	store, err := logstore.Open(filepath.Join(data, "log"), nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for transaction, err := range store.Tail(ctx, 0) {
		if err != nil {
			return 0, err
		}
		commits += len(transaction)
	}
	return commits, nil
}
