package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// starts measures how long a directory takes to be ready: after an orderly end,
// after kill -9, and with nothing but the log.
func (b *bench) starts(ctx context.Context, data string) error {
	fmt.Fprintln(b.out)
	for _, way := range []struct {
		name   string
		signal os.Signal
	}{{"SIGTERM", os.Interrupt}, {"kill -9", os.Kill}} {
		identity, err := b.serve(ctx, data)
		if err != nil {
			return err
		}
		if err := identity.end(way.signal); err != nil {
			return err
		}
		if identity, err = b.serve(ctx, data); err != nil {
			return err
		}
		fmt.Fprintf(b.out, "ready %v after %s\n", identity.started.Round(time.Millisecond), way.name)
		if err := identity.end(os.Interrupt); err != nil {
			return err
		}
	}
	return b.rebuild(ctx, data)
}

func (b *bench) rebuild(ctx context.Context, data string) error {
	err := filepath.WalkDir(data, func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".snapshot") {
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
	fmt.Fprintf(b.out, "ready %v with nothing but the log; it says:\n%s\n", identity.started.Round(time.Millisecond), identity.printed())
	return identity.end(os.Interrupt)
}
