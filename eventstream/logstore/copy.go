package logstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/vfs"
)

// Copy copies the log of a directory into another, which must be empty or not there,
// also while a Store has it open and writes to it: all that was acknowledged when it
// began, and perhaps more. What a batch under way adds is cut off where the copy is
// opened, as after a crash. Heads are left out, they are found again. The copy is
// durable when Copy returns, and opens as the same log. Progress, which may be nil, is
// told how many bytes of how many are copied.
func Copy(ctx context.Context, from, to string, progress func(done, total uint64)) error {
	if err := makeDirectory(to); err != nil {
		return fmt.Errorf("make log directory: %w", err)
	}
	// The mark first: what it promises is in the segments that are read after it.
	if err := copyFile(ctx, from, to, markName, nil); err != nil {
		return fmt.Errorf("copy log: %w", err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("copy log: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !isSegmentName(e.Name()) })
	var done, total uint64
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			total += uint64(info.Size())
		}
	}
	for _, entry := range entries {
		err := copyFile(ctx, from, to, entry.Name(), func(n int) {
			if done += uint64(n); progress != nil {
				progress(done, max(total, done))
			}
		})
		if err != nil {
			return fmt.Errorf("copy log: %w", err)
		}
	}
	if len(entries) > 0 {
		if err := trimCopy(vfs.OS(to), entries[len(entries)-1].Name()); err != nil {
			return fmt.Errorf("copy log: %w", err)
		}
	}
	return vfs.OS(to).SyncDir()
}

// trimCopy ends the copy of the last segment behind its first frames without a gap.
// What was written while it was copied may stand behind a hole: the file was read
// from front to back, and later than that filled. All of that was acknowledged later;
// what the mark promises is looked for when the copy is opened.
func trimCopy(fs vfs.FS, name string) error {
	file, err := fs.Open(name)
	if err != nil {
		return err
	}
	in, err := openSegment(file, name)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	size, err := file.Size()
	reader := frameReader{}
	for reader.reset(in, segmentHeader, size); err == nil; {
		_, err = reader.next()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, errNoFrame) {
		err = file.Truncate(reader.at)
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// copyFile copies a file, durably but for its name.
func copyFile(ctx context.Context, from, to, name string, copied func(n int)) (err error) {
	source, err := os.Open(filepath.Join(from, name))
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(filepath.Join(to, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	for buffer := make([]byte, 1<<20); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := source.Read(buffer)
		if _, writing := target.Write(buffer[:n]); writing != nil {
			return writing
		}
		if n > 0 && copied != nil {
			copied(n)
		}
		if errors.Is(err, io.EOF) {
			return target.Sync()
		}
		if err != nil {
			return err
		}
	}
}
