package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// transferRounds is how often a directory is copied.
const transferRounds = 3

// transfers measures how fast a directory at rest is written to a file, and how fast
// a new one is made of that.
func (b *bench) transfers(ctx context.Context, data string) error {
	commits, err := count(ctx, data)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(b.Data, "identity-transfer-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	fmt.Fprintln(b.out)
	for range transferRounds {
		file, copied := filepath.Join(work, "commits"), filepath.Join(work, "copy")
		exported, err := b.timed(ctx, "export", "--data", data, "--out", file)
		if err != nil {
			return err
		}
		disk, err := writeRate(filepath.Join(work, "plain"), file)
		if err != nil {
			return err
		}
		if err := newSecret(data, copied); err != nil {
			return err
		}
		imported, err := b.timed(ctx, "import", "--data", copied, file)
		if err != nil {
			return err
		}
		rate := func(took time.Duration) float64 { return float64(commits) / took.Seconds() }
		fmt.Fprintf(b.out, "export %.0f commits/s, import %.0f commits/s, both durable at the end; a copy of the file %.0f MB/s\n", rate(exported), rate(imported), disk/1e6)
		for _, path := range []string{file, copied} {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) timed(ctx context.Context, args ...string) (time.Duration, error) {
	begun := time.Now()
	if out, err := exec.CommandContext(ctx, b.identity, args...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", args[0], err, out)
	}
	return time.Since(begun), nil
}

// writeRate is how many bytes a second the disk takes of a file that is copied, and
// made durable: what an export cannot be faster than.
func writeRate(to, from string) (rate float64, err error) {
	source, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	defer os.Remove(to)
	defer target.Close()
	begun := time.Now()
	written, err := io.Copy(struct{ io.Writer }{target}, source) // through this process, as an export's
	if err != nil {
		return 0, err
	}
	if err := target.Sync(); err != nil {
		return 0, err
	}
	return float64(written) / time.Since(begun).Seconds(), nil
}

// newSecret makes the directory of a copy, with the secret without which it is not
// taken.
func newSecret(from, to string) error {
	secret, err := os.ReadFile(filepath.Join(from, "claim.key"))
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "claim.key"), secret, 0o600)
}
