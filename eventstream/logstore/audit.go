package logstore

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/vfs"
)

// Scan gives all transactions of the log in a directory, in order, for auditors.
// It writes nothing but its lock: while a Store has the directory it fails with
// ErrLocked. Checksums are checked, and damage or loss ends it with the
// CorruptError that Open would fail with; whatever a crash cut short, and Open
// would remove, is left out. Hashes are the auditor's to check.
func Scan(ctx context.Context, dir string) iter.Seq2[[]eventstream.Commit, error] {
	return func(yield func([]eventstream.Commit, error) bool) {
		lock, err := lockDirectory(dir)
		if err != nil {
			yield(nil, err)
			return
		}
		err = scan(vfs.OS(dir), func(commits []eventstream.Commit) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !yield(commits, nil) {
				return errEnough
			}
			return nil
		})
		err = errors.Join(err, lock.Unlock())
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, fmt.Errorf("scan log in %s: %w", dir, err))
		}
	}
}

// errEnough: the auditor wants no more.
var errEnough = errors.New("enough")

func scan(fs vfs.FS, visit func([]eventstream.Commit) error) error {
	options := (*Options)(nil).withDefaults()
	found, err := openDirectory(fs, &options, true)
	if err != nil {
		return err
	}
	defer found.close()
	end, err := found.segments.scan(found.segments.beforePosition(1), func(f *frame) (int64, error) {
		for each, err := range f.entries() {
			var commits []eventstream.Commit
			if err == nil {
				err = each.checkSum()
			}
			if err == nil {
				commits, err = each.commits()
			}
			if err == nil {
				err = visit(commits)
			}
			if err != nil {
				return 0, err
			}
		}
		return noTime, nil
	})
	if err != nil {
		return err
	}
	return found.reaches(end, 0)
}
