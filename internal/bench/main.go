package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"github.com/alecthomas/kong"
)

// bench is a run: its flags, and where it prints.
type bench struct {
	Sizes       []int         `default:"1000,100000,1000000" help:"How many users the directory has, one after the other."`
	Connections []int         `default:"1,16,64" help:"How many connections ask at once."`
	Duration    time.Duration `default:"500ms" help:"How long each side is measured in each round."`
	Rounds      int           `default:"12" help:"How often each side is measured."`
	Data        string        `help:"Directory for the data; kept if given, so that seeding is done once." type:"path"`
	Only        []string      `help:"Only these: post, bulk, get, search, writes, start, groups, follow, effective, rebuild, transfer."`

	identity, floor string
	users           int // of the size that is being measured
	out             io.Writer
}

func main() {
	b := &bench{out: os.Stdout}
	kong.Parse(b, kong.Name("bench"), kong.Description("Measures identity beside a floor server."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context) error {
	work, err := os.MkdirTemp("", "identity-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if b.Data == "" {
		b.Data = work
	}
	if b.identity, b.floor, err = build(ctx, work); err != nil {
		return err
	}
	for _, size := range b.Sizes {
		if err := b.size(ctx, size); err != nil {
			return fmt.Errorf("%d users: %w", size, err)
		}
	}
	return nil
}

func (b *bench) wants(part string) bool { return b.Only == nil || slices.Contains(b.Only, part) }

// size measures a directory of one size.
func (b *bench) size(ctx context.Context, users int) (err error) {
	b.users = users
	fmt.Fprintf(b.out, "\n## %d users\n", users)
	data := filepath.Join(b.Data, fmt.Sprintf("identity-%d", users))
	if err := b.seed(ctx, data, users); err != nil {
		return err
	}
	floorData, err := os.MkdirTemp("", "identity-floor-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(floorData)
	floor, err := start(ctx, "floor", "/users", b.floor, "--data", floorData, "--users", fmt.Sprint(users))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, floor.end(os.Kill)) }()
	identity, err := b.serve(ctx, data)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\nready after %v; %d bytes resident a user\n", identity.started.Round(time.Millisecond), identity.rss()/int64(users))
	if err := b.parts(ctx, floor, identity); err != nil {
		return fmt.Errorf("%w (%w)", err, identity.end(os.Kill))
	}
	if err := identity.end(os.Interrupt); err != nil {
		return err
	}
	if b.wants("rebuild") {
		if err := b.rebuilds(ctx, data); err != nil {
			return fmt.Errorf("rebuild: %w", err)
		}
	}
	if b.wants("transfer") {
		if err := b.transfers(ctx, data); err != nil {
			return fmt.Errorf("transfer: %w", err)
		}
	}
	if b.wants("start") {
		return b.starts(ctx, data)
	}
	return nil
}

func (b *bench) parts(ctx context.Context, floor, identity *process) error {
	parts := []struct {
		name    string
		measure func(context.Context, *process, *process) error
	}{
		{"get", b.gets}, {"search", b.searches}, {"groups", b.groups}, {"follow", b.follow}, {"effective", b.effective}, {"post", b.posts}, {"bulk", b.bulk}, {"writes", b.sustained},
	}
	for _, part := range parts {
		if b.wants(part.name) {
			if err := part.measure(ctx, floor, identity); err != nil {
				return fmt.Errorf("%s: %w", part.name, err)
			}
		}
	}
	return nil
}

func (b *bench) serve(ctx context.Context, data string) (*process, error) {
	return start(ctx, "identity", "/readyz", b.identity, "serve", "--data", data)
}

func (b *bench) seed(ctx context.Context, data string, users int) error {
	if _, err := os.Stat(data); err == nil {
		return nil
	}
	begun := time.Now()
	command := exec.CommandContext(ctx, b.identity, "seed", "--data", data, "--users", fmt.Sprint(users), "--groups", fmt.Sprint(max(10, users/100)))
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	fmt.Fprintf(b.out, "\nseeded in %v\n", time.Since(begun).Round(time.Second))
	return nil
}
